"""Anonymizers that generate a new face: mask all faces, cut, inpaint, paste."""

import abc
import hashlib
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from safefakes_tf import frozen
from safefakes_tf.anonymizers import base, generator_files
from safefakes_tf.config import AnonymizationConfig, bundled
from safefakes_tf.faces import BLACKED_OUT, GENERATED, Faces

# Faces per call of a generator. Four are fastest on two cores, and XLA gains nothing
# then (`benchmarks/generators.py`); a GPU needs more to do, though none was measured.
CHUNK_ON_CPU, CHUNK_ON_GPU = 4, 64


class Job(NamedTuple):
    """What is known of a photo between cutting and pasting.

    Attributes:
        action: int64 [N], per face; of the M to be generated:
        inputs: tensors [M, ...] by name, which `inpaint` takes.
        places: tensors [M, ...] that tell where patches belong.
    """

    action: tf.Tensor
    inputs: dict[str, tf.Tensor]
    places: Any


class Begun(NamedTuple):
    """A photo between the steps; see `base.Anonymizer.begin`.

    Attributes:
        image: uint8 [H, W, 3], as it came.
        faces: its N faces.
        job: see `Job`.
        seeds: int64 [M], of the faces to be generated.
        inpainted: of those faces, what `inpaint` returned; empty before.
    """

    image: tf.Tensor
    faces: Faces
    job: Job
    seeds: tf.Tensor
    inpainted: tuple[tf.Tensor, ...] = ()


