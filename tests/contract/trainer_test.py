"""What every trainer must do: learn, resume exactly, and split over replicas."""

import dataclasses
import functools
import gc
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import tiny
from safefakes_tf.anonymizers import registry
from safefakes_tf.anonymizers.ciagan.trainer import DISCRIMINATOR_PAIRS
from safefakes_tf.config import adapt, apply_overrides
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.training import loop, steps, strategy
from safefakes_tf.training.batches import FaceBatch, PairBatch, PhotoBatch, Positioned

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_traced", "steps_traced_once", "shallow"),
]
SIDE, BATCH = 64, 4
# One step of CIAGAN's generator: three take long to trace.
PAIRS = DISCRIMINATOR_PAIRS + 1
# A rate so low that differences of rounding do not grow from step to step: they would,
# as soon as they switch a unit on or off.
SLOW = 1e-8
# The detector's rate is a part of its step; from this step on it is the slow one.
SLOW_FROM = 1000
NETWORKS = {
    "sun2018": ("width=4", "resolution=16"),
    "deepprivacy": ("channels=16", "resolution=8"),
    "ciagan": (
        "width_multiplier=0.0625",
        "discriminator_width_multiplier=0.0625",
        "resolution=8",
        "num_identities=3",
    ),
}


def detector_config(**settings):
    return apply_overrides(
        adapt(tiny.get_config(), "train_detector"),
        [
            f"loop.global_batch_size={BATCH}",
            "loop.image_summary_every=30",
            "optimizer.kind=sgd",
            "optimizer.learning_rate=1e-2",
            f"optimizer.decay_steps={','.join([str(SLOW_FROM)] * 6)}",
            "optimizer.warmup_steps=0",
            "optimizer.clip_norm=0.5",
            "optimizer.ema=0.9",
            *(f"{name}={value}" for name, value in settings.items()),
        ],
    )


def detector_batches(position):
    """Noise with bright squares as faces; photo n depends on n only."""

    def example(n):
        def draw(seed):
            return tf.random.stateless_uniform([], tf.stack([n, seed]))

        side = 0.2 + 0.3 * draw(0)
        top, left = draw(1) * (1 - side), draw(2) * (1 - side)
        box = tf.stack([top, left, top + side, left + side])
        grid = (tf.range(SIDE, dtype=tf.float32) + 0.5) / SIDE
        inside = ((grid > top) & (grid < top + side))[:, None]
        inside &= ((grid > left) & (grid < left + side))[None]
        noise = tf.random.stateless_uniform([SIDE, SIDE, 3], tf.stack([n, 3]), 0, 60)
        batch = PhotoBatch(
            image=tf.cast(noise + tf.where(inside, 180.0, 0.0)[..., None], tf.uint8),
            boxes=tf.pad(box[None], [[0, 15], [0, 0]]),
            num_boxes=tf.where(n % 5 == 4, 0, 1),  # some photos have no face left
        )
        return Positioned(batch, n)

    return tf.data.Dataset.counter(position).map(example).batch(BATCH)


def generator_config(name, rate=1e-3, **settings):
    return apply_overrides(
        adapt(tiny.get_config(), "train_anonymizer"),
        [
            f"data.anonymizer={name}",
            f"loop.global_batch_size={BATCH}",
            "loop.image_summary_every=30",
            f"gan.generator_learning_rate={rate}",
            f"gan.discriminator_learning_rate={rate}",
            *(f"network.{field}" for field in NETWORKS[name]),
            *(f"{name}={value}" for name, value in settings.items()),
        ],
    )


