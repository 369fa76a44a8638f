"""--mode=anonymize: a folder of photos with boxes, to one without those faces."""

import contextlib
import csv
import dataclasses
import functools
import hashlib
import io
import json
import os
import pathlib

import numpy as np
import tensorflow as tf
import tqdm

import safefakes_tf
from safefakes_tf import arithmetic, atomic, faces, pipeline, provenance, unfinished
from safefakes_tf.anonymizers import policy, registry
from safefakes_tf.config import fields, names
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.keypoints import layouts, mediapipe, search
from safefakes_tf.photos import box_files, checks, reader, records, writer

LOG, METADATA = "faces.csv", "metadata.json"
OWN = (LOG, METADATA, unfinished.JOURNAL)  # nothing else in the output is called so
COLUMNS = ("filename", "face", "action", "keypoints")
ANNOTATED, SHA256 = "annotated", "sha256"  # of records: the `PhotoBoxes`, the digest


def run(settings: Anonymize, workdir: pathlib.Path) -> None:
    """Anonymize photos, and write their annotations beside them.

    Every input is read once: the boxes that are hidden are those that are written. A
    photo goes to `<output>.partial`, which gets its name at the end; after an
    interruption the same command goes on there, see `unfinished`. Photos that the
    annotations do not name are left out, as nobody knows their faces.

    Args:
        settings: `input` is the folder of the photos; `annotations` a file of boxes,
            see `box_files`, of which x and y count from the upper left of the photo as
            viewers show it; `output` the folder to make, with the photos, the
            annotations, `faces.csv` with what was done to each face, and
            `metadata.json`.
        workdir: not used.

    Raises:
        ValueError: if the anonymizer leaves faces as they are, the output is there
            already, annotations are malformed, a photo is missing, does not decode, or
            does not fit its boxes, the output cannot be written, or was begun with
            other inputs or settings.
    """
    # === What is there ===
    _check_hides(settings.data.anonymizer)
    photos, annotations, output = _paths(settings)
    content, listed = box_files.load(annotations)
    checks.check_names(listed, (*OWN, annotations.name))
    checks.check_present(photos, listed)
    for photo in tqdm.tqdm(listed, "checking", unit="photo"):
        checks.check_fit(photo, *reader.size(photos / photo.filename))
    data = settings.data
    anonymizer = registry.create(data.anonymizer, data.anonymization, settings.seed)
    made_from = {
        **_texts(settings),
        "annotations": hashlib.sha256(content).hexdigest(),
        "weights": str(anonymizer.weights_sha256),
    }
    if anonymizer.weights_sha256:  # filters have the same bytes in every arithmetic
        made_from |= arithmetic.describe()
    known = {LOG, METADATA, annotations.name, *(photo.filename for photo in listed)}

    with _writing(output), unfinished.opened(output, made_from, known) as partial:
        # === Photo by photo ===
        bar = tqdm.tqdm(listed, "anonymizing", unit="photo")
        with bar, contextlib.ExitStack() as stack:
            decode = functools.partial(_decode, photos, None, data.anonymization)
            if anonymizer.keypoints:
                # No lambda: other processes get it, pickled.
                create = functools.partial(
                    mediapipe.MediaPipeDetector, data.keypoint_models
                )
                num = search.num_processes(len(listed) - len(partial.done))
                find = stack.enter_context(search.searching(create, num, upright=True))
                decode = functools.partial(_decode, photos, find, data.anonymization)
            encode = functools.partial(_encode, partial.folder, data.jpeg_quality)
            written = pipeline.anonymize(
                _records(photos, bar, partial), anonymizer, decode, encode
            )
            for name, about in stack.enter_context(contextlib.closing(written)):
                partial.add(name, **about)

        # === As a whole, or not at all ===
        done = {photo.filename: partial.done[photo.filename] for photo in listed}
        atomic.write_text(partial.folder / LOG, _log(done))
        with atomic.writing(partial.folder / annotations.name) as file:
            file.write(content)
        metadata = _metadata(settings, anonymizer, done)
        atomic.write_text(partial.folder / METADATA, json.dumps(metadata, indent=2))
        partial.publish(output)
    counts = ", ".join(f"{count} {name}" for name, count in metadata["counts"].items())
    print(f"counts: {counts}")
    print(f"photos: {output}")
    print(f"faces:  {output / LOG}")


