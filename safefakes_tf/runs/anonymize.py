"""--mode=anonymize: a folder of photos, to one without their faces."""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import types
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

import safefakes_tf
from safefakes_tf import anonymized_folder as written
from safefakes_tf import atomic, faces, pipeline, review, unfinished
from safefakes_tf.anonymized_folder import BOXES, LOG, METADATA, REVIEW
from safefakes_tf.anonymizers import policy, registry
from safefakes_tf.config import fields, names
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors import found_faces
from safefakes_tf.detectors import registry as detectors
from safefakes_tf.keypoints import layouts, mediapipe, search
from safefakes_tf.photos import box_files, checks, reader, records, writer
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes

OWN = (LOG, METADATA, unfinished.JOURNAL)  # nothing else in the output is called so
ANNOTATED, SHA256 = "annotated", "sha256"  # of records: the `PhotoBoxes`, the digest


class _Inputs(NamedTuple):
    """What a run reads.

    Attributes:
        folder: of the photos.
        listed: the photos; without boxes where faces are to be found.
        annotations: bytes of the file of boxes; None: faces are to be found.
        left_out: reason -> number of files that are no inputs; see `photos.folder`.
    """

    folder: pathlib.Path
    listed: list[PhotoBoxes]
    annotations: bytes | None = None
    left_out: dict[str, int] = types.MappingProxyType({})


def run(settings: Anonymize, workdir: pathlib.Path) -> None:
    """Anonymize photos, and write the boxes of their faces beside them.

    Every input is read once: the boxes that are hidden are those that are written. A
    photo goes to `<output>.partial`, which gets its name at the end; after an
    interruption the same command goes on there, see `unfinished`. Photos that the
    annotations do not name are left out, as nobody knows their faces. Without
    annotations a detector finds the faces of all photos.

    Args:
        settings: `input` is the folder of the photos, or a photo alone if faces are to
            be found; `annotations` a file of boxes, see `box_files`, of which x and y
            count from the upper left of the photo as viewers show it, or None;
            `detection` how faces are found then; `output` the folder to make, with the
            photos, the annotations, `faces.csv` with what was done to each face, and
            `metadata.json`; where faces were found, with `boxes.json`, which
            `annotations` may name, and `review.html`.
        workdir: not used.

    Raises:
        ValueError: if the anonymizer leaves faces as they are, the output is there
            already, annotations are malformed, a photo is missing, does not decode, or
            does not fit its boxes, a model file is missing, the output cannot be
            written, or was begun with other inputs or settings.
    """
    # === What is there ===
    _check_hides(settings.data.anonymizer)
    output = _output(settings)
    inputs = _annotated(settings) if settings.annotations else _listed(settings, output)
    others = _names_of_others(settings)
    checks.check_names(inputs.listed, (*OWN, *others))
    for photo in tqdm.tqdm(inputs.listed, "checking", unit="photo"):
        checks.check_fit(photo, *reader.size(inputs.folder / photo.filename))
    data = settings.data
    anonymizer = registry.create(data.anonymizer, data.anonymization, settings.seed)

    with contextlib.ExitStack() as stack:
        made_from = {**_texts(settings), "weights": str(anonymizer.weights_sha256)}
        detector = None
        if settings.annotations:
            digest = hashlib.sha256(inputs.annotations).hexdigest()
            made_from["annotations"] = digest
        else:
            detector = stack.enter_context(detectors.opened(settings.detection))
            made_from |= _texts(settings, "detection.") | {"detector": detector.sha256}
        known = {LOG, METADATA, *others, *(photo.filename for photo in inputs.listed)}
        stack.enter_context(_writing(output))
        partial = stack.enter_context(unfinished.opened(output, made_from, known))

        # === Photo by photo ===
        _anonymize(settings, inputs, anonymizer, detector, partial)

        # === As a whole, or not at all ===
        done = {photo.filename: partial.done[photo.filename] for photo in inputs.listed}
        metadata = written.metadata(settings, anonymizer, detector, done)
        source = settings.detection.detector if detector else written.ANNOTATED
        atomic.write_text(partial.folder / LOG, written.log(done, source))
        atomic.write_text(partial.folder / METADATA, json.dumps(metadata, indent=2))
        if detector:
            found = written.found_photos(done)
            written.write_found(partial.folder, found, settings.detection.certain)
        else:
            with atomic.writing(partial.folder / others[0]) as file:
                file.write(inputs.annotations)
        partial.publish(output)
    counts = ", ".join(f"{count} {name}" for name, count in metadata["counts"].items())
    print(f"counts: {counts}{photo_folder.told(inputs.left_out)}")
    print(f"photos: {output}")
    print(f"faces:  {output / LOG}")
    if detector:
        print(review.summary(found, settings.detection.certain))
        print(f"review: {output / REVIEW}, and correct {output / BOXES}")


