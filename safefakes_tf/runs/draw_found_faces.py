"""--mode=anonymize --dry_run: the faces that are found, drawn, and none anonymized."""

import hashlib
import pathlib
from collections.abc import Iterator

import cv2
import numpy as np
import tqdm

from safefakes_tf import anonymized_folder as written
from safefakes_tf import atomic, own_folders, review, unfinished
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.contact_sheet import LABEL_HEIGHT, contact_sheet, labelled
from safefakes_tf.detectors import found_faces, registry
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos import reader, writer
from safefakes_tf.photos.box_files.found import FoundPhoto, to_json

COLUMNS, ROWS = 4, 3  # photos of a sheet
CELL = 480  # px, longer side of a photo on it
CERTAIN, UNCERTAIN = (0, 255, 0), (255, 165, 0)  # colours of boxes
SHEETS, SHEET_QUALITY = "sheet-*.jpg", 90
NOTE = f"{own_folders.BOXES}.sha256"  # tells whether somebody corrected the boxes


def run(settings: Anonymize, workdir: pathlib.Path) -> None:
    """Draw what would be found on photos, on contact sheets.

    Args:
        settings: as of `anonymize`, without annotations. `<output>.dry_run` is made for
            this user alone, as the sheets show faces; it gets the sheets and
            `boxes.json`, which --annotations takes. Those of an earlier dry run give
            way, unless somebody corrected the boxes.
        workdir: not used.

    Raises:
        ValueError: if there is no photo, one does not decode, a model file is missing,
            others can read the folder, or its boxes are not as a dry run left them.
    """
    own_folders.check(settings, dry_run=True)
    output = pathlib.Path(settings.output)
    folder = output.with_name(f"{output.name}.dry_run")
    listed = photo_folder.listing(pathlib.Path(settings.input))
    with registry.opened(settings.detection) as detector:
        unfinished.make_own(folder)
        _make_way(folder)
        photos, cells = [], []
        for photo, picture in _found(settings, detector, listed):
            photos.append(photo)
            cells.append(picture)
            if len(cells) == COLUMNS * ROWS or len(photos) == len(listed.names):
                number = -(-len(photos) // (COLUMNS * ROWS))
                _write_sheet(folder / SHEETS.replace("*", f"{number:04}"), cells)
                cells = []
    boxes = to_json(photos)
    atomic.write_text(folder / NOTE, _note(boxes.encode()))
    atomic.write_text(folder / own_folders.BOXES, boxes)
    print(f"photos: {len(photos)}{photo_folder.told(listed.left_out)}")
    print(review.summary(photos, settings.detection.certain))
    print(f"sheets: {folder}; they show the faces as they are: keep them to yourself")
    print(f"        correct {folder / own_folders.BOXES}, and name it by --annotations")


def _make_way(folder):
    """Remove what an earlier dry run left, if that is all there is to lose."""
    boxes, note = folder / own_folders.BOXES, folder / NOTE
    if boxes.exists():
        noted = note.read_text(errors="replace") if note.exists() else None
        if noted != _note(boxes.read_bytes()):
            raise ValueError(
                f"{boxes} is not as a dry run left it, and would be replaced; name it "
                "by --annotations instead of --dry_run, or move it away"
            )
    for old in [*folder.glob(SHEETS), boxes, note]:
        old.unlink(missing_ok=True)


def _note(boxes):
    """Return what `sha256sum --check` takes."""
    return f"{hashlib.sha256(boxes).hexdigest()}  {own_folders.BOXES}\n"


def _found(settings, detector, listed) -> Iterator[tuple[FoundPhoto, np.ndarray]]:
    """Yield what is found on each photo, and a small picture of that."""
    config = settings.detection
    for name in tqdm.tqdm(listed.names, "looking for faces", unit="photo"):
        path = listed.folder / name
        with reader.reading(path):
            encoded = path.read_bytes()
            pixels, _ = reader.decode_upright(encoded, settings.max_megapixels)
        found = found_faces.find(detector, pixels, config.margin)
        about = written.about(pixels, found.boxes, found.scores)
        photo = FoundPhoto(name, *(about[key] for key in written.FOUND))
        yield photo, _picture(pixels, photo, config.certain)


def _picture(pixels, photo, certain):
    """Return a photo as small as its cell, its boxes, and its name."""
    scale = CELL / max(photo.size)
    size = [max(1, round(side * scale)) for side in photo.size]
    picture = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    for (x, y, width, height), score in zip(photo.boxes, photo.scores, strict=True):
        near = round(x * scale), round(y * scale)
        far = round((x + width) * scale), round((y + height) * scale)
        colour = CERTAIN if score >= certain else UNCERTAIN
        cv2.rectangle(picture, near, far, colour, 2)
    return labelled(picture, photo.filename)


def _write_sheet(path, cells):
    blank = np.full([1, 1, 3], 255, np.uint8)
    cells = cells + [blank] * (-len(cells) % COLUMNS)
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    sheet = contact_sheet(rows, [""] * COLUMNS, [""] * len(rows), CELL + LABEL_HEIGHT)
    writer.write(path, sheet, SHEET_QUALITY)
