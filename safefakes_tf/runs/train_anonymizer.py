"""--mode=train_anonymizer: train the generator of an anonymizer on unaltered photos."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from safefakes_tf.anonymizers import face_crops as crops
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.anonymizers.ciagan import network as ciagan
from safefakes_tf.anonymizers.ciagan import pairs
from safefakes_tf.anonymizers.ciagan.trainer import JUDGES_PAIRS, CiaganTrainer
from safefakes_tf.anonymizers.deepprivacy import growth
from safefakes_tf.anonymizers.deepprivacy import network as deepprivacy
from safefakes_tf.anonymizers.deepprivacy.trainer import (
    DeepPrivacyTrainer,
    running_average_momentum,
)
from safefakes_tf.anonymizers.sun2018 import network as sun2018
from safefakes_tf.anonymizers.sun2018.trainer import Sun2018Trainer
from safefakes_tf.config import GENERATOR_NAMES, Config, check_choice, claim_workdir
from safefakes_tf.config.next_command import next_command
from safefakes_tf.runs.import_weights import GENERATOR
from safefakes_tf.training import loop, optimizers, strategy
from tfds_builders import registry as builders

NUM_SAMPLES = 8  # faces, the same all along, on which pictures show the progress
MakeDataset = Callable[[int], tf.data.Dataset]  # from a position in the stream on


def run(config: Config, workdir: pathlib.Path) -> None:
    """Train, going on from the newest checkpoint, and store the generator.

    Args:
        config: all settings; `data.anonymizer` names the method.
        workdir: gets `config.json`, a folder per resolution with `checkpoints/`,
            `metrics.jsonl`, `pictures/` and `tensorboard/`, and `generator.npz`.

    Raises:
        ValueError: for a work folder of other settings, absent photos or devices, or
            photos without faces that are large enough.
        training.loop.NonFiniteLoss: if the training diverges.
    """
    # === Work folder and devices ===
    method = config.data.anonymizer
    check_choice("--anonymizer of --mode=train_anonymizer", method, GENERATOR_NAMES)
    stages = _stages(config)
    claim_workdir(config, workdir)
    devices = strategy.create(config.devices)  # first: it may still set up TensorFlow

    # === Unaltered faces ===
    builder = builders.create_source_builder(config.data)
    if method == "ciagan":
        pairs.require_identities(builder.info.features)
    builders.prepare(builder)
    records = builder.encoded_with_keypoints("train")

    batches = METHODS[method].batches(config, records)

    # === Training, stage by stage ===
    keras.mixed_precision.set_global_policy(config.loop.mixed_precision)
    keras.utils.set_random_seed(config.seed)
    trainer = None
    images_per_step = config.loop.global_batch_size * _images_per_element(config)
    for number, stage in enumerate(stages):
        folder = workdir / f"{stage.resolution}px"
        make_dataset = batches(stage, number)
        with devices.scope():
            trainer = METHODS[method].create(config, make_dataset(0), stage, trainer)
        steps = -(-stage.images // images_per_step)
        limits = dataclasses.replace(config.loop, total_steps=steps)
        loop.train(trainer, make_dataset, devices, limits, folder)
    if strategy.is_chief(devices):
        _store(trainer.final_generator(), config, workdir)


def _images_per_element(config):
    """Return how many images the elements of a batch show: CIAGAN's, all of a round."""
    if config.data.anonymizer == "ciagan":
        return JUDGES_PAIRS + config.gan.generator_steps
    return 1


def _stages(config):
    method, gan = config.data.anonymizer, config.gan
    phase = gan.phase_images if method == "deepprivacy" else 0
    return growth.stages(getattr(config, method).resolution, gan.total_images, phase)


def squares_of_faces(config: Config, records: tf.data.Dataset):
    """Return a function: stage and its number -> a `MakeDataset` of `data.crops`.

    Each stage goes another way through the photos.
    """
    method = config.data.anonymizer
    network = getattr(config, method)

    def of_stage(stage: growth.Stage, number: int) -> MakeDataset:
        return functools.partial(
            crops.training_dataset,
            records,
            anonymizers.ANONYMIZERS[method].keypoints,
            stage.resolution,
            network.resolution,
            network.fill,
            config.loop.global_batch_size,
            config.seed + number,
        )

    return of_stage


def pairs_of_faces(config: Config, records: tf.data.Dataset):
    """Return a function: stage and its number -> a `MakeDataset` of `data.pairs`."""
    cuttings = pairs.collect(records, config.ciagan)
    batch_size = config.loop.global_batch_size
    make_dataset = functools.partial(
        pairs.training_dataset,
        cuttings,
        config.ciagan,
        _images_per_element(config),
        batch_size,
        config.seed,
    )
    return lambda stage, number: make_dataset


