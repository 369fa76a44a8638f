"""The steps of a user's photo: from its file, by way of a record, to a file again."""

import concurrent.futures
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from safefakes_tf import anonymized_folder as written
from safefakes_tf import faces, finished
from safefakes_tf.anonymizers import base, policy
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors.found_faces import FoundFaces
from safefakes_tf.faces import Record
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos import checks, reader, records, writer
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from safefakes_tf.unfinished import Unfinished

ANNOTATED = "annotated"  # of records: the `PhotoBoxes`


def read(
    folder: pathlib.Path, listed: Iterable[PhotoBoxes], partial: Unfinished
) -> Iterator[Record]:
    """Yield records of the photos that are to be done: not there, or others since.

    Args:
        folder: of the photos.
        listed: the photos and their boxes.
        partial: tells what is there.
    """
    for photo in listed:
        with reader.reading(folder / photo.filename):
            encoded = (folder / photo.filename).read_bytes()
        digests = finished.digests(encoded, photo)
        done = partial.done.get(photo.filename, {})
        known = digests.items() <= done.items()
        if not (known and (partial.folder / photo.filename).exists()):
            if done:  # no longer: what is there may be another photo from now on
                partial.add(photo.filename)
            yield {
                faces.IMAGE: encoded,
                faces.FILENAME: photo.filename,
                ANNOTATED: photo,
                **digests,
            }


def decode(
    folder: pathlib.Path,
    settings: Anonymize,
    detect: Callable[[np.ndarray], FoundFaces] | None,
    find: Callable[[bytes, np.ndarray], concurrent.futures.Future] | None,
    record: Record,
) -> Record:
    """Return a record with pixels and boxes, and with keypoints if `find` is given.

    Args:
        folder: of the photos, for messages.
        settings: of the run.
        detect: finds faces on a photo; None: they are annotated.
        find: looks for keypoints, see `keypoints.search.searching`.
        record: of `read`.
    """
    photo, encoded = record[ANNOTATED], record[faces.IMAGE]
    with reader.reading(folder / photo.filename):
        pixels, turned = reader.decode_upright(encoded, settings.max_megapixels)
    height, width = pixels.shape[:2]
    scores = None
    if detect:
        boxes, scores = detect(pixels)
        photo = photo._replace(boxes=boxes)
    record = {**record, **written.about(pixels, photo.boxes, scores)}
    checks.check_fit(photo, (height, width), turned)  # again: it may be another by now
    # Not clipped to the photo: a face at its border would pass for a narrow one, and
    # those are kept.
    boxes = records.relative(photo.boxes, height, width)
    pixels = tf.constant(pixels)
    if photo.regions:  # of many faces; a generator would make one of them
        pixels = base.black_out(pixels, boxes[list(photo.regions)])
        boxes = np.delete(boxes, photo.regions, axis=0)
    record = {**record, faces.IMAGE: pixels, faces.BBOX: boxes}
    return {**record, **_keypoints(record, encoded, settings, find)} if find else record


def _keypoints(record, encoded, settings, find):
    """Return what is found of keypoints of faces that are not kept: those need none."""
    height, width = record[faces.IMAGE].shape[:2]
    boxes = record[faces.BBOX]
    count = len(boxes)
    keypoints = np.zeros([count, layouts.NUM_POINTS[layouts.FOUND], 2], np.float32)
    source = np.full(count, faces.NOT_FOUND, np.int64)
    min_width = settings.data.anonymization.min_width
    action = policy.decide(faces.from_record(record), height, width, min_width)
    needed = (action != faces.KEPT).numpy()
    if needed.any():  # a search takes longer than all else
        found = find(encoded, boxes[needed]).result()
        keypoints[needed], source[needed] = found.keypoints, found.source
    return {
        faces.KEYPOINTS: keypoints,
        faces.HAS_KEYPOINTS: source != faces.NOT_FOUND,
        faces.KEYPOINTS_SOURCE: source,
    }


def encode(folder: pathlib.Path, quality: int, record: Record) -> tuple[str, dict]:
    """Write a photo, and return its name and what the journal tells of it.

    Args:
        folder: to write it to.
        quality: of JPEG, 1 to 100.
        record: of `decode`, anonymized.
    """
    name, action = record[faces.FILENAME], record[faces.ACTION].numpy()
    writer.write(folder / name, record[faces.IMAGE].numpy(), quality)
    source = record.get(faces.KEYPOINTS_SOURCE, np.full_like(action, faces.NOT_FOUND))
    regions = np.array(record[ANNOTATED].regions, np.int64)
    places = regions - np.arange(len(regions))  # among the faces alone
    action = np.insert(action, places, faces.BLACKED_OUT)
    source = np.insert(source, places, faces.NOT_FOUND)
    told = (*finished.DIGESTS, *written.FOUND)
    about = {key: record[key] for key in told if key in record}
    actions = {faces.ACTION: action.tolist(), faces.KEYPOINTS_SOURCE: source.tolist()}
    return name, {**about, **actions}


def check_apart(listed: Iterable[PhotoBoxes], partial: Unfinished) -> None:
    """Check that no photo has replaced another one.

    Args:
        listed: the photos; all are there.
        partial: the folder. Photos that have one name there are done no longer.

    Raises:
        ValueError: if its file system takes names of theirs for one.
    """
    pairs = list(checks.names_of_one_file(partial.folder, listed))
    for name in itertools.chain(*pairs):
        partial.add(name)
    if pairs:
        one, other = pairs[0]
        raise ValueError(
            f"{one} and {other} have one name in the file system of {partial.folder}, "
            f"and one photo would be lost (such pairs: {len(pairs)}); rename one of "
            "them, or name an --output in another file system"
        )
