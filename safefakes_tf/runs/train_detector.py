"""--mode=train_detector: train DSFD on a data set behind an anonymizer."""

import hashlib
import pathlib

import keras
import tensorflow as tf

from safefakes_tf import precision
from safefakes_tf import workdir as files
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import TrainDetector
from safefakes_tf.config.next_command import command
from safefakes_tf.detectors.dsfd import input as detection
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.detectors.dsfd.weights import save_weights
from safefakes_tf.training import loop, strategy, threads
from tfds_builders import registry as builders


def run(settings: TrainDetector, workdir: pathlib.Path) -> None:
    """Train, going on from the newest checkpoint, and store the weights.

    Args:
        settings: of the mode.
        workdir: gets `config.json`, `checkpoints/`, `metrics.jsonl`, `tensorboard/` and
            at the end `detector.weights.h5`.

    Raises:
        ValueError: for a work folder of other settings, absent photos or devices.
        training.loop.NonFiniteLoss: if the training diverges.
    """
    # === Work folder and devices ===
    settings = precision.resolved(settings)
    files.claim(settings, workdir)
    threads.set_up(settings)
    devices = strategy.create(settings.devices)  # first: it may still set up TensorFlow

    # === Photos behind the anonymizer ===
    records, anonymizer = _training_records(settings)

    def make_dataset(position):
        return detection.training_dataset(
            records,
            settings.augmentation,
            settings.model.input_size,
            settings.loop.global_batch_size,
            settings.seed,
            position,
            anonymizer,
        )

    # === Model and optimizer ===
    keras.mixed_precision.set_global_policy(settings.loop.mixed_precision)
    keras.utils.set_random_seed(settings.seed)
    with devices.scope():
        trainer = DetectorTrainer(settings, make_dataset(0))

    # === Training ===
    loop.train(trainer, make_dataset, devices, settings.loop, workdir)
    model = trainer.final_model()
    # Every worker prints it: the workers of a cluster must agree.
    print(f"weights' SHA-256: {_digest(model)}", flush=True)
    if strategy.is_chief(devices):
        save_weights(model, workdir / files.DETECTOR_WEIGHTS)
        _print_next(workdir)


def _training_records(settings: TrainDetector) -> tuple[tf.data.Dataset, object | None]:
    """Return the training records, and the anonymizer where it works on the fly."""
    if settings.data.anonymize == "on_the_fly":
        builder = builders.create_source_builder(settings.data)
        anonymizer = registry.create(
            settings.data.anonymizer,
            settings.data.anonymization,
            settings.seed,
            builder.keypoint_layout,
        )
    else:
        builder = builders.create_builder(settings.data, settings.seed)
        anonymizer = None
    builders.prepare(builder, "train")
    if anonymizer is not None and anonymizer.keypoints is not None:
        return builder.encoded_with_keypoints("train"), anonymizer
    return builder.numbered("train"), anonymizer


def _digest(model):
    return hashlib.sha256(
        b"".join(w.tobytes() for w in model.get_weights())
    ).hexdigest()


def _print_next(workdir):
    print(f"weights: {workdir / files.DETECTOR_WEIGHTS}")
    print(f"losses:  {workdir / files.METRICS}; tensorboard --logdir {workdir}")
    print(command("evaluate", workdir=workdir))  # settings are those of the folder
