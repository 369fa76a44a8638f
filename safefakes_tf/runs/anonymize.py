"""--mode=anonymize: a folder of photos with boxes, to one without those faces."""

import contextlib
import csv
import dataclasses
import itertools
import json
import os
import pathlib
import shutil

import numpy as np
import tensorflow as tf
import tqdm

import safefakes_tf
from safefakes_tf import anonymizers, faces, user_photos
from safefakes_tf.config import Config, claim_workdir
from safefakes_tf.keypoints import detector
from safefakes_tf.models import generator_files
from tfds_builders import box_files

GROUP = 16  # photos whose faces a generator paints together
LOG, METADATA = "faces.csv", "metadata.json"
COLUMNS = ("filename", "face", "action", "keypoints")
TOLERANCE = 2  # px by which a box may reach beyond its photo


def run(
    config: Config,
    workdir: pathlib.Path,
    photos: str,
    annotations: str,
    output: str,
) -> None:
    """Anonymize photos, and copy their annotations along.

    Photos are written to `<output>.partial`, which gets its name at the end; after an
    interruption the same command goes on there. Photos that the annotations do not name
    are left out, as nobody knows their faces.

    Args:
        config: reads `data.anonymizer` with its options, `data.jpeg_quality`, `seed`.
        workdir: not used.
        photos: folder of the photos.
        annotations: file of boxes, see `box_files.read`; x and y count from the upper
            left of the photo as viewers show it.
        output: folder to make; gets the photos, the annotations, `faces.csv` with what
            was done to each face and `metadata.json`.

    Raises:
        ValueError: if the output is there already, annotations are malformed, or a
            photo is missing, does not decode, or does not fit its boxes.
    """
    # === What is there ===
    photos, annotations, output = _paths(photos, annotations, output)
    listed = box_files.read(annotations)
    _check_present(photos, listed)
    anonymizer = anonymizers.create(
        config.data.anonymizer, config.data.anonymization, config.seed
    )
    partial = output.with_name(f"{output.name}.partial")
    claim_workdir(config, partial)
    _copy_annotations(annotations, partial)
    done = _read_log(partial)

    # === Photo by photo, in groups ===
    left = [photo for photo in listed if photo.filename not in done]
    bar = tqdm.tqdm(left, "anonymizing", len(listed), initial=len(done), unit="photo")
    with contextlib.ExitStack() as stack:
        keypoints = None
        if anonymizer.keypoints:
            keypoints = stack.enter_context(
                contextlib.closing(detector.MediaPipeDetector())
            )
        records = (_record(photos, photo, keypoints) for photo in bar)
        while group := list(itertools.islice(records, GROUP)):
            for record in anonymizer.anonymize_records(group):
                _write(record, partial, config.data.jpeg_quality)

    # === As a whole, or not at all ===
    log = _read_log(partial)
    _write_metadata(config, log, partial)
    (partial / "config.json").unlink()
    partial.replace(output)
    _tell(log, output)


def _paths(photos, annotations, output):
    photos, annotations, output = map(pathlib.Path, (photos, annotations, output))
    if not photos.is_dir():
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    if output.exists():
        raise ValueError(f"--output {output} is there already; name another folder")
    return photos, annotations, output


def _copy_annotations(path, folder):
    copy = folder / path.name
    if copy.exists() and copy.read_bytes() != path.read_bytes():
        raise ValueError(
            f"{folder} was begun with other annotations; remove it, or go on with those"
        )
    shutil.copyfile(path, copy)


def _check_present(folder, listed):
    for photo in listed:
        user_photos.check_name(photo.filename)
    missing = [p.filename for p in listed if not (folder / p.filename).is_file()]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(listed)} annotated photos are not in {folder}, "
            f"e.g. {missing[0]}; copy them there, or take them out of the annotations"
        )