def generator_batches(position, side, num_points):
    """Stripes behind a hidden box; face n depends on n only."""

    def example(n):
        seed = tf.stack([tf.constant(0, tf.int64), n])
        period = tf.random.stateless_uniform([], seed, 4.0, 16.0)
        wave = tf.sin(tf.range(side, dtype=tf.float32) * 6.3 / period)
        image = tf.tile(wave[:, None, None], [1, side, 3])
        inside = np.zeros([side, side, 1], np.float32)
        inside[side // 4 : side // 2, side // 4 : side // 2] = 1
        batch = FaceBatch(
            image=image,
            condition=image * (1 - inside),
            mask=tf.constant(inside),
            box=tf.constant([side // 4, side // 4, side // 2, side // 2]),
            points=tf.random.stateless_uniform([num_points, 2], seed),
            seed=seed,
        )
        return Positioned(batch, n)

    return tf.data.Dataset.counter(position).map(example).batch(BATCH)


def pair_batches(position, side=8):
    """Pairs of stripes; element n depends on n only."""
    dtype = keras.config.dtype_policy().variable_dtype

    def example(n):
        def draw(number, *shape):
            return tf.random.stateless_uniform(
                shape, tf.stack([n, number]), 0, 1, dtype
            )

        wave = tf.sin(tf.range(side, dtype=dtype) / (2 + 4 * draw(0, PAIRS, 1)))
        face = tf.tile(wave[:, :, None, None] / 2 + 0.5, [1, 1, side, 3])
        mask = np.zeros([PAIRS, side, side, 1], dtype)
        mask[:, side // 4 : side // 2, side // 4 : side // 2] = 1
        batch = PairBatch(
            face=face,
            other_face=1 - face,
            landmarks=draw(1, PAIRS, side, side, 3),
            mask=tf.constant(mask),
            identity=tf.cast(3 * draw(2, PAIRS), tf.int64),
            num_identities=tf.fill([PAIRS], np.int64(3)),
            same=tf.round(draw(3, PAIRS)),
            seed=tf.stack([tf.zeros(PAIRS, tf.int64), PAIRS * n + np.arange(PAIRS)], 1),
        )
        return Positioned(batch, n)

    return tf.data.Dataset.counter(position).map(example).batch(BATCH)


def create_generator_trainer(settings, dataset, fade_examples=0):
    stage = registry.Stage(settings.network.resolution, 1000, fade_examples)
    method = registry.method(settings.data.anonymizer)
    return method.trainer(settings, dataset, stage, None)


BATCHES = {
    "sun2018": functools.partial(generator_batches, side=16, num_points=68),
    "deepprivacy": functools.partial(generator_batches, side=8, num_points=7),
    "ciagan": pair_batches,
}
CREATE = dict.fromkeys(NETWORKS, create_generator_trainer)
# A resume at the fifth step is a part of the way between two resolutions.
CREATE["deepprivacy"] = functools.partial(create_generator_trainer, fade_examples=20)
TRAINERS = {"detector": (DetectorTrainer, detector_config, detector_batches)} | {
    name: (
        CREATE[name],
        functools.partial(generator_config, name),
        BATCHES[name],
    )
    for name in NETWORKS
}


# A norm takes away what the bias before it adds, and the shift of another norm if only
# convolutions lie between: their gradients are rounding and no more.
WITHOUT_GRADIENT = re.compile(
    r"discriminator.*/conv[234](/|_)bias"
    r"|generator.*(encoder_\d_(r2|l)|decoder_\d_(r1|r2|l)|fuse|residual_\d_\d)(/|_)bias"
    r"|generator.*(encoder_\d|identity_conv_2|fuse|decoder_\d)_norm(/|_)beta"
    r"|generator.*residual_\d_norm2(/|_)beta"
)
# CIAGAN norms maps of 4 x 4 pixels, and small batches of them, again and again. That
# costs float32 most of its digits, and what is left depends on the number of threads.
PRECISIONS = {"ciagan": "float64"}
# By which an optimizer goes: the first that a trainer has. Discriminators learn first,
# as those that know nothing have little to say to a generator.
LOSSES = {
    "optimizer": ("total",),
    "discriminator_optimizer": ("discriminator", "total"),
    "critic_optimizer": ("critic",),
    "identity_optimizer": ("identity_network",),
    "generator_optimizer": ("generator", "total"),
}
TOLERANCES = {"float32": 3e-5, "float64": 1e-9}


@pytest.fixture(scope="module", params=TRAINERS)
def name(request):
    """Let all tests of one method run in turn, then free its graphs."""
    yield request.param
    untrained.cache_clear()
    steps.make_step.cache_clear()
    steps.Calls.cache_clear()
    gc.collect()


@pytest.fixture
def method(name):
    keras.config.set_dtype_policy(PRECISIONS.get(name, "float32"))
    yield TRAINERS[name]
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def steps_traced_once():
    """Keep a trainer's step from one training to the next, as tracing takes longest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "make_step", functools.cache(steps.make_step))
        patch.setattr(steps, "Calls", functools.cache(steps.Calls))
        yield
    untrained.cache_clear()


@functools.cache
def untrained(create, make_config, batches, devices, **settings):
    """Return a trainer, its start values, its strategy and its configuration."""
    config = make_config(**settings)
    distribution = strategy.create(devices)
    keras.utils.set_random_seed(config.seed)
    with distribution.scope():
        trainer = create(config, batches(0))
    return trainer, values_of(trainer), distribution, config


def train(
    method,
    workdir,
    total_steps,
    devices="cpu",
    make_batches=None,
    rate=None,
    only=None,
    start=None,
    **settings,
):
    """Return the trainer's values after so many steps, or more from a checkpoint.

    With `only`, the name of an optimizer, the others do not move their networks. With
    `start`, such values, training goes on from them.

    What a checkpoint lacks would live on in a trainer that is used again; see
    `test_a_checkpoint_holds_every_variable_of_a_step`.
    """
    trainer, untouched, distribution, config = untrained(*method, devices, **settings)
    halfway = (total_steps + 1) // 2
    limits = dataclasses.replace(
        config.loop, total_steps=total_steps, checkpoint_every=halfway
    )
    for variable, value in zip(
        variables_of(trainer).values(), (start or untouched).values(), strict=True
    ):
        variable.assign(value)
    if rate and method == TRAINERS["detector"]:
        trainer.items["optimizer"].iterations.assign(SLOW_FROM)
    elif rate:
        for name, item in trainer.items.items():
            if name.endswith("optimizer"):
                item.learning_rate = rate
    for name, item in trainer.items.items():
        if only and name.endswith("optimizer") and name != only:
            item.learning_rate = 0
    make_batches = make_batches or method[2]
    loop.train(trainer, make_batches, distribution, limits, workdir)
    assert_replicas_agree(trainer, distribution)
    return values_of(trainer)


def variables_of(trainer):
    """Return the TensorFlow variables of all items."""
    return {
        f"{name}/{number}/{_without_counter(variable)}": _tensorflow_variable(variable)
        for name, item in trainer.items.items()
        for number, variable in enumerate(item.variables)
    }


def assert_replicas_agree(trainer, distribution):
    """Each replica has a copy of every variable."""
    for name, variable in variables_of(trainer).items():
        first, *others = distribution.experimental_local_results(variable)
        for other in others:
            np.testing.assert_array_equal(first, other, err_msg=name)


def values_of(trainer):
    items = variables_of(trainer).items()
    return {name: np.array(variable) for name, variable in items}


def _without_counter(variable):
    """Return a variable's path; Keras numbers the optimizers of a process."""
    path = getattr(variable, "path", variable.name)
    return path.split("/", 1)[1] if path.startswith("adam") else path


def _tensorflow_variable(variable):
    return variable.value if isinstance(variable, keras.Variable) else variable


def assert_equal(left, right):
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)


def test_each_loss_falls_on_a_fixed_batch(name, method, tmp_path):
    """One network learns at a time: where two play, one may well lose."""
    if name == "deepprivacy":  # what is being faded in is not fixed
        method = (create_generator_trainer, *method[1:])
    same = method[2](0).take(1).repeat()
    optimizers = [name for name in untrained(*method, "cpu")[0].items if name in LOSSES]
    rate = None if method == TRAINERS["detector"] else 1e-3
    values = None
    for name in sorted(optimizers, key=list(LOSSES).index):
        folder = tmp_path / name
        values = train(
            method,
            folder,
            30,
            make_batches=lambda position: same,
            rate=rate,
            only=name,
            start=values,
        )
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        assert len(lines) == 30
        first, last = (json.loads(lines[number]) for number in (0, -1))
        loss = next(loss for loss in LOSSES[name] if loss in first)
        assert last[loss] < first[loss] - 0.1 * abs(first[loss]), name


def test_ciagans_losses_are_weighed_as_the_configuration_says():
    create, make_config, batches = TRAINERS["ciagan"]
    trainer = create(make_config(**{"gan.identity_weight": 50}), batches(0))
    batch, _ = next(iter(batches(0)))
    losses = {name: float(loss) for name, loss in trainer.train_step(batch).items()}
    expected = losses["adversarial"] + 50 * losses["identity"]
    assert losses["total"] == pytest.approx(expected, rel=1e-6)
    assert losses["total"] != pytest.approx(losses["adversarial"], rel=1e-2), losses


def test_deepprivacy_grows_with_its_average():
    """The optimizers of each stage start anew; the average goes on."""
    config = generator_config("deepprivacy", rate=1e-2)
    make_batches = BATCHES["deepprivacy"]
    stages = [registry.Stage(side, 1000, fade) for side, fade in ((8, 0), (16, 1000))]
    method = registry.method("deepprivacy")
    small = method.trainer(config, make_batches(0), stages[0], None)
    for average in small.items["generator_ema"].averages:
        average.assign_add(tf.ones_like(average))
    data = make_batches(0, side=16)
    large = method.trainer(config, data, stages[1], small)
    names = [weight.path for weight in large.items["generator"].trainable_variables]
    shared = names.index(next(name for name in names if "encoder_4_1/kernel" in name))
    before = [each.numpy() for each in large.items["generator_ema"].averages]
    large.train_step(next(iter(data)).batch)
    weight = large.items["generator"].trainable_variables[shared].numpy()
    average = large.items["generator_ema"].averages[shared].numpy()
    momentum = large.items["generator_ema"].momentum
    expected = momentum * before[shared] + (1 - momentum) * weight
    np.testing.assert_allclose(average, expected, rtol=1e-5)
    assert np.abs(average - weight).min() > 0.9


@pytest.mark.parametrize("devices", ["cpu", "cpu:2"])
def test_ten_steps_are_five_and_five_resumed_to_the_bit(
    method, devices, tmp_path, capsys
):
    whole = train(method, tmp_path, 10, devices, rate=SLOW)
    # As if the run had been killed after the checkpoint of step 5.
    tf.compat.v1.train.update_checkpoint_state(
        str(tmp_path / "checkpoints"), str(tmp_path / "checkpoints" / "ckpt-5")
    )
    assert_equal(whole, train(method, tmp_path, 10, devices, rate=SLOW))
    assert "resuming at step 5" in capsys.readouterr().out


def test_a_checkpoint_holds_every_variable_of_a_step(method):
    trainer, _, distribution, _ = untrained(*method, "cpu")
    step = steps.make_step(trainer, distribution, False)
    batch, _ = next(iter(method[2](0)))
    batch = steps.distribute(batch, distribution, BATCH)
    used = step.get_concrete_function(batch).graph.variables
    stored = {variable.ref() for variable in variables_of(trainer).values()}
    assert len(used) > 10
    assert {variable.ref() for variable in used} <= stored


def test_several_steps_need_one_trace(method):
    """Also where photos have other numbers of faces, up to a full bucket of boxes."""
    trainer, _, distribution, _ = untrained(*method, "cpu")
    step = steps.make_step(trainer, distribution, False)
    counts = []
    for batch, position in method[2](0).take(4):
        if method == TRAINERS["detector"]:
            batch = batch._replace(
                boxes=tf.repeat(batch.boxes[:, :1], 16, axis=1),
                num_boxes=tf.cast(position, tf.int32),
            )
        step(steps.distribute(batch, distribution, BATCH))
        counts.append(step.experimental_get_tracing_count())
    assert len(set(counts)) == 1


def test_two_replicas_equal_one_device_on_the_same_batches(method, tmp_path):
    """Also where gradients are clipped, or a resolution is faded in."""
    one = train(method, tmp_path / "one", 5, "cpu", rate=SLOW)
    two = train(method, tmp_path / "two", 5, "cpu:2", rate=SLOW)
    tolerance = TOLERANCES[keras.config.dtype_policy().name]
    for name, value in one.items():
        if WITHOUT_GRADIENT.match(name):
            continue
        error = np.abs(value - two[name]).max()
        assert error <= tolerance * np.abs(value).max() + 1e-9, name


@pytest.mark.usefixtures("steps_untraced")
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_keeps_float32_weights(method, precision, tmp_path):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(precision)
        values = train(method, tmp_path, 3, **{"loop.mixed_precision": precision})
    finally:
        keras.config.set_dtype_policy(before)
    assert all(np.isfinite(value).all() for value in values.values())
    weights = [value for name, value in values.items() if "optimizer" not in name]
    assert {v.dtype for v in weights} == {np.dtype("float32")}
