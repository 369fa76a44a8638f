"""The contract that every anonymizer fulfils."""

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from safefakes_tf import faces as faces_lib
from safefakes_tf.anonymizers import policy
from safefakes_tf.boxes import from_xywh_pixels
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, KEPT, Faces
from safefakes_tf.ops import regions as region_ops

# Photos and faces of all numbers and sizes, so that nothing is traced twice.
SIGNATURE = (
    tf.TensorSpec([None, None, 3], tf.uint8),
    Faces(
        tf.TensorSpec([None, 4], tf.float32),
        tf.TensorSpec([None, None, 2], tf.float32),
        tf.TensorSpec([None], tf.bool),
    ),
    tf.TensorSpec([], tf.int64),
)
READ = (
    faces_lib.IMAGE,
    faces_lib.FILENAME,
    faces_lib.BBOX,
    faces_lib.BBOX_PIXELS,
    faces_lib.KEYPOINTS,
    faces_lib.HAS_KEYPOINTS,
)  # keys of a record that count


class Anonymizer(abc.ABC):
    """A pure TensorFlow function of a photo, its faces and a seed.

    The map stage (`__call__`), the SavedModel and the three steps of `pipeline` do what
    `apply` does. What it may change is told by `mask`.

    Attributes:
        name: registry key, flag value and dataset config name.
        keypoints: name of the keypoint layout it reads, None where boxes suffice.
        source_layout: name of the layout of the keypoints that it is given; None: their
            number tells, as for a SavedModel.
        leak_free: whether the output ignores the pixels under `hidden`.
        weights_sha256: of the file of its weights, if it has any.
        demonstration: whether those are there to be looked at, not to be relied on.
    """

    name: str
    keypoints: str | None = None
    source_layout: str | None = None
    leak_free: bool = False
    weights_sha256: str | None = None
    demonstration: bool = False

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Keep the options and the seed of the run.

        Raises:
            ValueError: if `config.min_width` is negative.
        """
        if config.min_width < 0:
            raise ValueError(
                f"anonymization.min_width must be 0 or more; got {config.min_width}"
            )
        self.config = config
        self.seed = seed
        # Traced at the first call. No autograph: an anonymizer consists of TensorFlow
        # ops, and it would cost more than the rest of the tracing.
        self._compiled = tf.function(
            lambda image, faces, seed: self.apply(image, Faces(*faces), seed),
            input_signature=SIGNATURE,
            autograph=False,
        )
        # Many small operations; one after another they take as long as a filter.
        self._faces_and_seed = tf.function(
            self._read, autograph=False, reduce_retracing=True
        )

    def decide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return int64 [N], the action per face (`policy.decide`)."""
        height, width = size(image)
        return policy.decide(faces, height, width, self.config.min_width)

    def mask(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W], true where `apply` may change the photo."""
        return self.hidden(image, faces)

    def hidden(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Return bool [H, W], true on the pixels of the faces that are not kept."""
        height, width = size(image)
        chosen = self.decide(image, faces) != KEPT
        regions = region_ops.pixel_regions(faces.boxes, height, width)
        return region_ops.regions_mask(tf.boolean_mask(regions, chosen), height, width)

    @abc.abstractmethod
    def apply(
        self, image: tf.Tensor, faces: Faces, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Anonymize a photo and tell what was done.

        Args:
            image: uint8 [H, W, 3], RGB, of any size.
            faces: its N >= 0 faces.
            seed: int64 scalar, of the photo.

        Returns:
            uint8 [H, W, 3], changed under `mask` only, and int64 [N], the action per
            face.
        """

    def anonymize(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> tf.Tensor:
        """Return the photo of `apply` alone, uint8 [H, W, 3]."""
        return self.apply(image, faces, seed)[0]

    def __call__(self, record: faces_lib.Record) -> faces_lib.Record:
        """Anonymize a record, as a map stage.

        Args:
            record: see `faces`; reads the photo, its file name, boxes and keypoints.

        Returns:
            The record with another photo and with `faces/action`, int64 [N].
        """
        return with_result(record, *self.apply(*self.inputs(record)))

    def inputs(self, record: faces_lib.Record) -> tuple[tf.Tensor, Faces, tf.Tensor]:
        """Return what `apply` takes, for a record."""
        # As tensors: the graph would be traced anew for each name and array.
        read = {key: tf.convert_to_tensor(record[key]) for key in READ if key in record}
        return (record[faces_lib.IMAGE], *self._faces_and_seed(read))

    def _read(self, record):
        faces = faces_lib.from_record(record)
        if faces_lib.BBOX_PIXELS in record:
            # As annotated: half a face at the border is as wide as the whole.
            height_and_width = size(record[faces_lib.IMAGE])
            boxes = from_xywh_pixels(record[faces_lib.BBOX_PIXELS], *height_and_width)
            faces = faces._replace(boxes=boxes)
        return faces, photo_seed(record[faces_lib.FILENAME], self.seed)

    # === The same for many photos: one by one, together, one by one ===

    def prepare(self) -> None:
        """Trace now what the first photo would wait for; a thread may do so."""
        self._compiled.get_concrete_function()

    def begin(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> Any:
        """Do the first step of `apply`, for one photo; threads may do so in parallel.

        Returns:
            What `generate` takes. Here that is the result of `apply`; methods whose
            faces can share the calls of a network divide the work.
        """
        return self._compiled(image, faces, seed)

    def num_waiting(self, begun: Any) -> int:
        """Return how many faces of a photo wait for `generate`."""
        return 0

    def generate(self, begun: Sequence[Any]) -> list[Any]:
        """Do the second step, for several photos together, and return them."""
        return list(begun)

    def finish(self, begun: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Do the last step, for one photo, and return the result of `apply`."""
        return begun

    def anonymize_batch(
        self,
        images: Sequence[tf.Tensor],
        faces: Sequence[Faces],
        seeds: Sequence[int],
    ) -> list[tf.Tensor]:
        """Anonymize photos of any sizes together, each as `anonymize` does."""
        begun = map(self.begin, images, faces, seeds)
        return [self.finish(each)[0] for each in self.generate(list(begun))]


class Filter(Anonymizer):
    """An anonymizer that makes the new pixels of a face from the old ones."""

    @abc.abstractmethod
    def hide(self, image: tf.Tensor, faces: Faces) -> tf.Tensor:
        """Hide every one of the faces given.

        Args:
            image: uint8 [H, W, 3], RGB.
            faces: the faces to hide; finite boxes.

        Returns:
            uint8 [H, W, 3], changed under `mask` only.
        """

    def apply(
        self, image: tf.Tensor, faces: Faces, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Anonymize a photo; nothing is drawn at random."""
        action = self.decide(image, faces)
        hidden = self.hide(image, select(faces, action == GENERATED))
        failed = tf.boolean_mask(faces.boxes, action == BLACKED_OUT)
        return black_out(hidden, failed), action


def with_result(
    record: faces_lib.Record, image: tf.Tensor, action: tf.Tensor
) -> faces_lib.Record:
    """Return a record with an anonymized photo and the actions on its faces."""
    return {**record, faces_lib.IMAGE: image, faces_lib.ACTION: action}


def photo_seed(filename: tf.Tensor, run_seed: int) -> tf.Tensor:
    """Return the int64 seed of a photo: a hash of its file name and the run's seed."""
    return _hash(tf.strings.join([str(run_seed), filename], separator=":"))


def face_seeds(seed: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Return int64 [count]: hashes of the photo's seed and the index of each face."""
    indices = tf.strings.as_string(tf.range(count))
    return _hash(tf.strings.join([tf.strings.as_string(seed), indices], separator=":"))


def select(faces: Faces, chosen: tf.Tensor) -> Faces:
    """Return the faces for which `chosen`, bool [N], is true."""
    return Faces(*(tf.boolean_mask(part, chosen) for part in faces))


def black_out(image: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Set the pixels that boxes touch to zero; not finite boxes touch the whole photo.

    Args:
        image: uint8 [H, W, 3].
        boxes: float32 [N, 4], yxyx, relative.

    Returns:
        uint8 [H, W, 3].
    """
    regions = region_ops.pixel_regions(boxes, *size(image))
    return tf.cond(  # an edit copies the photo even for nothing
        tf.shape(boxes)[0] > 0,
        lambda: region_ops.edit_regions(image, regions, lambda patch, _: patch * 0),
        lambda: image,
    )


def size(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return height and width of a photo, int32 scalars."""
    shape = tf.shape(image)
    return shape[0], shape[1]


def _hash(text):
    return tf.strings.to_hash_bucket_fast(text, 2**63 - 1)