def _record(folder, photo, keypoints):
    """Return a photo with its faces, and their keypoints if they are needed."""
    pixels, turned = user_photos.read(folder / photo.filename)
    boxes = _relative(photo, pixels.shape[:2], turned)
    record = {
        faces.IMAGE: tf.constant(pixels),
        faces.FILENAME: tf.constant(photo.filename),
        faces.BBOX: tf.constant(boxes),
    }
    if keypoints is None:
        return record
    found = keypoints.find(pixels, boxes)
    return {
        **record,
        faces.KEYPOINTS: tf.constant(found.keypoints),
        faces.HAS_KEYPOINTS: tf.constant(found.source != faces.NOT_FOUND),
        faces.KEYPOINTS_SOURCE: tf.constant(found.source),
    }


def _relative(photo, size, turned):
    """Return float32 [N, 4], yxyx in 0..1, after a check that boxes and photo agree."""
    near = photo.boxes[:, [1, 0]]
    extent = np.maximum(photo.boxes[:, [3, 2]], 0)
    middle, far = near + extent / 2, near + extent
    misfit = ((middle < 0) | (middle > size)).any()
    if turned:  # boxes on the stored pixels are the likely mistake
        misfit |= (far > np.array(size) + TOLERANCE).any()
    if photo.size is not None:
        misfit |= photo.size != (size[1], size[0])
    if misfit:
        raise ValueError(
            f"the boxes of {photo.filename} do not fit the photo, which viewers show "
            f"{size[1]} px wide and {size[0]} px high; annotate it as it is shown"
        )
    relative = np.concatenate([near, far], axis=1) / np.tile(size, 2)
    return np.clip(relative, 0, 1).astype(np.float32)


def _write(record, folder, quality):
    """Write a photo, then its line in the log: what is logged is there."""
    name = record[faces.FILENAME].numpy().decode()
    user_photos.write(folder / name, record[faces.IMAGE].numpy(), quality)
    actions = record[faces.ACTION].numpy()
    sources = np.full(len(actions), faces.NOT_FOUND)
    if faces.KEYPOINTS_SOURCE in record:
        sources = record[faces.KEYPOINTS_SOURCE].numpy()
    rows = [
        (name, face, faces.ACTIONS[action], faces.SOURCES[source])
        for face, (action, source) in enumerate(zip(actions, sources, strict=True))
    ]
    path = folder / LOG
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerows([*rows, (name, "", "written", "")])
        file.flush()
        os.fsync(file.fileno())


def _read_log(folder):
    """Return per photo that is written the (action, source) of its faces.

    The lines of a photo count once its last one, without a face, is there.
    """
    path = folder / LOG
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(COLUMNS)][1:]
    written, waiting = {}, {}
    for name, face, action, source in rows:
        if action == "written":
            written[name] = list(waiting.pop(name, {}).values())
        else:
            waiting.setdefault(name, {})[face] = (action, source)
    return written


def _write_metadata(config, log, folder):
    data = config.data
    weights = data.anonymization.weights
    about = generator_files.read_about(weights) if weights else None
    metadata = {
        "anonymizer": data.anonymizer,
        "options": dataclasses.asdict(
            dataclasses.replace(data.anonymization, weights=None)
        ),
        "weights_sha256": generator_files.sha256(weights) if weights else None,
        "demonstration_weights": about.demonstration if about else None,
        "seed": config.seed,
        "code_version": safefakes_tf.__version__,
        "counts": _counts(log),
    }
    (folder / METADATA).write_text(json.dumps(metadata, indent=2))


def _counts(log):
    of_faces = list(itertools.chain(*log.values()))
    actions, sources = ([pair[part] for pair in of_faces] for part in (0, 1))
    return {
        "photos": len(log),
        **{name: actions.count(name) for name in faces.ACTIONS},
        **{f"keypoints {name}": sources.count(name) for name in faces.SOURCES},
    }


def _tell(log, output):
    counts = ", ".join(f"{count} {name}" for name, count in _counts(log).items())
    print(f"counts: {counts}")
    print(f"photos: {output}")
    print(f"faces:  {output / LOG}")
