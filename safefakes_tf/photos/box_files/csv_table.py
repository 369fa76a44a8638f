"""Boxes as a CSV table, with a row per face."""

import csv
import re
from collections.abc import Sequence

from safefakes_tf.photos.box_files.listing import Listing, shown
from safefakes_tf.photos.box_files.text_file import TextFile

# What a column may be called; capitals, blanks, "_" and "-" do not count.
NAMES = {
    "filename": ("filename", "file", "image", "imagename", "imageid", "photo", "path"),
    "category": ("category", "class", "label", "labelname"),
    "identity": ("identity", "identityid", "person", "personid", "subject"),
    "size": (("imagewidth", "imageheight"), ("imgwidth", "imgheight")),
    "corner": (("xmin", "ymin"), ("x1", "y1"), ("left", "top"), ("x", "y")),
    "far corner": (("xmax", "ymax"), ("x2", "y2"), ("right", "bottom")),
    "extent": (("width", "height"), ("w", "h")),
}
EXPECTED = "filename, x, y, width, height (or xmin, ymin, xmax, ymax)"


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form: by its name, or its first line."""
    header = {_plain(name) for name in _header(file.text)}
    named = file.basename.endswith((".csv", ".tsv"))
    return named or (len(header) > 1 and bool(header & {*NAMES["filename"]}))


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what tables say.

    Columns are separated by commas, semicolons or tabs. A row with nothing but a file
    name is a photo without faces. `width` and `height` are of the box, or of the photo
    where the table has corners.
    """
    for file in files:
        with listing.at(f"{file.place}line 1"):
            _read(file, listing)


def _read(file, listing):
    delimiter = _delimiter(file.text)
    # Lines, as a column may be empty in all of them: Excel's, and trailing separators.
    lines = file.text.splitlines(keepends=True)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        columns = _columns(next(filter(any, rows), []))
        for row in rows:
            words = [word.strip() for word in row]
            if any(words):
                place = f"{file.place}line {rows.line_num}"
                with listing.at(place):
                    _add(place, words, columns, delimiter, listing)
    except csv.Error as error:
        raise ValueError(f"near line {rows.line_num} it is no table: {error}") from None


def _add(place, words, columns, delimiter, listing):
    if any(words[columns["count"] :]):  # the rest of a row, as of 1,5 for 1.5
        raise ValueError(
            f"expected {columns['count']} values, got {len(words)}; decimals are "
            "written with a point"
        )
    words += [""] * (columns["count"] - len(words))

    def of(key):
        values = [words[column] for column in columns[key]]
        # Where Excel separates by semicolons, it writes decimals with a comma.
        return values if delimiter == "," else [v.replace(",", ".") for v in values]

    name = listing.photo(place, words[columns["filename"]], of("size"))
    box = of("box")
    if name is None or not any(box):
        return
    try:
        x, y, width, height = map(float, box)
    except ValueError:
        raise ValueError(f"a box must be four numbers; got {shown(box)}") from None
    if columns["corners"]:
        width, height = width - x, height - y
    told = {
        key: words[columns[key]] or None
        for key in ("category", "identity")
        if key in columns
    }
    listing.add(place, name, (x, y, width, height), **told)


def _header(text):
    return _first_line(text).split(_delimiter(text))


def _delimiter(text):
    return max(",;\t", key=_first_line(text).count)


def _first_line(text):
    return next((line for line in text.splitlines() if line.strip()), "")


def _columns(header):
    """Return where the table has what: numbers of columns by the keys of `NAMES`."""
    plain = [_plain(name) for name in header]
    while plain and not plain[-1]:
        plain.pop()
    found = {"count": len(plain)}
    for key, choices in NAMES.items():
        for choice in choices:
            wanted = (choice,) if isinstance(choice, str) else choice
            if all(name in plain for name in wanted):
                columns = tuple(map(plain.index, wanted))
                found.setdefault(
                    key, columns[0] if isinstance(choice, str) else columns
                )
    corners = "far corner" in found
    box = "far corner" if corners else "extent"
    if not {"filename", "corner", box} <= found.keys():
        raise ValueError(
            f"expected the names of the columns, {EXPECTED}; got {shown(header)}"
        )
    size = found.get("size", found.get("extent", ()) if corners else ())
    return {
        **found,
        "size": size,
        "box": found["corner"] + found[box],
        "corners": corners,
    }


def _plain(name):
    return re.sub(r"[\s_\"-]", "", name).lower()