class Inpainter(base.Anonymizer):
    """Shows the surroundings of a face, and pastes what `inpaint` makes of them.

    All faces that are not kept are masked before anything is cut out, so `inpaint`
    never sees a pixel of them: neither of its face nor of a neighbour's. Only with
    `config.hide_neighbours` off, to compare with published results, neighbours show.

    Attributes:
        resolution: side of the patches, px.
    """

    resolution: int

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Keep the options and the seed of the run; errors as of `Anonymizer`."""
        super().__init__(config, seed)
        self.leak_free = config.hide_neighbours
        gpus = tf.config.list_physical_devices("GPU")
        self._chunk = CHUNK_ON_GPU if gpus else CHUNK_ON_CPU
        self._graphs, self._tracing = None, threading.Lock()

    def prepare(self) -> None:
        """Trace the graphs; of no face, TensorFlow optimizes that of the generator."""
        _, inpaint, _ = self._steps()
        nothing = tf.nest.map_structure(
            lambda spec: tf.zeros([0, *spec.shape[1:]], spec.dtype),
            inpaint.input_signature,
        )
        inpaint(*nothing)

    @abc.abstractmethod
    def cut(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> Job:
        """Decide, mask, and cut out what is to be inpainted.

        Args:
            image: uint8 [H, W, 3].
            faces: its faces.
            seed: int64 scalar, of the photo.
        """

    @abc.abstractmethod
    def inpaint(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Generate new patches, in as many passes as the method needs.

        The result for a face depends on its inputs and its seed alone, so that it is
        the same in every chunk and at every place of one.

        Args:
            inputs: as of `Job`, of a chunk of N faces; a chunk has one fixed size, and
                is filled up with zeros.
            seeds: int64 [N], one per face; the only source of randomness.

        Returns:
            uint8 [N, resolution, resolution, 3] and bool [N], whether the method
            succeeded; where it did not, the face is blacked out.
        """

    @abc.abstractmethod
    def paste(self, image: tf.Tensor, places: Any, patches: tf.Tensor) -> tf.Tensor:
        """Write patches, uint8 [M, R, R, 3], into a photo, where `Job.places` tell."""

    def apply(
        self, image: tf.Tensor, faces: Faces, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Anonymize a photo; a face for which `inpaint` failed is blacked out."""
        return self.finish(*self.generate([self.begin(image, faces, seed)]))

    def begin(self, image: tf.Tensor, faces: Faces, seed: tf.Tensor) -> Begun:
        """Mask every face, of all those that will be changed, then cut."""
        cut, _, _ = self._steps()
        return Begun(image, faces, *cut(image, faces, tf.cast(seed, tf.int64)))

    def num_waiting(self, begun: Begun) -> int:
        """Return how many faces of a photo are to be generated."""
        return len(begun.seeds)

    def generate(self, begun: Sequence[Begun]) -> list[Begun]:
        """Inpaint, whichever photo a face is from.

        Outside of graphs in a call per chunk, as Ctrl-C waits for the end of a call.
        """
        _, inpaint, _ = self._steps()
        inputs = _joined([(each.job.inputs, each.seeds) for each in begun])
        if tf.executing_eagerly():
            num_faces, size = sum(map(self.num_waiting, begun)), self._chunk
            starts = range(0, max(1, num_faces), size)
            sizes = [min(size, num_faces - start) for start in starts]
            parts = (tf.split(values, sizes) for values in tf.nest.flatten(inputs))
            chunks = zip(*parts, strict=True)
            packed = (tf.nest.pack_sequence_as(inputs, chunk) for chunk in chunks)
            patches, succeeded = _joined([inpaint(*chunk) for chunk in packed])
        else:
            patches, succeeded = inpaint(*inputs)
        counts = [tf.shape(each.seeds)[0] for each in begun]
        parts = zip(tf.split(patches, counts), tf.split(succeeded, counts), strict=True)
        return [
            each._replace(inpainted=part)
            for each, part in zip(begun, parts, strict=True)
        ]

    def finish(self, begun: Begun) -> tuple[tf.Tensor, tf.Tensor]:
        """Paste, and black out what failed."""
        _, _, finish = self._steps()
        image, faces, job, _, inpainted = begun
        return finish(image, faces, job, *inpainted)

    @tf.autograph.experimental.do_not_convert
    def _steps(self):
        """Return the steps as graphs, each traced once, for photos of all sizes."""
        with self._tracing:
            if self._graphs is None:
                self._graphs = self._trace()
            return self._graphs

    def _trace(self):
        def graph(step, *signature):
            step = tf.function(
                step,
                input_signature=signature,
                autograph=False,
                # As part of a caller's graph it would be optimized in another way, and
                # the last digits would change.
                experimental_attributes={"_noinline": True},
            )
            return step, tf.nest.map_structure(
                lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype),
                step.get_concrete_function().structured_outputs,
            )

        photo, faces, _ = base.SIGNATURE
        # Many small operations on pieces of a photo are no work for a GPU.
        with tf.device("CPU:0"):
            cut, (job, seeds) = graph(self._cut_photo, *base.SIGNATURE)
        inpaint, inpainted = graph(self._inpaint_all, job.inputs, seeds)
        with tf.device("CPU:0"):
            finish, _ = graph(self._finish_photo, photo, faces, job, *inpainted)
        return cut, inpaint, finish

    def _cut_photo(self, image, faces, seed):
        job = self.cut(image, Faces(*faces), seed)
        seeds = base.face_seeds(seed, tf.size(job.action))
        return job, tf.boolean_mask(seeds, job.action == GENERATED)

    def _inpaint_all(self, inputs, seeds):
        """Call `inpaint` on chunks that are all of one shape, so it is traced once."""
        count, size, side = tf.shape(seeds)[0], self._chunk, self.resolution
        num_chunks = (count + size - 1) // size

        def chunked(values):
            gap = num_chunks * size - count
            values = tf.pad(values, [[0, gap], *[[0, 0]] * (values.shape.rank - 1)])
            return tf.reshape(values, [num_chunks, size, *values.shape[1:]])

        patches, succeeded = tf.map_fn(
            lambda chunk: self.inpaint(*chunk),
            tf.nest.map_structure(chunked, (inputs, seeds)),
            fn_output_signature=(
                tf.TensorSpec([size, side, side, 3], tf.uint8),
                tf.TensorSpec([size], tf.bool),
            ),
            parallel_iterations=1,
        )
        patches = tf.reshape(patches, [num_chunks * size, side, side, 3])
        return patches[:count], tf.reshape(succeeded, [-1])[:count]

    def _finish_photo(self, image, faces, job, patches, succeeded):
        """Return the photo with the patches in it, and the final action per face."""
        action = job.action
        failed = tf.cast(tf.where(action == GENERATED), tf.int32)
        failed = tf.boolean_mask(failed, ~succeeded)
        action = tf.tensor_scatter_nd_update(
            action,
            failed,
            tf.fill(tf.shape(failed)[:1], tf.cast(BLACKED_OUT, tf.int64)),
        )
        image = self.paste(image, job.places, patches)
        black = tf.boolean_mask(faces.boxes, action == BLACKED_OUT)
        return base.black_out(image, black), action


def _joined(parts):
    """Return structures of tensors as one, joined along the first axis."""
    return tf.nest.map_structure(lambda *each: tf.concat(each, axis=0), *parts)


class KerasInpainter(Inpainter):
    """Inpaints by one call of a Keras network, whose file `config.weights` names.

    Attributes:
        generator: the network, folded.
        about: what its file tells of it.
    """

    def __init__(self, config: AnonymizationConfig, seed: int):
        """Load the generator.

        Raises:
            ValueError: if `config.weights` names no file of a generator of this method.
        """
        super().__init__(config, seed)
        path = bundled.find_weights(config.weights, self.name)
        content = path.read_bytes()  # once: the digest is of what is used
        self.weights_sha256 = hashlib.sha256(content).hexdigest()
        self.generator, self.about = generator_files.read(path, content)
        if self.about.method != self.name:
            raise ValueError(
                f"{path} is a generator of {self.about.method}; {self.name} needs its "
                "own"
            )
        self.resolution = self.about.config.resolution
        self.demonstration = self.about.demonstration
        generator_files.fold(self.generator)
        self._variables = self.generator.variables

    @abc.abstractmethod
    def generator_inputs(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return what the generator is called on; arguments as of `inpaint`."""

    @abc.abstractmethod
    def to_pixels(self, outputs: tf.Tensor, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        """Turn the generator's output for a chunk into colours, uint8 [N, R, R, 3]."""

    def inpaint(
        self, inputs: dict[str, tf.Tensor], seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Call the generator; it failed where its output is not finite."""
        inputs_of_generator = self.generator_inputs(inputs, seeds)
        with frozen.weights(self._variables):
            outputs = self.generator(inputs_of_generator, training=False)
        finite = tf.reduce_all(tf.math.is_finite(outputs), axis=[1, 2, 3])
        return self.to_pixels(outputs, inputs), finite
