"""COCO JSON: images (id, file_name) and annotations (image_id, bbox).

CVAT, Roboflow and others export it. `pycocotools` is not used: it reads such files as
they are, without a check, and needs a compiler where it has no wheel.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from safefakes_tf.photos.box_files import rectangles, rle
from safefakes_tf.photos.box_files.listing import Listing, shown
from safefakes_tf.photos.box_files.text_file import TextFile


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form."""
    return isinstance(file.json, dict) and bool(
        {"images", "annotations"} & {*file.json}
    )


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what files say; numbers of images and categories are those of one file.

    A box with `iscrowd` is a region of many faces. A box that is rotated (CVAT's
    `attributes.rotation`) becomes the rectangle around it, and so does a segmentation
    without a box.
    """
    for file in files:
        with listing.at(file.name):
            photos = _photos(file.place, _dicts(file.json, "images"), listing)
            named = _dicts(file.json, "categories") if "categories" in file.json else ()
            names = {_id(each): str(each["name"]) for each in named if "name" in each}
            for number, annotation in enumerate(_dicts(file.json, "annotations")):
                place = f"{file.place}annotation {annotation.get('id', number)}"
                with listing.at(place):
                    _add(place, annotation, photos, names, listing)


def _dicts(content, key):
    entries = content.get(key)
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise ValueError(f"expected {key!r} as a list of objects; got {shown(entries)}")
    return entries


def _photos(where, images, listing):
    """Return the names of photos by their ids as texts: some files have both kinds."""
    photos = {}
    for number, image in enumerate(images):
        place = f"{where}image {image.get('id', number)}"
        size = image.get("width"), image.get("height")
        name = listing.photo(place, image.get("file_name"), size)
        with listing.at(place):
            if photos.setdefault(_id(image), name) != name:  # whose are the boxes?
                raise ValueError(
                    f"{photos[_id(image)]} and {name} have this one id; give each "
                    "photo its own"
                )
    return photos


def _id(entry: Mapping[str, Any]) -> str:
    return str(entry["id"])


def _add(place, annotation, photos, names, listing):
    image = str(annotation["image_id"])
    if image not in photos:
        raise ValueError(f"no image has the id {image}")
    if photos[image] is None:
        return  # told of the image already
    category = annotation.get("category_id")
    listing.add(
        place,
        photos[image],
        _box(annotation),
        None if category is None else names.get(str(category), str(category)),
        bool(annotation.get("iscrowd")),
    )


def _box(annotation):
    box, outline = annotation.get("bbox"), annotation.get("segmentation")
    if outline and (not box or box == [0, 0, 0, 0]):
        return _around(outline)
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"expected a bbox of four numbers; got {shown(box)}")
    degrees = (annotation.get("attributes") or {}).get("rotation")
    return rectangles.around_rotated(box, degrees, (0.5, 0.5)) if degrees else box


def _around(outline):
    if isinstance(outline, dict):
        return rle.around(outline)
    polygons = outline if isinstance(outline[0], list) else [outline]
    numbers = (np.asarray(polygon, np.float64) for polygon in polygons)
    return rectangles.around(np.concatenate([each.reshape(-1, 2) for each in numbers]))
