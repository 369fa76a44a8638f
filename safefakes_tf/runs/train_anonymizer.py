"""--mode=train_anonymizer: train the generator of an anonymizer on unaltered photos."""

import dataclasses
import pathlib

import keras

from safefakes_tf import faces
from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.config import GENERATOR_NAMES, Config, check_choice, claim_workdir
from safefakes_tf.runs import build_dataset
from safefakes_tf.runs.import_weights import GENERATOR
from safefakes_tf.runs.next_command import next_command
from safefakes_tf.training import loop, strategy
from tfds_builders import builder as builders


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
    name = config.data.anonymizer
    check_choice("--anonymizer of --mode=train_anonymizer", name, GENERATOR_NAMES)
    method = registry.method(name)
    stages = method.stages(config)
    claim_workdir(config, workdir)
    devices = strategy.create(config.devices)  # first: it may still set up TensorFlow

    # === Unaltered faces ===
    builder = builders.create_source_builder(config.data)
    if method.needs_identities and faces.IDENTITY not in builder.info.features:
        raise ValueError(
            f"{name} learns from photos of known identities; got a data set without: "
            "name another --dataset"
        )
    build_dataset.prepare(builder)
    records = builder.encoded_with_keypoints("train")

    # === Training, stage by stage ===
    keras.mixed_precision.set_global_policy(config.loop.mixed_precision)
    keras.utils.set_random_seed(config.seed)
    trainer = None
    for number, stage in enumerate(stages):
        # Each stage goes another way through the photos.
        make_dataset = method.batches(config, records, stage, config.seed + number)
        with devices.scope():
            trainer = method.create_trainer(config, make_dataset(0), stage, trainer)
        steps = -(-stage.examples // config.loop.global_batch_size)
        limits = dataclasses.replace(config.loop, total_steps=steps)
        folder = workdir / f"{stage.resolution}px"
        loop.train(trainer, make_dataset, devices, limits, folder)
    if strategy.is_chief(devices):
        _store(trainer.final_generator(), config, workdir)


def _store(generator, config, workdir):
    data = config.data
    path = workdir / GENERATOR
    about = generator_files.About(
        data.anonymizer,
        getattr(config, data.anonymizer),
        f"trained on {data.dataset}, {config.gan.total_images:,} images, "
        f"seed {config.seed}",
        config.gan.demonstration,
    )
    generator_files.write(path, generator, about)
    print(f"weights: {path}")
    print(f"samples: {workdir}/*/{loop.PICTURES}")
    print(f"losses:  {workdir}/*/{loop.METRICS}; tensorboard --logdir {workdir}")
    print(next_command("build_dataset", data, weights=str(path)))
