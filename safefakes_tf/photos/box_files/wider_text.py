"""Lists of photos and their boxes in the form of WIDER FACE, as people write them.

A line with a photo's name, one with the number of its faces, and a line per face. Files
of RetinaFace have `# name` instead of the first two. The reader of the data set itself,
which takes nothing but the official files, is `wider`.

Source: annotations.md, section 2.
"""

import re
from collections.abc import Sequence

from safefakes_tf.photos.box_files.listing import Listing, shown
from safefakes_tf.photos.box_files.text_file import TextFile

PHOTO = re.compile(r"\.(jpe?g|png|webp|tiff?|bmp|heic|heif|avif)$", re.IGNORECASE)
MARK = "#"  # before a name, in files of RetinaFace
END = [("the end", "")] * 2
COLUMNS = (4, 10)  # of a row: the box alone, or with its six attributes
INVALID = 7  # the column of that attribute
# Of a photo of the data set itself. In its lists 7 rows (validation) and 27 (training)
# have no size and no mark: slips, most of them at a face that has its box.
OFFICIAL = re.compile(r"(^|/)\d+--[^/]+/\d+_[^/]+_\d+\.jpg$")


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form; lists of names alone are not."""
    (_, first), (_, second) = [*file.lines, *END][:2]
    marked = first.startswith(MARK) and bool(PHOTO.search(first))
    return marked or (
        not _is_row(first)
        and (second.isdecimal() or bool(PHOTO.search(first)))
        and not PHOTO.search(second)
    )


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what files say.

    A row without a size is skipped if the file marks it: by `invalid`, or as it is all
    zeros. That row may also be missing where a photo has no faces. On photos of WIDER
    FACE itself it is skipped without a mark, too: nobody can correct that list.
    """
    for file in files:
        marked = file.text.lstrip().startswith(MARK)
        lines = iter([*file.lines, *END])
        place, line = next(lines)
        while line:
            name = listing.photo(place, line.lstrip(f"{MARK} ") if marked else line)
            announced = None
            if not marked:
                place, line = next(lines)
                if not line.isdecimal():
                    reason = f"expected the number of faces; got {shown(line)}"
                    listing.refuse(place, reason)
                    continue
                announced = line
            start, count = place, 0
            place, line = next(lines)
            while _is_row(line):
                _add(place, name, line.split(), marked, listing)
                place, line = next(lines)
                count += 1
            # A photo without faces may have a row of zeros.
            right = {str(count), "0"} if count == 1 else {str(count)}
            if announced is not None and (announced.lstrip("0") or "0") not in right:
                listing.refuse(start, f"expected {shown(announced)} rows; got {count}")


def _is_row(line):
    """Tell whether a line has numbers, though some may be wrong, and no name."""
    words = line.split()
    numeric = len(words) > 3 or re.fullmatch(r"[-+.\d\s]+", line)
    return bool(numeric) and not PHOTO.search(line)


def _add(place, name, words, marked, listing):
    with listing.at(place):
        if not marked and len(words) not in COLUMNS:
            raise ValueError(
                f"expected a row of {' or '.join(map(str, COLUMNS))} numbers; got "
                f"{shown(' '.join(words))}"
            )
        numbers = [float(word) for word in words]
        invalid = not marked and len(words) > INVALID and numbers[INVALID] == 1
        sizeless = min(numbers[2:4], default=1) <= 0
        if sizeless and (invalid or not any(numbers[:4])):
            listing.skipped["rows without a size, marked as such"] += 1
        elif sizeless and name is not None and OFFICIAL.search(name):
            listing.skipped["rows without a size, as WIDER FACE has some"] += 1
        elif name is not None:
            listing.add(place, name, numbers[:4])