def create_sun2018(
    config: Config,
    batches: tf.data.Dataset,
    stage: growth.Stage | None = None,
    before: Sun2018Trainer | None = None,
) -> Sun2018Trainer:
    """Return the trainer of new networks; call under a scope.

    Args:
        config: of the run.
        batches: training data; the first faces are the samples.
        stage, before: not used, as there is one stage only.
    """
    return Sun2018Trainer(
        sun2018.build_generator(config.sun2018),
        sun2018.build_discriminator(config.sun2018),
        _adam(config, config.gan.generator_learning_rate, betas=(0.5, 0.999)),
        _adam(config, config.gan.discriminator_learning_rate, betas=(0.5, 0.999)),
        _samples(batches),
    )


def create_deepprivacy(
    config: Config,
    batches: tf.data.Dataset,
    stage: growth.Stage,
    before: DeepPrivacyTrainer | None = None,
) -> DeepPrivacyTrainer:
    """Return the trainer of the networks of a stage; call under a scope.

    Args:
        config: of the run.
        batches: training data of the stage; the first faces are the samples.
        stage: its resolution, and whether that is faded in.
        before: of the stage before, from which the networks grow.
    """
    network = dataclasses.replace(config.deepprivacy, resolution=stage.resolution)
    fading = stage.fade_images > 0
    generator = deepprivacy.build_generator(network, fading)
    discriminator = deepprivacy.build_discriminator(network, fading)
    average = deepprivacy.build_generator(network, fading)
    if before is not None:
        deepprivacy.grow(before.items["generator"], generator)
        deepprivacy.grow(before.items["discriminator"], discriminator)
    average.set_weights(generator.get_weights())
    if before is not None:  # its new layers start as the generator's
        deepprivacy.grow(before.final_generator(), average)
    batch_size = config.loop.global_batch_size
    momentum = running_average_momentum(batch_size)
    return DeepPrivacyTrainer(
        generator,
        discriminator,
        _adam(config, config.gan.generator_learning_rate, (0.0, 0.99), momentum),
        _adam(config, config.gan.discriminator_learning_rate, (0.0, 0.99)),
        average,
        _samples(batches),
        config.deepprivacy,
        batch_size,
        stage.fade_images,
    )


def create_ciagan(
    config: Config,
    batches: tf.data.Dataset,
    stage: growth.Stage | None = None,
    before: CiaganTrainer | None = None,
) -> CiaganTrainer:
    """Return the trainer of new networks; call under a scope.

    Args:
        config: of the run.
        batches: training data; the first faces are the samples.
        stage, before: not used, as there is one stage only.
    """
    rates = (
        config.gan.generator_learning_rate,
        *[config.gan.discriminator_learning_rate] * 2,
    )
    return CiaganTrainer(
        ciagan.build_generator(config.ciagan),
        ciagan.build_critic(config.ciagan),
        ciagan.build_identity_network(config.ciagan),
        *(_adam(config, rate, betas=(0.5, 0.999)) for rate in rates),
        _samples(batches),
        config.gan.identity_weight,
    )


class Method(NamedTuple):
    """How a generator is trained.

    Attributes:
        create: makes the trainer of a stage.
        batches: makes its data.
    """

    create: Callable
    batches: Callable


METHODS = {
    "sun2018": Method(create_sun2018, squares_of_faces),
    "deepprivacy": Method(create_deepprivacy, squares_of_faces),
    "ciagan": Method(create_ciagan, pairs_of_faces),
}


def _adam(config, rate, betas, average=None):
    """Return Adam; with `average`, one that keeps a running average of the weights."""
    optimizer = optimizers.Adam(
        rate,
        *betas,
        epsilon=1e-8,
        **optimizers.running_average(average),
    )
    if config.loop.mixed_precision == "mixed_float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _samples(batches):
    faces = next(iter(batches.unbatch().batch(NUM_SAMPLES)))
    return {name: value for name, value in faces.items() if name != crops.POSITION}


def _store(generator, config, workdir):
    method, data = config.data.anonymizer, config.data
    path = workdir / GENERATOR
    about = generator_files.About(
        method,
        getattr(config, method),
        f"trained on {data.dataset}, {config.gan.total_images:,} images, "
        f"seed {config.seed}",
        config.gan.demonstration,
    )
    generator_files.write(path, generator, about)
    print(f"weights: {path}")
    print(f"samples: {workdir}/*/{loop.PICTURES}")
    print(f"losses:  {workdir}/*/metrics.jsonl; tensorboard --logdir {workdir}")
    print(next_command("build_dataset", data, weights=str(path)))
