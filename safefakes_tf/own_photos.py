"""The steps of a user's photo: from its file, by way of a record, to a file again."""

import functools
import hashlib
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from safefakes_tf import anonymized_folder as written
from safefakes_tf import faces
from safefakes_tf.anonymizers import base, policy
from safefakes_tf.faces import Record
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos import checks, reader, records, writer
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from safefakes_tf.unfinished import Unfinished

ANNOTATED, SHA256 = "annotated", "sha256"  # of records: the `PhotoBoxes`, the digest


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
    pixels = tf.constant(pixels)
    if photo.regions:  # of many faces; a generator would make one of them
        pixels = base.black_out(pixels, boxes[list(photo.regions)])
        boxes = np.delete(boxes, photo.regions, axis=0)
    record = {**record, faces.IMAGE: pixels, faces.BBOX: boxes}
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
<<<<<<< HEAD
    about = {key: record[key] for key in (SHA256, *written.FOUND) if key in record}
    actions = {faces.ACTION: action.tolist(), faces.KEYPOINTS_SOURCE: source.tolist()}
    return name, {**about, **actions}
=======
    regions = np.array(record[ANNOTATED].regions, np.int64)
    places = regions - np.arange(len(regions))  # among the faces alone
    action = np.insert(action, places, faces.BLACKED_OUT)
    source = np.insert(source, places, faces.NOT_FOUND)
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
>>>>>>> formats
