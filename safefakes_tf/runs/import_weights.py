"""--mode=import_weights: published weights, as files that the other modes take."""

import hashlib
import json
import math
import pathlib

import keras
import numpy as np

from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import Config, claim_workdir
from safefakes_tf.detectors.dsfd.weights_files import load_detector
from safefakes_tf.importers import checkpoints
from safefakes_tf.workdir import DETECTOR_WEIGHTS as WEIGHTS

GENERATOR = "generator.npz"
RECORD = "import.json"
TRIAL_SIDE = 128  # px, of the photo that a detector is tried on


def run(config: Config, workdir: pathlib.Path, model: str, source: str) -> None:
    """Convert a checkpoint, try the network before and after storing it, and tell.

    Args:
        config: `config.model` for a detector; generators take theirs from the file.
        workdir: gets the weights and `import.json`, which says where they are from.
        model: one of `config.IMPORTED_NAMES`.
        source: a checkpoint of the published code, or an `.npz` of name -> array.

    Raises:
        ValueError: if the file is no checkpoint or one of another network; lists
            the names that are missing or not known. Nothing is written then.
    """
    arrays = checkpoints.read(source, model)
    digest = hashlib.sha256(pathlib.Path(source).read_bytes()).hexdigest()

    # === Convert and try ===
    if model == "dsfd":
        network = checkpoints.build_dsfd(arrays, config.model)
    else:
        network, settings = checkpoints.build_generator(model, arrays)
    outputs = _try(network)
    if not all(np.isfinite(output).all() for output in outputs):
        raise ValueError(f"{source} gives a network whose outputs are not finite")

    # === Store ===
    workdir.mkdir(parents=True, exist_ok=True)
    if model == "dsfd":
        claim_workdir(config, workdir)
        path = workdir / WEIGHTS
        network.save_weights(path)
        stored = load_detector(config.model, path)
    else:
        path = workdir / GENERATOR
        origin = f"{pathlib.Path(source).name}, SHA-256 {digest}"
        generator_files.write(
            path, network, generator_files.About(model, settings, origin)
        )
        stored, _ = generator_files.read(path)

    # === Compare and tell ===
    for output, again in zip(outputs, _try(stored), strict=True):
        np.testing.assert_array_equal(again, output)
    trial = [f"mean {output.mean():.6g}, std {output.std():.6g}" for output in outputs]
    record = {
        "model": model,
        "source": pathlib.Path(source).name,
        "source_sha256": digest,
        "parameters": sum(math.prod(v.shape) for v in network.trainable_variables),
        "trial_outputs": trial,
    }
    (workdir / RECORD).write_text(json.dumps(record, indent=2))
    print("\n".join(f"{name}: {value}" for name, value in record.items()))
    print(f"weights: {path}")
    if model == "dsfd":
        print(
            "next:    python main.py --mode=evaluate "
            f"--dataset={config.data.dataset} --workdir={workdir}"
        )


def _try(network: keras.Model) -> list[np.ndarray]:
    """Return a network's outputs for inputs that are the same in every run.

    So that a user can compare them with those of the published programme, they are
    uniform random numbers of NumPy's `default_rng(0)`, input after input by
    name: 0..255 for the detector's photo, 0..1 for all else.
    """
    random = np.random.default_rng(0)
    high = 255.0 if network.name == "dsfd" else 1.0

    def draw(tensor):
        shape = [1, *(side or TRIAL_SIDE for side in tensor.shape[1:])]
        return random.uniform(0.0, high, shape).astype(np.float32)

    inputs = keras.tree.map_structure(draw, network.input)
    outputs = network(inputs, training=False)
    return [np.asarray(output) for output in keras.tree.flatten(outputs)]
