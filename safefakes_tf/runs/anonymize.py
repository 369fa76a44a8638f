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
from safefakes_tf import atomic, faces
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import ANONYMIZER_NAMES, Config, claim_workdir
from safefakes_tf.keypoints import mediapipe
from safefakes_tf.photos import box_files, reader, writer

GROUP = 16  # photos whose faces a generator paints together
LOG, METADATA, SETTINGS = "faces.csv", "metadata.json", "config.json"
OWN = (LOG, METADATA, SETTINGS)  # names that nothing else in the output may have
COLUMNS = ("filename", "face", "action", "keypoints")
TOLERANCE = 2  # px by which a box may reach beyond a photo that is turned
LARGEST = 2  # longer sides of the photo that a box may measure; more is a mistake


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
        ValueError: if the anonymizer leaves faces as they are, the output is there
            already, annotations are malformed, a photo is missing, does not decode, or
            does not fit its boxes, or the output cannot be written.
    """
    # === What is there ===
    _check_hides(config.data.anonymizer)
    photos, annotations, output = _paths(photos, annotations, output)
    listed = box_files.read(annotations)
    _check_names(annotations, listed)
    _check_present(photos, listed)
    for photo in tqdm.tqdm(listed, "checking", unit="photo"):
        _check_fit(photo, *reader.size(photos / photo.filename))
    anonymizer = anonymizers.create(
        config.data.anonymizer, config.data.anonymization, config.seed
    )
    partial = output.with_name(f"{output.name}.partial")
    with _writing(partial):
        _check_begun(partial, annotations, listed)
        claim_workdir(config, partial)
        done = _read_log(partial)
        if not done:
            shutil.copyfile(annotations, partial / annotations.name)
        _begin_log(done, partial)

    # === Photo by photo, in groups ===
    left = [photo for photo in listed if photo.filename not in done]
    bar = tqdm.tqdm(left, "anonymizing", len(listed), initial=len(done), unit="photo")
    with contextlib.ExitStack() as stack:
        stack.enter_context(bar)
        keypoints = None
        if anonymizer.keypoints:
            keypoints = stack.enter_context(
                contextlib.closing(
                    mediapipe.MediaPipeDetector(config.data.keypoint_models)
                )
            )
        records = (_record(photos, photo, keypoints) for photo in bar)
        while group := list(itertools.islice(records, GROUP)):
            for record in anonymizer.anonymize_records(group):
                with _writing(partial):
                    _write(record, partial, config.data.jpeg_quality)

    # === As a whole, or not at all ===
    log = _read_log(partial)
    with _writing(partial):
        _write_metadata(config, log, partial)
        (partial / SETTINGS).unlink()
        partial.replace(output)
    _tell(log, output)


def _paths(photos, annotations, output):
    photos, annotations, output = map(pathlib.Path, (photos, annotations, output))
    if not os.path.isdir(photos):
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    with _writing(output):
        if output.exists():
            raise ValueError(f"--output {output} is there already; name another folder")
    if annotations.name.casefold() in OWN:  # in some file systems case is nothing
        raise ValueError(
            f"--annotations must not be called {', '.join(OWN)}, as the output has "
            f"files of these names; got {annotations.name}; rename it"
        )
    return photos, annotations, output


def _check_hides(name):
    if name == "original":  # also what a config has where nothing was chosen
        choices = ", ".join(each for each in ANONYMIZER_NAMES if each != name)
        raise ValueError(
            f"--anonymizer must be one of {choices}; got {name}, which leaves every "
            "face to be seen"
        )


def _check_names(annotations, listed):
    """Check that the photos can be written, and none where another file goes."""
    taken = {*OWN, annotations.name.casefold()}
    for photo in listed:
        writer.check_name(photo.filename)
        if pathlib.PurePosixPath(photo.filename).parts[0].casefold() in taken:
            raise ValueError(
                f"photos must not lie in a folder called {', '.join(sorted(taken))}, "
                f"as the output has such files; got {photo.filename}; rename it"
            )


def _check_present(folder, listed):
    missing = [
        photo.filename
        for photo in listed
        if not os.path.isfile(folder / photo.filename)
    ]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(listed)} annotated photos are not in {folder}, "
            f"e.g. {missing[0]}; copy them there, or take them out of the annotations"
        )
    names = {}
    for photo in listed:  # links, or a file system to which case is nothing
        about = (folder / photo.filename).stat()
        same = names.setdefault((about.st_dev, about.st_ino), photo.filename)
        if same != photo.filename:
            raise ValueError(
                f"{same} and {photo.filename} are one file in {folder}, and each would "
                "show the other's faces; join their faces under one name"
            )


def _check_begun(folder, annotations, listed):
    """Check that nothing is in an interrupted run's folder but what it makes again.

    What else lies there would be published: photos nobody looked at, or those done with
    boxes that were corrected since.
    """
    if not folder.exists():
        return
    atomic.remove_leftovers(folder)
    copy = folder / annotations.name
    known = {folder / name for name in (*OWN, f"{LOG}.partial")}
    for photo in listed:
        path = folder / photo.filename
        known |= {path, path.with_name(f"{path.name}.partial")}
    found = {
        path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    others = sorted(found - known - {copy})
    if others:
        raise ValueError(
            f"{folder} holds {others[0].relative_to(folder)}, which this run does not "
            "make; move that away, or remove the folder"
        )
    same = copy.exists() and copy.read_bytes() == annotations.read_bytes()
    if _read_log(folder) and not same:
        raise ValueError(
            f"{folder} was begun with other annotations; remove it, or go on with those"
        )


@contextlib.contextmanager
def _writing(folder):
    """Tell in one line that a folder cannot be written, e.g. as the disk is full."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written: {error}; once it can, the same command goes "
            "on there"
        ) from error


