"""--mode=train_anonymizer: train the generator of an anonymizer on unaltered photos."""

import dataclasses
import functools
import pathlib
import random

import keras

from safefakes_tf import precision
from safefakes_tf import workdir as files
from safefakes_tf.anonymizers import generator_files, registry
from safefakes_tf.config import TrainAnonymizer, names, values
from safefakes_tf.config.next_command import next_command
from safefakes_tf.training import loop, strategy
from tfds_builders import beam_flags, face_crops
from tfds_builders import registry as builders


def run(settings: TrainAnonymizer, workdir: pathlib.Path) -> None:
    """Train, going on from the newest checkpoint, and store the generator.

    Args:
        settings: `data.anonymizer` names the method, `network` is of its generator.
        workdir: gets `config.json`, a folder per resolution with `checkpoints/`,
            `metrics.jsonl`, `pictures/`, `tensorboard/` and the `generator.npz` of its
            newest checkpoint, and at the end `generator.npz`.

    Raises:
        ValueError: for a work folder of other settings, absent photos or devices,
            photos without faces that are large enough, or if Beam is not installed or
            has nothing to do.
        training.loop.NonFiniteLoss: if the training diverges.
    """
    # === Work folder and devices ===
    name = settings.data.anonymizer
    values.check_choice(
        "--anonymizer of --mode=train_anonymizer", name, names.generators()
    )
    beam_options = beam_flags.parse(settings.runner, settings.beam_options)
    if beam_options is not None and settings.crops != "stored":
        raise ValueError(
            "--runner=beam cuts faces out once; add --set=crops=stored, or leave it out"
        )
    method = registry.method(name)
    stages = method.stages(settings)
    settings = precision.resolved(settings)
    files.claim(settings, workdir)
    devices = strategy.create(settings.devices)  # first: it may still set up TensorFlow

    # === Unaltered faces ===
    builder = builders.create_source_builder(settings.data)
    if builder.IDENTITIES or not method.needs_identities:
        builders.prepare(builder, "train")
    if method.needs_identities and not builder.identities:
        lacking = builder.without_identities
        advice = "name another --dataset, such as own_faces"
        if lacking:
            advice = "add that, and choose another --data_dir"
        raise ValueError(
            f"{name} learns from photos of known identities, and {builder.name} has "
            f"none{lacking}; {advice}"
        )
    if settings.crops == "stored":
        cutter = _cutter(name, method, settings)
        crops = face_crops.prepare(builder, cutter, beam_options)
        batches = functools.partial(method.stored_batches, settings, crops)
    else:
        layout = method.anonymizer.keypoints
        records = builder.encoded_with_keypoints("train", layout)
        batches = functools.partial(method.batches, settings, records)

    # === Training, stage by stage ===
    keras.mixed_precision.set_global_policy(settings.loop.mixed_precision)
    keras.utils.set_random_seed(settings.seed)
    trainer = None
    for number, stage in enumerate(stages):
        # Each stage goes another way through the photos.
        make_dataset = batches(stage, settings.seed + number)
        with devices.scope():
            trainer = method.trainer(settings, make_dataset(0), stage, trainer)
        steps = -(-stage.examples // settings.loop.global_batch_size)
        limits = dataclasses.replace(settings.loop, total_steps=steps)
        folder = workdir / f"{stage.resolution}px"
        reached = functools.partial(
            _store_reached, trainer, settings, stages, number, folder
        )
        loop.train(trainer, make_dataset, devices, limits, folder, reached)
    if strategy.is_chief(devices):
        _store(trainer, settings, workdir)


def _cutter(name, method, settings):
    if method.cutter is None:
        raise ValueError(
            f"{name} does not learn from stored crops; give --set=crops=on_the_fly"
        )
    return method.cutter(settings)


def _store_reached(trainer, settings, stages, number, folder, step):
    """Store what a training that goes on has reached by a step of a stage."""
    before = sum(stage.examples for stage in stages[:number])
    shown = before + step * settings.loop.global_batch_size
    total = settings.gan.total_images
    # An element of a batch may hold several images.
    images = min(shown * total // sum(stage.examples for stage in stages), total)
    # Keras draws the first weights of a network from it: without this file the next
    # stage would start from others.
    drawn = random.getstate()
    network, generator = trainer.final_generator()
    random.setstate(drawn)
    about = _about(settings, network, images, f"{images:,} of {total:,} images")
    generator_files.write(folder / files.GENERATOR, generator, about)


def _about(settings, network, images, words):
    data = settings.data
    return generator_files.About(
        data.anonymizer,
        network,
        f"trained on {data.dataset}, {words}, seed {settings.seed}",
        settings.gan.demonstration,
        images,
    )


def _store(trainer, settings, workdir):
    data = settings.data
    path = workdir / files.GENERATOR
    total = settings.gan.total_images
    network, generator = trainer.final_generator()
    about = _about(settings, network, total, f"{total:,} images")
    generator_files.write(path, generator, about)
    print(f"weights: {path}")
    print(f"samples: {workdir}/*/{files.IMAGE_SUMMARIES}")
    print(f"losses:  {workdir}/*/{files.METRICS}; tensorboard --logdir {workdir}")
    print(next_command("build_dataset", data, weights=str(path)))