def _paths(settings):
    paths = settings.input, settings.annotations, settings.output
    photos, annotations, output = map(pathlib.Path, paths)
    if not os.path.isdir(photos):
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    with _writing(output):
        if (output / METADATA).exists():
            unfinished.remove_journal(output)
            raise ValueError(
                f"--output {output} is complete, as an earlier run left it; there is "
                "nothing to do, or name another folder"
            )
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
        choices = ", ".join(each for each in names.anonymizers() if each != name)
        raise ValueError(
            f"--anonymizer must be one of {choices}; got {name}, which leaves every "
            "face to be seen"
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


def _texts(settings):
    """Return the settings that photos depend on; flags and paths are left out."""
    return {
        "code_version": safefakes_tf.__version__,
        **{
            path: fields.show(value)
            for path, value in fields.flatten(settings).items()
            if path.startswith(("data.", "seed")) and not path.endswith(".weights")
        },
    }


def _records(folder, listed, partial):
    """Yield the photos that are to be done: not there, or another one since."""
    for photo in listed:
        path = folder / photo.filename
        with reader.reading(path):
            encoded = path.read_bytes()
        digest = hashlib.sha256(encoded).hexdigest()
        known = partial.done.get(photo.filename, {}).get(SHA256) == digest
        if not (known and (partial.folder / photo.filename).exists()):
            yield {
                faces.IMAGE: encoded,
                faces.FILENAME: photo.filename,
                ANNOTATED: photo,
                SHA256: digest,
            }


def _decode(folder, find, options, record):
    """Return a record with pixels and boxes, and with keypoints if `find` is given."""
    photo, encoded = record[ANNOTATED], record[faces.IMAGE]
    with reader.reading(folder / photo.filename):
        pixels, turned = reader.decode_upright(encoded)
    height, width = pixels.shape[:2]
    checks.check_fit(photo, (height, width), turned)  # again: it may be another by now
    # Not clipped to the photo: a face at its border would pass for a narrow one, and
    # those are kept.
    boxes = records.relative(photo.boxes, height, width)
    record = {**record, faces.IMAGE: tf.constant(pixels), faces.BBOX: boxes}
    if find is None:
        return record
    count = len(boxes)
    keypoints = np.zeros([count, layouts.NUM_POINTS[layouts.FOUND], 2], np.float32)
    source = np.full(count, faces.NOT_FOUND, np.int64)
    # A search takes longer than all else, and faces that are kept need none.
    needed = (
        policy.decide(faces.from_record(record), height, width, options.min_width)
        != faces.KEPT
    ).numpy()
    if needed.any():
        found = find(encoded, boxes[needed]).result()
        keypoints[needed], source[needed] = found.keypoints, found.source
    return {
        **record,
        faces.KEYPOINTS: keypoints,
        faces.HAS_KEYPOINTS: source != faces.NOT_FOUND,
        faces.KEYPOINTS_SOURCE: source,
    }


def _encode(folder, quality, record):
    """Write a photo, and return its name and what the journal tells of it."""
    name, action = record[faces.FILENAME], record[faces.ACTION].numpy()
    writer.write(folder / name, record[faces.IMAGE].numpy(), quality)
    source = record.get(faces.KEYPOINTS_SOURCE, np.full_like(action, faces.NOT_FOUND))
    about = {faces.ACTION: action.tolist(), faces.KEYPOINTS_SOURCE: source.tolist()}
    return name, {SHA256: record[SHA256], **about}


def _log(done):
    """Return `faces.csv`: a line per face, and one per photo that is written."""
    file = io.StringIO()
    log = csv.writer(file)
    log.writerow(COLUMNS)
    for name, about in done.items():
        pairs = zip(about[faces.ACTION], about[faces.KEYPOINTS_SOURCE], strict=True)
        for face, (action, source) in enumerate(pairs):
            log.writerow((name, face, faces.ACTIONS[action], faces.SOURCES[source]))
        log.writerow((name, "", "written", ""))
    return file.getvalue()


def _metadata(settings, anonymizer, done):
    counts = provenance.Counts((faces.ACTION, faces.KEYPOINTS_SOURCE))
    for about in done.values():
        counts.add({**about, faces.BBOX: about[faces.ACTION]})
    data = settings.data
    options = {
        "anonymization": dataclasses.replace(data.anonymization, weights=None),
        "jpeg_quality": data.jpeg_quality,
    }
    return {
        **provenance.describe(
            anonymizer.name,
            options,
            settings.seed,
            anonymizer.weights_sha256,
            getattr(anonymizer, "about", None),
        ),
        "counts": counts.to_dict(),
    }