def _record(folder, photo, keypoints):
    """Return a photo with its faces, and their keypoints if they are needed."""
    pixels, turned = reader.read(folder / photo.filename)
    _check_fit(photo, pixels.shape[:2], turned)  # again: it may be another by now
    boxes = _relative(photo, pixels.shape[:2])
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


def _relative(photo, size):
    """Return float32 [N, 4], yxyx.

    They may reach outside 0..1: clipped to the photo, a face at its border would pass
    for a narrow one, and those are kept.
    """
    near, extent = photo.boxes[:, [1, 0]], photo.boxes[:, [3, 2]]
    relative = np.concatenate([near, near + extent], axis=1) / np.tile(size, 2)
    return relative.astype(np.float32)


def _check_fit(photo, size, turned):
    """Check that boxes and photo agree."""
    shown = f"viewers show {size[1]} px wide and {size[0]} px high"
    if photo.size is not None and photo.size != (size[1], size[0]):
        width, height = photo.size
        raise ValueError(
            f"the annotations say that {photo.filename} is {width} px wide and "
            f"{height} px high, but {shown}; annotate it as it is shown"
        )
    near, extent = photo.boxes[:, [1, 0]], photo.boxes[:, [3, 2]]
    middle, far = near + extent / 2, near + extent
    misfits = {
        "its middle lies beside the photo": (middle < 0) | (middle > size),
        f"it is more than {LARGEST} times as large": extent > LARGEST * max(size),
    }
    if turned:  # boxes on the stored pixels are the likely mistake
        misfits["it reaches beyond the photo, which is stored turned"] = (
            far > np.array(size) + TOLERANCE
        )
    for reason, misfit in misfits.items():
        if misfit.any():
            face = int(np.flatnonzero(misfit.any(axis=1))[0])
            box = " ".join(f"{value:g}" for value in photo.boxes[face])
            raise ValueError(
                f"face {face} of {photo.filename}, x y width height {box}, does not "
                f"fit: {reason}; {shown}; annotate it as it is shown, or take such "
                "boxes out"
            )


def _write(record, folder, quality):
    """Write a photo, then its line in the log: what is logged is there."""
    name = record[faces.FILENAME].numpy().decode()
    writer.write(folder / name, record[faces.IMAGE].numpy(), quality)
    actions = record[faces.ACTION].numpy()
    sources = np.full(len(actions), faces.NOT_FOUND)
    if faces.KEYPOINTS_SOURCE in record:
        sources = record[faces.KEYPOINTS_SOURCE].numpy()
    of_faces = [
        (faces.ACTIONS[action], faces.SOURCES[source])
        for action, source in zip(actions, sources, strict=True)
    ]
    with (folder / LOG).open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_lines(name, of_faces))
        file.flush()
        os.fsync(file.fileno())


def _begin_log(log, folder):
    """Write the log of the photos that are written, without what an end tore off."""
    path = folder / LOG
    partial = path.with_name(f"{LOG}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for name, of_faces in log.items():
            writer.writerows(_lines(name, of_faces))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _lines(name, of_faces):
    lines = [(name, face, *done) for face, done in enumerate(of_faces)]
    return [*lines, (name, "", "written", "")]


def _read_log(folder):
    """Return per photo that is written the (action, source) of its faces.

    The lines of a photo count once its last one, without a face, is there.
    """
    path = folder / LOG
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
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
