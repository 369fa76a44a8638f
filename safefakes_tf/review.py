"""Anonymized photos and the boxes on them, for a person who looks for mistakes."""

import html
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

from safefakes_tf import printing
from safefakes_tf.photos.box_files.found import FoundPhoto

SHOWN = 10  # names in a line for the user
CAPTIONED = 12  # boxes whose scores a caption tells; of more, the range
_STYLE = """
body { font: 15px sans-serif; margin: 1em; }
pre { white-space: pre-wrap; }
figure { display: inline-block; margin: 0 1em 1.5em 0; vertical-align: top; }
figcaption { max-width: 40em; overflow-wrap: anywhere; }
.photo { position: relative; display: inline-block; }
.photo img { display: block; max-width: 95vw; max-height: 80vh; }
.photo i { position: absolute; box-sizing: border-box; border: 2px solid lime; }
.photo i.uncertain { border-color: orange; }
.photo b { position: absolute; left: 0; bottom: 100%; background: #fffc;
  font: 11px sans-serif; }
"""


class Groups(NamedTuple):
    """Photos by how much a person should look at them, in this order."""

    uncertain: list[FoundPhoto]
    empty: list[FoundPhoto]
    others: list[FoundPhoto]


def grouped(photos: Sequence[FoundPhoto], certain: float) -> Groups:
    """Divide photos: with a box that scores below `certain`, without boxes, others."""
    groups = Groups([], [], [])
    for photo in photos:
        if not photo.boxes:
            groups.empty.append(photo)
        elif photo.scores and min(photo.scores) < certain:
            groups.uncertain.append(photo)
        else:
            groups.others.append(photo)
    return groups


def summary(photos: Sequence[FoundPhoto], certain: float) -> str:
    """Return lines that tell what was found, and where a face may have been missed."""
    groups = grouped(photos, certain)
    scores = [score for photo in photos for score in photo.scores]
    uncertain = sum(score < certain for score in scores)
    hint = ": many of those are no faces" if uncertain else ""
    lines = [f"found:  {len(scores)} boxes, {uncertain} of them uncertain{hint}"]
    if groups.uncertain:
        lines.append(f"        photos with uncertain faces: {_named(groups.uncertain)}")
    if groups.empty:
        lines.append(f"        no face, or one was missed: {_named(groups.empty)}")
    return "\n".join(lines)


def page(photos: Sequence[FoundPhoto], certain: float, correction: str) -> str:
    """Return an HTML page that shows photos beside it, with the boxes on them.

    It holds no pixel itself: its links are relative, so that the folder can be moved.
    Boxes have their numbers over all photos, as in `faces.csv`, and in `boxes.json`
    where they were found.

    Args:
        photos: the boxes on them, and scores if they were found. The page lies in
            their folder.
        certain: score below which a box is shown as uncertain.
        correction: the command that makes another folder with corrected boxes.
    """
    numbers, number = {}, 1
    for photo in photos:
        numbers[photo.filename] = range(number, number + len(photo.boxes))
        number += len(photo.boxes)
    groups = grouped(photos, certain)
    headings = (
        f"Uncertain faces: scores below {certain:g}, in orange. Is each one a face?",
        "No box. Is there no face?",
        "Other photos. Is a face without a box?",
    )
    parts = []
    for heading, group in zip(headings, groups, strict=True):
        if group:
            parts.append(f"<h2>{heading} ({_photos(len(group))})</h2>")
        parts += [_figure(photo, numbers[photo.filename], certain) for photo in group]
    body = "\n".join(parts)
    found = any(photo.scores is not None for photo in photos)
    ids = ", and the ids in boxes.json" if found else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f"<title>Review</title><style>{_STYLE}</style></head><body>\n"
        "<h1>The anonymized photos, and what is hidden on them</h1>\n"
        f"<p>Boxes have the numbers that faces.csv has{ids}. Correct wrong or missing "
        "ones, and make another folder (THIS_FOLDER is where this page lies; add the "
        f"other flags of your command):</p>\n<pre>{html.escape(correction)}</pre>\n"
        "<p>To see the faces uncovered, give --dry_run instead of --annotations: that "
        "draws your photos, and what is found on them, on sheets in "
        "ANOTHER_FOLDER.dry_run. Keep those to yourself.</p>\n"
        f"{body}\n</body></html>\n"
    )


def _named(photos):
    shown = [_printable(photo.filename) for photo in photos[:SHOWN]]
    names = ", ".join(map(printing.escaped, shown))
    more = len(photos) - SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _photos(count):
    return f"{count} photo" if count == 1 else f"{count} photos"


def _figure(photo, numbers, certain):
    width, height = photo.size
    scores = photo.scores or [None] * len(photo.boxes)
    boxes = []
    for number, box, score in zip(numbers, photo.boxes, scores, strict=True):
        x, y, wide, high = box
        place = {
            "left": x / width,
            "top": y / height,
            "width": wide / width,
            "height": high / height,
        }
        style = ";".join(f"{name}:{100 * part:.3f}%" for name, part in place.items())
        uncertain = score is not None and score < certain
        kind = ' class="uncertain"' if uncertain else ""
        told = _told(number, score)
        boxes.append(f'<i{kind} style="{style}" title="{told}"><b>{number}</b></i>')
    source = html.escape(urllib.parse.quote(photo.filename, errors="surrogateescape"))
    told = _caption(numbers, scores)
    name = _printable(photo.filename)
    caption = html.escape(f"{name}: {told}" if told else name)
    return (
        f'<figure><div class="photo"><img loading="lazy" src="{source}" alt="">'
        f"{''.join(boxes)}</div><figcaption>{caption}</figcaption></figure>"
    )


def _told(number, score):
    return f"{number}" if score is None else f"{number}: {score:.2f}"


def _caption(numbers, scores):
    if len(numbers) <= CAPTIONED:
        return ", ".join(map(_told, numbers, scores))
    told = f"{len(numbers)} boxes, {numbers[0]} to {numbers[-1]}"
    if None in scores:
        return told
    return f"{told}, scores {min(scores):.2f} to {max(scores):.2f}"


def _printable(filename):
    return filename.encode("utf-8", "replace").decode()
