"""Pairs of face crops, original and anonymized, from two streams of records."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.evaluation.similarity.metric import View
from safefakes_tf.ops import regions

Batch = dict[View, tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass
class Tally:
    """What went into a comparison.

    Attributes:
        photos: pairs of photos.
        photos_without_faces: those of them that have no face to compare.
        faces: pairs of faces.
        actions: name of an action -> number of faces, also of those not compared.
    """

    photos: int = 0
    photos_without_faces: int = 0
    faces: int = 0
    actions: dict[str, int] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(faces.ACTIONS, 0)
    )


def paired_records(
    originals: Iterable[faces.Record], anonymized: Iterable[faces.Record]
) -> Iterator[tuple[faces.Record, faces.Record]]:
    """Go through two streams together.

    Args:
        originals, anonymized: eager records of the same photos in the same order.

    Yields:
        Records of one photo.

    Raises:
        ValueError: at the first photo that differs in name, size or faces, or is in one
            stream only.
    """
    for number, (first, second) in enumerate(
        itertools.zip_longest(originals, anonymized), start=1
    ):
        if first is None or second is None:
            longer = "anonymized" if first is None else "original"
            name = _name(second if first is None else first)
            raise ValueError(
                f"both data sets must have the same photos; got {number - 1} in both, "
                f"and {name} among the {longer} ones alone: build both from one source"
            )
        _check(number, first, second)
        yield first, second


def _check(number, first, second):
    for what, one, other in (
        ("name", _name(first), _name(second)),
        ("size", _size(first), _size(second)),
        ("faces", _boxes(first), _boxes(second)),
    ):
        if one != other:
            if what == "faces":
                one, other = f"{len(one)} boxes", f"{len(other)} others"
            raise ValueError(
                f"both data sets must have the same photos in the same order; photo "
                f"{number} ({_name(first)}) has {what} {one} among the original ones, "
                f"{other} among the anonymized: build both from one source"
            )
    if faces.ACTION not in second:
        raise ValueError(
            f"anonymized records must tell what was done, in {faces.ACTION}; got none "
            f"in {_name(second)}: compare with a data set of an anonymizer"
        )


def _name(record):
    return np.asarray(record[faces.FILENAME]).item().decode()


def _size(record):
    return " x ".join(map(str, record[faces.IMAGE].shape[1::-1]))


def _boxes(record):
    return np.asarray(record[faces.BBOX]).tolist()


def face_pairs(
    originals: Iterable[faces.Record],
    anonymized: Iterable[faces.Record],
    views: Sequence[View],
    batch_size: int,
    count_blacked_out: bool,
    tally: Tally,
) -> Iterator[Batch]:
    """Cut the faces that were to be changed out of two streams of photos.

    Args:
        originals, anonymized: as of `paired_records`.
        views: how the crops are wanted.
        batch_size: pairs at once; the last batch may be smaller.
        count_blacked_out: whether faces that could not be replaced are compared too;
            kept ones never are.
        tally: counts what goes in.

    Yields:
        Per view two batches, float32 [n, side, side, 3], RGB in 0..255: original and
        anonymized pixels of the same boxes, clipped to the photo.

    Raises:
        ValueError: as `paired_records`.
    """
    crop = _cropper(tuple(views))
    waiting = []  # per pair, its crops in each view
    for first, second in paired_records(originals, anonymized):
        found = _compared_regions(second, count_blacked_out, tally)
        for start in range(0, len(found), batch_size):
            part = found[start : start + batch_size]
            crops = crop(first[faces.IMAGE], second[faces.IMAGE], part)
            waiting += zip(*(view.numpy() for view in crops), strict=True)
            while len(waiting) >= batch_size:
                yield _join(views, waiting[:batch_size])
                del waiting[:batch_size]
    if waiting:
        yield _join(views, waiting)


def _compared_regions(record, count_blacked_out, tally):
    """Return int32 [N, 4], the regions of the faces that count, and count them."""
    actions = np.asarray(record[faces.ACTION])
    counted = actions != faces.KEPT
    if not count_blacked_out:
        counted &= actions != faces.BLACKED_OUT
    height, width = record[faces.IMAGE].shape[:2]
    found = regions.pixel_regions(record[faces.BBOX], height, width).numpy()
    # Where a box is not finite, boxes without a pixel are blacked out as well.
    found = found[counted & (found[:, 2:] > found[:, :2]).all(axis=1)]
    for action in actions:
        tally.actions[faces.ACTIONS[action]] += 1
    tally.photos += 1
    tally.photos_without_faces += not len(found)
    tally.faces += len(found)
    return found


def _cropper(views):
    """Return the function that cuts and resizes: two photos and regions -> crops."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.uint8),
            tf.TensorSpec([None, None, 3], tf.uint8),
            tf.TensorSpec([None, 4], tf.int32),
        ]
    )
    def crop(first, second, found):
        def resize(region):
            top, left, bottom, right = tf.unstack(region)
            patches = [x[top:bottom, left:right] for x in (first, second)]
            return tuple(
                tf.image.resize(
                    tf.stack(patches), [view.side] * 2, antialias=view.antialias
                )
                for view in views
            )

        return tf.map_fn(resize, found, fn_output_signature=(tf.float32,) * len(views))

    return crop


def _join(views, pairs):
    columns = (np.stack(column, axis=1) for column in zip(*pairs, strict=True))
    return {
        view: (originals, anonymized)
        for view, (originals, anonymized) in zip(views, columns, strict=True)
    }
