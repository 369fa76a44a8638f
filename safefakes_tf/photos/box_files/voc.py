"""Pascal VOC's XML: a file per photo, with an `object` per face.

A box reaches from (xmin, ymin) to (xmax, ymax), as LabelImg and CVAT write it: the
corner belongs to the next pixel. Source: annotations.md, section 2.
"""

import math
import pathlib
from collections.abc import Sequence

from safefakes_tf.photos.box_files import rectangles
from safefakes_tf.photos.box_files.listing import Listing
from safefakes_tf.photos.box_files.text_file import TextFile


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form."""
    return file.xml is not None and file.xml.tag == "annotation"


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what files say; one that does not name its photo is called like it."""
    for file in files:
        with listing.at(file.name):
            size = [file.xml.findtext(f"size/{side}") for side in ("width", "height")]
            stem = str(pathlib.PurePosixPath(file.name).with_suffix(""))
            title = (file.xml.findtext("filename") or "").strip()
            name = listing.photo(file.name, title or stem, size)
            for number, found in enumerate(file.xml.findall("object"), start=1):
                place = f"{file.place}object {number}"
                with listing.at(place):
                    category = (found.findtext("name") or "").strip()
                    listing.add(place, name, _box(found), category or None)


def _box(found):
    if (box := found.find("bndbox")) is not None:
        x, y, far_x, far_y = _numbers(box, ("xmin", "ymin", "xmax", "ymax"))
        return x, y, far_x - x, far_y - y
    if (box := found.find("robndbox")) is not None:  # roLabelImg
        x, y, width, height, angle = _numbers(box, ("cx", "cy", "w", "h", "angle"))
        box = x - width / 2, y - height / 2, width, height
        return rectangles.around_rotated(box, math.degrees(angle), (0.5, 0.5))
    if (outline := found.find("polygon")) is not None:
        x, y = (_coordinates(outline, axis) for axis in "xy")
        return rectangles.around(list(zip(x, y, strict=True)))
    raise ValueError("expected a bndbox, robndbox or polygon; got none")


def _numbers(box, tags):
    return [float(box.findtext(tag, "nothing")) for tag in tags]


def _coordinates(outline, axis):
    """Return the numbers of `x1`, `x2`, ... or of the `x` of every `pt`."""
    return [
        float(each.text)
        for each in outline.iter()
        if each.tag[:1] == axis and not each.tag[1:].strip("0123456789")
    ]
