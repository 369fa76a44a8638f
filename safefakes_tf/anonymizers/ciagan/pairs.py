"""Faces of photos to endless batches of pairs of them, for the training of CIAGAN.

A first pass cuts every usable face out, with its identity. Those aligned crops stay in
memory, or were stored. Pairs are drawn from them by number, so the stream can be
entered anywhere.

Source: ciagan.md, sections 6 and 7.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tqdm

from safefakes_tf import faces
from safefakes_tf.anonymizers.ciagan import alignment
from safefakes_tf.anonymizers.ciagan.trainer import pairs_per_round
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.anonymizers.stored_crops import Crop, Cutter, StoredCrops
from safefakes_tf.config import CiaganConfig, TrainAnonymizer
from safefakes_tf.keypoints import layouts
from safefakes_tf.ops import regions as region_ops
from safefakes_tf.training import record_stream
from safefakes_tf.training.batches import PairBatch, Positioned

LAYOUT = "ibug68"


class AlignedCrops(NamedTuple):
    """Faces cut out of photos, sorted by identity.

    Attributes:
        read: numbers of faces, int64 [M] -> string [M], PNG files: frame, landmark map
            and mask side by side.
        identity: int64 [N], from 0 up without a gap, at least two faces of each.
        start: int64 [M + 1], number of the first face of each identity, and N.
    """

    read: Callable[[tf.Tensor], tf.Tensor]
    identity: tf.Tensor
    start: tf.Tensor


def collect(dataset: tf.data.Dataset, config: CiaganConfig) -> AlignedCrops:
    """Cut out all faces whose crop lies in the photo and has enough pixels.

    As at inference, the other faces on the photo are masked: the outlines, or the boxes
    of those without.

    Args:
        dataset: records as in `faces.py`, with identities; `image` decoded or a file.
        config: of the networks.

    Raises:
        ValueError: if fewer than two identities have two usable faces, or more than
            `config.num_identities` do.
    """
    frames, identities = [], []
    cut = _cut(config, dataset)
    bar = tqdm.tqdm(cut, "reading faces", len(dataset), unit="photo", mininterval=1.0)
    for record, crops in bar:
        frames.extend(crop.encoded for crop in crops)
        identities.extend(record[faces.IDENTITY][crop.faces[0]] for crop in crops)
    kept = tf.constant(frames, tf.string, [len(frames)])
    return _sorted(
        np.array(identities, np.int64), config, lambda number: tf.gather(kept, number)
    )


def cutter(settings: TrainAnonymizer) -> Cutter:
    """Return how aligned crops are cut out, as by `collect`."""
    config = settings.network
    side = alignment.frame_side(config.resolution)
    return Cutter(
        f"aligned_crops_{config.resolution}px" + "_jpeg" * config.jpeg_landmark_maps,
        {"side": side, "jpeg_landmark_maps": config.jpeg_landmark_maps},
        f"faces of known identity of {side} px with keypoints",
        functools.partial(_cut, config),
    )


def batches(
    settings: TrainAnonymizer, records: tf.data.Dataset, stage: Stage, seed: int
) -> Callable[[int], tf.data.Dataset]:
    """Return a function: position -> endless `Positioned` batches of pairs.

    A pair is of one identity or of two random ones, each in half of the cases. What a
    pair is depends on `seed` and its number only.

    Args:
        settings: of the training.
        records: see `collect`, which reads them once.
        stage: the only one.
        seed: of the run, >= 0.

    Raises:
        ValueError: as `collect`.
    """
    return _batches(settings, collect(records, settings.network), seed)


def stored_batches(
    settings: TrainAnonymizer, crops: StoredCrops, stage: Stage, seed: int
) -> Callable[[int], tf.data.Dataset]:
    """Return what `batches` returns, from crops that were cut out by `cutter`.

    They are the same to the bit.

    Args:
        settings, stage, seed: as of `batches`.
        crops: of the photos.

    Raises:
        ValueError: as `collect`.
    """

    def read(numbers):
        return tf.map_fn(
            lambda record: crops.parse(record)[faces.IMAGE], crops.records(numbers)
        )

    return _batches(settings, _sorted(crops.identity, settings.network, read), seed)


def _batches(settings, crops, seed):
    config, pairs_per_element = settings.network, pairs_per_round(settings)

    # Nothing to convert, and tracing takes half the time.
    @tf.autograph.experimental.do_not_convert
    def make_element(index):
        numbers = index * pairs_per_element + tf.range(
            pairs_per_element, dtype=tf.int64
        )
        shares, seeds, first, second = tf.map_fn(
            draw_pair, numbers, fn_output_signature=draw_spec
        )
        frames = crops.read(tf.concat([first, second], axis=0))
        pairs = tf.map_fn(
            make_pair,
            (shares, seeds, first, second, *tf.split(frames, 2)),
            fn_output_signature=pair_spec,
        )
        return Positioned(pairs, index)

    def draw_pair(number):
        seeds = tf.stack([tf.cast(seed, tf.int64), number])
        draw = tf.random.stateless_uniform([13], seeds)
        return draw[5:], seeds, *_draw_pair(crops, draw[:5])

    def make_pair(drawn):
        shares, seed, first, second, frame, other_frame = drawn
        image, landmarks, mask = _patch(frame, shares[:4], config)
        other, _, _ = _patch(other_frame, shares[4:], config)
        identity = crops.identity[second]
        same = tf.cast(crops.identity[first] == identity, tf.float32)
        return PairBatch(
            image, other, landmarks, mask, identity, num_identities, same, seed
        )

    num_identities = tf.size(crops.start, tf.int64) - 1
    number_spec = tf.TensorSpec([], tf.int64)
    seed_spec = tf.TensorSpec([2], tf.int64)
    draw_spec = tf.TensorSpec([8], tf.float32), seed_spec, number_spec, number_spec
    square = [config.resolution, config.resolution]
    colours = tf.TensorSpec([*square, 3], tf.float32)
    pair_spec = PairBatch(
        face=colours,
        other_face=colours,
        landmarks=colours,
        mask=tf.TensorSpec([*square, 1], tf.float32),
        identity=number_spec,
        num_identities=number_spec,
        same=tf.TensorSpec([], tf.float32),
        seed=seed_spec,
    )

    def from_position(position):
        numbers = tf.data.Dataset.counter(position)
        elements = numbers.map(make_element, tf.data.AUTOTUNE, deterministic=True)
        size = settings.loop.global_batch_size
        return elements.batch(size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)

    return from_position


def _cut(
    config: CiaganConfig, records: tf.data.Dataset
) -> Iterator[tuple[faces.Record, list[Crop]]]:
    side = alignment.frame_side(config.resolution)

    @tf.autograph.experimental.do_not_convert
    def cut_all(record):
        record = record_stream.decode(record)
        return record, *_cut_all(record, side, config.jpeg_landmark_maps)

    cut = records.map(cut_all, tf.data.AUTOTUNE, deterministic=True)
    for record, frames, places, chosen in cut.as_numpy_iterator():
        parts = zip(frames, places, chosen[:, np.newaxis], strict=True)
        yield record, [Crop(*part) for part in parts]


def _cut_all(record, side, jpeg_landmark_maps):
    """Return the usable faces of a photo: PNG files, places and numbers."""
    some = faces.from_record(record)
    image, size = record[faces.IMAGE], tf.shape(record[faces.IMAGE])[:2]
    known = layouts.read(some.keypoints, some.has_keypoints, LAYOUT)
    points = alignment.to_pixels(known, size)
    places = alignment.crops(points)
    outlined = alignment.usable(known, some.boxes, size)
    boxes = region_ops.pixel_regions(some.boxes, size[0], size[1])
    image = region_ops.edit_regions(
        image, tf.boolean_mask(boxes, ~outlined), lambda patch, _: patch * 0
    )
    usable = outlined & (record[faces.IDENTITY] >= 0)
    usable &= tf.reduce_all((places[:, :2] >= 0) & (places[:, 2:] <= size), axis=1)
    large = places[:, 2] - places[:, 0] >= side
    profile = alignment.is_profile(points)
    outlines = alignment.mask_polygons(points, profile)

    def cut_one(index):
        others = tf.boolean_mask(
            outlines, outlined & (tf.range(tf.size(usable)) != index)
        )
        shown = alignment.mask_outlines(image, others)
        # What masks the others does not mask this one where they overlap.
        parts = alignment.frames(
            shown,
            points[index],
            profile[index],
            places[index],
            side,
            jpeg_landmark_maps,
        )
        mask = tf.repeat(parts[2], 3, axis=2)
        return tf.io.encode_png(tf.concat([*parts[:2], mask], axis=1))

    chosen = tf.cast(tf.where(usable & large)[:, 0], tf.int32)
    frames = tf.map_fn(cut_one, chosen, fn_output_signature=tf.string)
    return frames, tf.gather(places, chosen), chosen


def _sorted(identities, config, read):
    """Return aligned crops, without the identities that have one face only.

    `identities` and `read` are of faces in the order in which they were cut out.
    """
    names, index, counts = np.unique(
        identities, return_inverse=True, return_counts=True
    )
    several = counts >= 2
    kept = several.sum() if names.size else 0
    if not 2 <= kept <= config.num_identities:
        raise ValueError(
            f"ciagan needs 2 to {config.num_identities} identities "
            "(network.num_identities) with two faces each of "
            f"{alignment.frame_side(config.resolution)} px with keypoints; got {kept}"
        )
    order = np.argsort(index, kind="stable")
    order = order[several[index[order]]]
    renumbered = (np.cumsum(several) - 1)[index[order]]
    start = np.concatenate([[0], np.cumsum(counts[several])])
    numbers = tf.constant(order, tf.int64)
    return AlignedCrops(
        lambda sorted_numbers: read(tf.gather(numbers, sorted_numbers)),
        tf.constant(renumbered, tf.int64),
        tf.constant(start, tf.int64),
    )


def _draw_pair(crops, draw):
    """Return the numbers of two faces, from five numbers in 0..1."""
    identities = tf.size(crops.start, tf.int64) - 1
    one, other = _pick(draw[0], identities), _pick(draw[1], identities)
    other = tf.where(draw[2] < 0.5, one, other)

    def face_of(identity, share):
        first = crops.start[identity]
        return first + _pick(share, crops.start[identity + 1] - first)

    first = face_of(one, draw[3])
    # Another face of one identity: any but the first.
    begin, count = crops.start[one], crops.start[one + 1] - crops.start[one]
    step = 1 + _pick(draw[4], count - 1)
    another = begin + (first - begin + step) % count
    return first, tf.where(one == other, another, face_of(other, draw[4]))


def _pick(share, count):
    return tf.minimum(tf.cast(share * tf.cast(count, tf.float32), tf.int64), count - 1)


def _patch(frame, draw, config):
    """Return face, landmark map and mask of a patch, cut at random."""
    parts = tf.io.decode_png(frame, channels=3)
    parts = tf.concat(tf.split(parts, 3, axis=1), axis=2)  # one above the other
    side = alignment.frame_side(config.resolution)
    parts = tf.ensure_shape(parts, [side, side, 9])[..., :7]
    part = alignment.random_crop(parts, draw, config.random_crop)
    patch = alignment.to_patch(part, config.resolution)
    face, landmarks, covered = tf.split(patch, [3, 3, 1], axis=2)
    return (
        alignment.to_shares(face),
        alignment.to_shares(landmarks),
        alignment.to_mask(covered),
    )
