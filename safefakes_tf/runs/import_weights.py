"""--mode=import_weights: published weights, as files that the other modes take."""

import hashlib
import json
import math
import pathlib

import keras
import numpy as np

from safefakes_tf import atomic, printing
from safefakes_tf import workdir as files
from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.config import ImportWeights
from safefakes_tf.config.next_command import command
from safefakes_tf.detectors.dsfd import importer as dsfd_importer
from safefakes_tf.detectors.dsfd.network import build_dsfd
from safefakes_tf.detectors.dsfd.weights import load_detector, save_weights
from safefakes_tf.importers import checkpoints

TRIAL_SIDE = 128  # px, of the photo that a detector is tried on


def run(settings: ImportWeights, workdir: pathlib.Path) -> None:
    """Convert a checkpoint, try the network before and after storing it, and tell.

    Args:
        settings: `network_name` is one of `names.imported()`, `source` a checkpoint of
            the published code or an `.npz` of name -> array, of which `max_gb` are
            read; `model` is of a detector, as generators take theirs from the file.
        workdir: gets the weights and `import.json`, which says where they are from.

    Raises:
        ValueError: if the file is no checkpoint or one of another network; lists
            the names that are missing or not known. Nothing is written then.
    """
    name, source = settings.network_name, pathlib.Path(settings.source)
    is_detector = name == "dsfd"
    importer = dsfd_importer if is_detector else registry.method(name).importer
    arrays = checkpoints.read(source, importer.CONTAINERS, settings.max_gb)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()

    # === Convert and try ===
    if is_detector:
        network = build_dsfd(settings.model)
    else:
        config = importer.config_of(arrays)
        network = registry.method(name).build_generator(config)
    importer.load_reference(network, arrays)
    outputs = _try(network)
    if not all(np.isfinite(output).all() for output in outputs):
        raise ValueError(f"{source} gives a network whose outputs are not finite")

    # === Store ===
    workdir.mkdir(parents=True, exist_ok=True)
    if is_detector:
        files.claim(settings, workdir)
        path = workdir / files.DETECTOR_WEIGHTS
        save_weights(network, path)
        stored = load_detector(settings.model, path)
    else:
        path = workdir / files.GENERATOR
        about = generator_files.About(name, config, f"{source.name}, SHA-256 {digest}")
        generator_files.write(path, network, about)
        stored, _ = generator_files.read(path)

    # === Compare and tell ===
    for output, again in zip(outputs, _try(stored), strict=True):
        np.testing.assert_array_equal(again, output)
    trial = [f"mean {output.mean():.6g}, std {output.std():.6g}" for output in outputs]
    record = {
        "model": name,
        "source": source.name,
        "source_sha256": digest,
        "parameters": sum(math.prod(v.shape) for v in network.trainable_variables),
        "trial_outputs": trial,
    }
    atomic.write_text(workdir / files.IMPORT, json.dumps(record, indent=2))
    for key, value in record.items():
        print(f"{key}: {printing.escaped(str(value))}")
    print(f"weights: {path}")
    if is_detector:
        print(command("evaluate", dataset=settings.data.dataset, workdir=workdir))


def _try(network: keras.Model) -> list[np.ndarray]:
    """Return a network's outputs for inputs that are the same in every run.

    So that a user can compare them with those of the published code, they are
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
