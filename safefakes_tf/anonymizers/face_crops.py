"""Photos, or crops that were cut out once, to endless batches of context crops.

Generators are trained with them.
"""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from safefakes_tf import faces
from safefakes_tf.anonymizers import face_cutting, face_examples
from safefakes_tf.anonymizers.registry import Stage
from safefakes_tf.anonymizers.stored_crops import PHOTO_SIZE, REGION, StoredCrops
from safefakes_tf.config import TrainAnonymizer
from safefakes_tf.training import global_order, record_stream
from safefakes_tf.training.batches import Positioned

Batches = Callable[[int], tf.data.Dataset]


def batches(
    layout: str,
    settings: TrainAnonymizer,
    records: tf.data.Dataset,
    stage: Stage,
    seed: int,
) -> Batches:
    """Return a function: position -> endless `Positioned` batches of context crops.

    A photo gives one face each time it comes: any whose context crop lies in the photo
    and has the pixels of the last stage, and all keypoints where settings want that.
    Photos without one are left out. As at
    inference, all faces are masked that are not too narrow, the neighbours' too. Order
    and random choices depend on `seed` and the position in the stream only, as of the
    detector's `training_dataset`.

    Args:
        layout: of the keypoints.
        settings: of the training.
        records: as in `faces.py`, of known number; `image` decoded or a file.
        stage: whose resolution the crops have.
        seed: of the stage, >= 0.

    Raises:
        ValueError: if no face is large enough, or the number of photos is not known.

    Source: deepprivacy.md, sections 5 and 8; sun2018.md, section 5.
    """
    record_stream.known_size(records)
    to_face = functools.partial(
        face_examples.to_face, layout, settings, stage.resolution
    )

    # Nothing to convert, and tracing takes half the time.
    @tf.autograph.experimental.do_not_convert
    def choose(index, record):
        record = record_stream.decode(record)
        _, contexts, usable = face_cutting.find(record, settings.network.resolution)
        if settings.gan.only_with_keypoints:
            usable &= face_cutting.complete(record, layout)
        return index, record, contexts, tf.where(usable)[:, 0]

    @tf.autograph.experimental.do_not_convert
    def make_example(index, record, contexts, fitting):
        seeds, shares = face_examples.draw(seed, index)
        number = face_examples.pick(shares[0], tf.size(fitting))
        chosen = tf.cast(fitting[number], tf.int32)
        context = contexts[chosen]
        top, left, bottom, right = tf.unstack(context)
        photo = record[faces.IMAGE]
        crop = {
            **record,
            faces.IMAGE: photo[top:bottom, left:right],
            REGION: context,
            PHOTO_SIZE: tf.shape(photo)[:2],
        }
        return Positioned(to_face(crop, chosen, seeds, shares), index)

    def with_face(stream):
        parts = stream.map(choose, tf.data.AUTOTUNE, deterministic=True)
        return parts.filter(lambda *part: tf.size(part[-1]) > 0)

    def from_position(position):
        chosen = with_face(record_stream.shuffled_epochs(records, seed, position))
        return _batched(chosen, make_example, settings)

    if next(iter(with_face(records.enumerate()).take(1)), None) is None:
        raise _no_face(settings, len(records))
    return from_position


def stored_batches(
    layout: str,
    settings: TrainAnonymizer,
    crops: StoredCrops,
    stage: Stage,
    seed: int,
) -> Batches:
    """Return what `batches` returns, from crops that were cut out by `face_cutting`.

    A photo gives one face each time it comes, chosen as there; of the same photo,
    index and seed the batches are the same to the bit, where the crop was stored as it
    is. Photos come in an order of all of them, see `global_order`.

    Args:
        layout, settings, stage, seed: as of `batches`.
        crops: of the photos.

    Raises:
        ValueError: if no face has all keypoints, and settings want that.
    """
    usable = np.arange(len(crops.photo))
    if settings.gan.only_with_keypoints:
        usable = np.flatnonzero(crops.complete[layout])
    photos, first, counts = np.unique(
        crops.photo[usable], return_index=True, return_counts=True
    )
    if not photos.size:
        raise _no_face(settings, len(np.unique(crops.photo)))
    size = photos.size
    usable, first, counts = (
        tf.constant(each, tf.int64) for each in (usable, first, counts)
    )
    to_face = functools.partial(
        face_examples.to_face, layout, settings, stage.resolution
    )

    @tf.autograph.experimental.do_not_convert
    def choose(index):
        photo = global_order.shuffled(index, size, seed)
        _, shares = face_examples.draw(seed, index)
        number = face_examples.pick(shares[0], counts[photo])
        return index, usable[first[photo] + number]

    @tf.autograph.experimental.do_not_convert
    def make_example(index, serialized):
        crop = record_stream.decode(crops.parse(serialized))
        return Positioned(to_face(crop, 0, *face_examples.draw(seed, index)), index)

    def from_position(position):
        numbered = tf.data.Dataset.counter(position).map(choose)
        return _batched(crops.fetched(numbered), make_example, settings)

    return from_position


def _batched(stream, make_example, settings):
    examples = stream.map(make_example, tf.data.AUTOTUNE, deterministic=True)
    size = settings.loop.global_batch_size
    return examples.batch(size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def _no_face(settings, num_photos):
    side = settings.network.resolution
    keypoints = ", and all keypoints" * settings.gan.only_with_keypoints
    return ValueError(
        f"a generator of {side} px needs {face_cutting.wanted(side)}{keypoints}; got "
        f"{num_photos} photos without"
    )