# === What is there ===


def _output(settings):
    output = pathlib.Path(settings.output)
    with _writing(output):
        if (output / METADATA).exists():
            unfinished.remove_journal(output)
            raise ValueError(
                f"--output {output} is complete, as an earlier run left it; there is "
                "nothing to do, or name another folder"
            )
        if output.exists():
            raise ValueError(f"--output {output} is there already; name another folder")
    return output


def _annotated(settings):
    """Return the photos that annotations name."""
    photos, annotations = map(pathlib.Path, (settings.input, settings.annotations))
    if not os.path.isdir(photos):
        raise ValueError(f"--input must be a folder of photos; {photos} is none")
    if annotations.name.casefold() in OWN:  # in some file systems case is nothing
        raise ValueError(
            f"--annotations must not be called {', '.join(OWN)}, as the output has "
            f"files of these names; got {annotations.name}; rename it"
        )
    content, listed = box_files.load(annotations)
    checks.check_present(photos, listed)
    return _Inputs(photos, listed, content)


def _listed(settings, output):
    """Return all photos of a folder, or the one that is named."""
    others = output, unfinished.folder_of(output)
    found = photo_folder.listing(pathlib.Path(settings.input), others)
    listed = [PhotoBoxes(name, np.zeros([0, 4])) for name in found.names]
    return _Inputs(found.folder, listed, left_out=found.left_out)


def _names_of_others(settings):
    """Return the names of the files about boxes in the output."""
    if settings.annotations:
        return (pathlib.Path(settings.annotations).name,)
    return BOXES, REVIEW


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


def _texts(settings, *prefixes):
    """Return the settings that photos depend on; flags and paths are left out."""
    prefixes = ("data.", "seed", *prefixes)
    return {
        "code_version": safefakes_tf.__version__,
        **{
            path: fields.show(value)
            for path, value in fields.flatten(settings).items()
            if path.startswith(prefixes) and not path.endswith(".weights")
        },
    }


# === Photo by photo ===


def _anonymize(settings, inputs, anonymizer, detector, partial):
    """Write the photos that are not there yet."""
    data, listed = settings.data, inputs.listed
    bar = tqdm.tqdm(listed, "anonymizing", unit="photo")
    with bar, contextlib.ExitStack() as stack:
        detect = find = None
        if detector:
            margin = settings.detection.margin
            detect = functools.partial(found_faces.find, detector, margin=margin)
        if anonymizer.keypoints:
            # No lambda: other processes get it, pickled.
            create = functools.partial(
                mediapipe.MediaPipeDetector, data.keypoint_models
            )
            num = search.num_processes(len(listed) - len(partial.done))
            find = stack.enter_context(search.searching(create, num, upright=True))
        decode = functools.partial(
            _decode, inputs.folder, detect, find, data.anonymization
        )
        encode = functools.partial(_encode, partial.folder, data.jpeg_quality)
        done = pipeline.anonymize(
            _records(inputs.folder, bar, partial), anonymizer, decode, encode
        )
        for name, about in stack.enter_context(contextlib.closing(done)):
            partial.add(name, **about)


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


def _decode(folder, detect, find, options, record):
    """Return a record with pixels and boxes, and with keypoints if `find` is given."""
    photo, encoded = record[ANNOTATED], record[faces.IMAGE]
    with reader.reading(folder / photo.filename):
        pixels, turned = reader.decode_upright(encoded)
    height, width = pixels.shape[:2]
    if detect:
        found = detect(pixels)
        photo = photo._replace(boxes=found.boxes)
        record = {**record, **written.about_found(found, pixels)}
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
    about = {key: record[key] for key in (SHA256, *written.FOUND) if key in record}
    actions = {faces.ACTION: action.tolist(), faces.KEYPOINTS_SOURCE: source.tolist()}
    return name, {**about, **actions}
