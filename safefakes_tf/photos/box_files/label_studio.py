"""Label Studio's JSON: a list of tasks with results in percent of the photo.

Both of its exports, JSON and JSON-MIN.
"""

import math
import urllib.parse
from collections.abc import Sequence

from safefakes_tf.photos.box_files import rectangles
from safefakes_tf.photos.box_files.listing import Listing, shown
from safefakes_tf.photos.box_files.text_file import TextFile

DONE = ("annotations", "completions")  # the second in old versions
LABELS = ("rectanglelabels", "polygonlabels", "ellipselabels", "labels")
IMAGE = ("image", "img", "photo", "url")


def recognises(file: TextFile) -> bool:
    """Tell whether a file is of this form."""
    tasks = file.json
    return (
        isinstance(tasks, list)
        and all(isinstance(task, dict) for task in tasks)
        and any("data" in task or {*IMAGE} & {*task} for task in tasks)
    )


def read(files: Sequence[TextFile], listing: Listing) -> None:
    """Note what files say.

    Everybody's annotations of a task count. One that nobody has annotated is left out:
    that it has no boxes does not mean that it has no faces.
    """
    for file in files:
        for number, task in enumerate(file.json):
            place = f"{file.place}task {task.get('id', number)}"
            with listing.at(place):
                results = _results(task)
                if results is None:
                    listing.skipped["photos that nobody has annotated"] += 1
                    continue
                _add(place, task, results, listing)


def _results(task):
    """Return the shapes of a task, or None if nobody has looked at it."""
    if "data" not in task:  # JSON-MIN: shapes lie under the name of their control
        shapes = [shape for value in task.values() for shape in _shapes(value)]
        return shapes or ([] if "annotator" in task else None)
    done = [
        annotation["result"]
        for key in DONE
        for annotation in task.get(key) or ()
        if not annotation.get("was_cancelled")
    ]
    if not done:
        return None
    results = [(whose, result) for whose, of in enumerate(done) for result in of]
    shapes = {}
    for number, (whose, result) in enumerate(results):
        # Shape and label may be two results. People's shapes may have equal ids: those
        # of one who went on from another's, or both from what a model found.
        key = whose, result.get("id", number)
        shapes[key] = {**shapes.get(key, {}), **result, **result.get("value", {})}
    return list(shapes.values())


def _shapes(value):
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict)]


def _add(place, task, shapes, listing):
    size = next(
        (
            (shape.get("original_width"), shape.get("original_height"))
            for shape in shapes
            if shape.get("original_width")
        ),
        (),
    )
    name = listing.photo(place, _filename(task.get("data", task)), size)
    if name is None:
        return
    for number, shape in enumerate(shapes):
        where = f"{place}, region {shape.get('id', number)}"
        with listing.at(where):
            box = _box(shape, size)
            label = next((shape[key][0] for key in LABELS if shape.get(key)), None)
            if box is not None:
                listing.add(where, name, box, label)


def _filename(data):
    """Return the photo's path as it was imported, without host and folder."""
    link = next((data[key] for key in IMAGE if data.get(key)), None)
    if not isinstance(link, str):
        raise ValueError(f"expected the photo's address, `image`; got {shown(data)}")
    try:
        parts = urllib.parse.urlsplit(link)
    except ValueError:
        return link
    if "://" not in link and not link.startswith("/data/"):
        return link
    local = urllib.parse.parse_qs(parts.query).get("d")  # of /data/local-files/?d=PATH
    return local[0] if local else urllib.parse.unquote(parts.path)


def _box(shape, size):
    """Return the rectangle around a shape, in percent; None for what is no shape."""
    if "rle" in shape:
        raise ValueError(
            "brushes are not read; export the project as COCO, or as boxes"
        )
    if "points" in shape:
        return rectangles.around(shape["points"])
    if "radiusX" in shape:
        x, y, a, b = (float(shape[key]) for key in ("x", "y", "radiusX", "radiusY"))
        box, pivot = (x - a, y - b, 2 * a, 2 * b), (0.5, 0.5)
    elif "width" in shape and "x" in shape and "height" in shape:
        box, pivot = [shape[key] for key in ("x", "y", "width", "height")], (0, 0)
    else:
        return None
    degrees = float(shape.get("rotation") or 0)
    if not degrees:
        return box
    # Angles are those of the photo, whose percents are not squares.
    if not size:
        raise ValueError("expected original_width and original_height beside rotation")
    scale = [float(side) / 100 for side in size] * 2
    pixels = [float(value) * per for value, per in zip(box, scale, strict=True)]
    if not all(map(math.isfinite, pixels)):
        raise ValueError(f"a box must be four finite numbers; got {shown(box)}")
    turned = rectangles.around_rotated(pixels, degrees, pivot)
    return [value / per for value, per in zip(turned, scale, strict=True)]
