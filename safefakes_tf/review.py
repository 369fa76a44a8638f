"""Photos and the faces that were found on them, for a person who looks for mistakes."""

import html
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

from safefakes_tf.photos.box_files.found import FoundPhoto

SHOWN = 10  # names in a line for the user
_STYLE = """
body { font: 15px sans-serif; margin: 1em; }
figure { display: inline-block; margin: 0 1em 1.5em 0; vertical-align: top; }
figcaption { max-width: 40em; overflow-wrap: anywhere; }
.photo { position: relative; display: inline-block; }
.photo img { display: block; max-width: 95vw; max-height: 80vh; }
.photo i { position: absolute; box-sizing: border-box; border: 2px solid lime; }
.photo i.uncertain { border-color: orange; }
"""


class Groups(NamedTuple):
    """Photos by how much a person should look at them, in this order."""

    uncertain: list[FoundPhoto]
    empty: list[FoundPhoto]
    certain: list[FoundPhoto]


def grouped(photos: Sequence[FoundPhoto], certain: float) -> Groups:
    """Divide photos: with a face that scores below `certain`, without faces, others."""
    groups = Groups([], [], [])
    for photo in photos:
        if not photo.scores:
            groups.empty.append(photo)
        elif min(photo.scores) < certain:
            groups.uncertain.append(photo)
        else:
            groups.certain.append(photo)
    return groups


def summary(photos: Sequence[FoundPhoto], certain: float) -> str:
    """Return lines that tell what was found, and where a face may have been missed."""
    groups = grouped(photos, certain)
    scores = [score for photo in photos for score in photo.scores]
    uncertain = sum(score < certain for score in scores)
    lines = [f"found:  {len(scores)} faces, {uncertain} of them uncertain"]
    if groups.uncertain:
        lines.append(f"        uncertain faces: {_named(groups.uncertain)}")
    if groups.empty:
        lines.append(f"        no face, or one was missed: {_named(groups.empty)}")
    return "\n".join(lines)


def page(photos: Sequence[FoundPhoto], certain: float) -> str:
    """Return an HTML page that shows photos beside it, with the boxes on them.

    It holds no pixel itself: its links are relative, so that the folder can be moved.

    Args:
        photos: what was found on them. The page lies in their folder.
        certain: score below which a face is shown as uncertain.
    """
    groups = grouped(photos, certain)
    headings = (
        f"Uncertain faces: scores below {certain:g}, in orange. Is each one a face?",
        "No face found. Is there none?",
        "Certain faces only. Is one missing?",
    )
    parts = []
    for heading, group in zip(headings, groups, strict=True):
        parts.append(f"<h2>{heading} ({_photos(len(group))})</h2>")
        parts += [_figure(photo, certain) for photo in group]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f"<title>Faces found</title><style>{_STYLE}</style></head><body>\n"
        "<h1>Faces found on the anonymized photos</h1>\n"
        "<p>Wrong or missing boxes can be corrected in boxes.json, which --annotations "
        f"takes.</p>\n{body}\n</body></html>\n"
    )


def _named(photos):
    names = ", ".join(_printable(photo.filename) for photo in photos[:SHOWN])
    more = len(photos) - SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _photos(count):
    return f"{count} photo" if count == 1 else f"{count} photos"


def _figure(photo, certain):
    width, height = photo.size
    boxes = []
    for (x, y, wide, high), score in zip(photo.boxes, photo.scores, strict=True):
        place = {
            "left": x / width,
            "top": y / height,
            "width": wide / width,
            "height": high / height,
        }
        style = ";".join(f"{name}:{100 * part:.3f}%" for name, part in place.items())
        kind = ' class="uncertain"' if score < certain else ""
        boxes.append(f'<i{kind} style="{style}" title="{score:.2f}"></i>')
    source = html.escape(urllib.parse.quote(photo.filename, errors="surrogateescape"))
    scores = ", ".join(f"{score:.2f}" for score in photo.scores)
    name = _printable(photo.filename)
    caption = html.escape(f"{name}: {scores}" if scores else name)
    return (
        f'<figure><div class="photo"><img loading="lazy" src="{source}" alt="">'
        f"{''.join(boxes)}</div><figcaption>{caption}</figcaption></figure>"
    )


def _printable(filename):
    return filename.encode("utf-8", "replace").decode()
