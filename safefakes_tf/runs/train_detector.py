"""--mode=train_detector: train DSFD on a data set behind an anonymizer."""

import hashlib
import pathlib

import keras
import tensorflow as tf

from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import Config, claim_workdir
from safefakes_tf.detectors.dsfd import input as detection
from safefakes_tf.detectors.dsfd import network as dsfd
from safefakes_tf.detectors.dsfd import random_initialization, vgg16
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.training import loop, optimizers, strategy
from safefakes_tf.workdir import DETECTOR_WEIGHTS as WEIGHTS
from tfds_builders import registry as builders


def run(config: Config, workdir: pathlib.Path) -> None:
    """Train, going on from the newest checkpoint, and store the weights.

    Args:
        config: all settings.
        workdir: gets `config.json`, `checkpoints/`, `metrics.jsonl`, `tensorboard/` and
            at the end `detector.weights.h5`.

    Raises:
        ValueError: for a work folder of other settings, absent photos or devices.
        training.loop.NonFiniteLoss: if the training diverges.
    """
    # === Work folder and devices ===
    claim_workdir(config, workdir)
    devices = strategy.create(config.devices)  # first: it may still set up TensorFlow

    # === Photos behind the anonymizer ===
    records, anonymizer = _training_records(config)

    def make_dataset(position):
        return detection.training_dataset(
            records,
            config.augmentation,
            config.model.input_size,
            config.loop.global_batch_size,
            config.seed,
            position,
            anonymizer,
        )

    # === Model and optimizer ===
    keras.mixed_precision.set_global_policy(config.loop.mixed_precision)
    keras.utils.set_random_seed(config.seed)
    with devices.scope():
        trainer = create_trainer(config, make_dataset(0))

    # === Training ===
    loop.train(trainer, make_dataset, devices, config.loop, workdir)
    model = trainer.final_model()
    # Every worker prints it: the workers of a cluster must agree.
    print(f"weights' SHA-256: {_digest(model)}", flush=True)
    if strategy.is_chief(devices):
        model.save_weights(workdir / WEIGHTS)
        _print_next(workdir)


def create_trainer(config: Config, batches: tf.data.Dataset) -> DetectorTrainer:
    """Return the trainer of a new model with its start weights; call under a scope.

    Args:
        config: of the run.
        batches: training data; the first photos scale a model that starts random.
    """
    model = dsfd.build_dsfd(config.model)
    found, origin = vgg16.initialise(model, config.model, config.init_weights)
    if not found:
        random_initialization.fit_to_photos(model, next(iter(batches))["image"])
    print(f"start weights: {origin}", flush=True)
    optimizer = optimizers.create(config.optimizer)
    if config.loop.mixed_precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return DetectorTrainer(model, optimizer, config)


def _training_records(config: Config) -> tuple[tf.data.Dataset, object | None]:
    """Return the training records, and the anonymizer where it works on the fly."""
    if config.data.anonymize == "on_the_fly":
        builder = builders.create_source_builder(config.data)
        anonymizer = anonymizers.create(
            config.data.anonymizer, config.data.anonymization, config.seed
        )
    else:
        builder = builders.create_builder(config.data, config.seed)
        anonymizer = None
    builders.prepare(builder)
    if anonymizer is not None and anonymizer.keypoints is not None:
        return builder.encoded_with_keypoints("train"), anonymizer
    return builder.encoded("train"), anonymizer


def _digest(model):
    return hashlib.sha256(
        b"".join(w.tobytes() for w in model.get_weights())
    ).hexdigest()


def _print_next(workdir):
    print(f"weights: {workdir / WEIGHTS}")
    print(f"losses:  {workdir / loop.METRICS}; tensorboard --logdir {workdir}")
    # The settings are those of the folder.
    print(f"next:    python main.py --mode=evaluate --workdir={workdir}")
