"""Anonymizers that paint a new face: hide all faces, cut, inpaint, paste."""

import abc
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from safefakes_tf.anonymizers import base, generator_files
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.faces import BLACKED_OUT, GENERATED, Faces

# Faces per call of a generator. Four are fastest on two cores, and XLA gains nothing
# then (`benchmarks/generators.py`); a GPU needs more to do, though none was measured.
CHUNK_ON_CPU, CHUNK_ON_GPU = 4, 16


class Job(NamedTuple):
    """What is known of a photo between cutting and pasting.

    Attributes:
        action: int64 [N], per face; of the M to be generated:
        inputs: tensors [M, ...] by name, from which the generator's inputs are made.
        places: tensors [M, ...] that tell where patches belong.
    """

    action: tf.Tensor
    inputs: dict[str, tf.Tensor]
    places: Any


class Inpainter(base.Anonymizer):
    """Shows a generator the surroundings of a face, and pastes what it paints there.

    All faces that are not kept are hidden before anything is cut out, so the generator
    never sees a pixel of them: neither of its face nor of a neighbour's. Only with
    `config.hide_neighbours` off, to compare with published results, neighbours show.

    Attributes:
        about: what the file of the generator tells of it.
        generator: the network, folded.
    """

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Load the generator.

        Raises:
            ValueError: if `config.weights` names no file of a generator of this method.
        """
        super().__init__(config, seed)
        self.leak_free = config.hide_neighbours
        path = generator_files.find(config.weights, self.name)
        self.generator, self.about = generator_files.read(path)
        if self.about.method != self.name:
            raise ValueError(
                f"{path} is a generator of {self.about.method}; {self.name} needs its "
                "own"
            )
        self.demonstration = self.about.demonstration
        generator_files.fold(self.generator)
        self.variables = [weight.value for weight in self.generator.weights]
        gpus = tf.config.list_physical_devices("GPU")
        self._chunk = CHUNK_ON_GPU if gpus else CHUNK_ON_CPU

    @functools.cached_property
    def _steps(self):
        """The three steps as graphs, each traced once, for photos of all sizes."""

        def graph(step, *signature):
            step = tf.function(step, input_signature=signature, autograph=False)
            return step, tf.nest.map_structure(
                lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype),
                step.get_concrete_function().structured_outputs,
            )

        photo, faces, _ = base.SIGNATURE
        cut, job = graph(
            lambda photo, faces, seed: self.cut(photo, Faces(*faces), seed),
            *base.SIGNATURE,
        )
        inpaint, painted = graph(self._inpaint_all, job.inputs)
        finish, _ = graph(self._finish_photo, photo, faces, job, *painted)
        return cut, inpaint, finish

    @abc.abstractmethod
    def cut(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> Job:
        """Decide, hide, and cut out what is to be painted.

        Args:
            image: uint8 [H, W, 3].
            faces: its faces.
            seed: int64 scalar, of the photo.
        """

    @abc.abstractmethod
    def generator_inputs(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return what the generator is called on, for a chunk of `Job.inputs`."""

    @abc.abstractmethod
    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Turn the generator's output for a chunk into colours, uint8 [N, R, R, 3]."""

    @abc.abstractmethod
    def paste(self, image: tf.Tensor, places: Any, patches: tf.Tensor) -> tf.Tensor:
        """Write patches, uint8 [M, R, R, 3], into a photo, where `Job.places` tell."""

    def apply(
        self, image: tf.Tensor, faces: Faces, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Anonymize a photo; a face whose painting is not finite is blacked out."""
        return self.apply_batch([image], [faces], [seed])[0]

    def apply_batch(
        self,
        photos: Sequence[tf.Tensor],
        faces: Sequence[Faces],
        seeds: Sequence[int],
    ) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Anonymize photos together: a chunk holds faces of several of them."""
        # 1. Hide every face, of all those that will be changed, then cut.
        cut, inpaint, finish = self._steps
        seeds = [tf.cast(seed, tf.int64) for seed in seeds]
        jobs = [cut(*job) for job in zip(photos, faces, seeds, strict=True)]
        # 2. Inpaint, whichever photo a patch is from.
        names = jobs[0].inputs
        inputs = {
            name: tf.concat([job.inputs[name] for job in jobs], axis=0)
            for name in names
        }
        painted, finite = inpaint(inputs)
        counts = [tf.shape(job.inputs[next(iter(names))])[0] for job in jobs]
        painted, finite = tf.split(painted, counts), tf.split(finite, counts)
        # 3. Paste; black out what failed.
        parts = zip(photos, faces, jobs, painted, finite, strict=True)
        return [finish(*part) for part in parts]

    def _inpaint_all(self, inputs):
        """Return the painted patches, uint8, and whether each is finite, bool [M]."""
        count = tf.shape(tf.nest.flatten(inputs)[0])[0]
        # Chunks are all of one shape, so that nothing is traced twice.
        size = self._chunk
        num_chunks = (count + size - 1) // size
        side = self.about.config.resolution

        def chunked(values):
            gap = num_chunks * size - count
            values = tf.pad(values, [[0, gap], *[[0, 0]] * (values.shape.rank - 1)])
            return tf.reshape(values, [num_chunks, size, *values.shape[1:]])

        def paint(chunk):
            outputs = self.generator(self.generator_inputs(chunk), training=False)
            finite = tf.reduce_all(tf.math.is_finite(outputs), axis=[1, 2, 3])
            return self.to_pixels(outputs, chunk), finite

        painted, finite = tf.map_fn(
            paint,
            tf.nest.map_structure(chunked, inputs),
            fn_output_signature=(
                tf.TensorSpec([size, side, side, 3], tf.uint8),
                tf.TensorSpec([size], tf.bool),
            ),
            parallel_iterations=1,
        )
        painted = tf.reshape(painted, [num_chunks * size, side, side, 3])
        return painted[:count], tf.reshape(finite, [-1])[:count]

    def _finish_photo(self, image, faces, job, patches, finite):
        """Return the photo with the patches in it, and the final action per face."""
        action = job.action
        failed = tf.cast(tf.where(action == GENERATED), tf.int32)
        failed = tf.boolean_mask(failed, ~finite)
        action = tf.tensor_scatter_nd_update(
            action,
            failed,
            tf.fill(tf.shape(failed)[:1], tf.cast(BLACKED_OUT, tf.int64)),
        )
        image = self.paste(image, job.places, patches)
        black = tf.boolean_mask(faces.boxes, action == BLACKED_OUT)
        return base.black_out(image, black), action
