"""Trainings that version 0.4.0 began; a detector goes on in version_0_4_0_test.py.

Source of the files: tests/fixtures/v0_4_0/README.md.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import workdir
from safefakes_tf.config import store
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.runs import train_anonymizer
from safefakes_tf.training import loop, strategy
from safefakes_tf.training.batches import PhotoBatch, Positioned

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("steps_untraced")]
OLD = pathlib.Path(__file__).parents[1] / "fixtures" / "v0_4_0"
# Another processor rounds otherwise; on that of the fixtures, all but the detector's
# weights are the same to the bit. Its Adam was Keras' own then.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}
# DeepPrivacy's noise was drawn otherwise then. Two steps are left, each of about Adam's
# rate, 1.5e-3, and the average takes 1.4e-4 of each.
OTHER_NOISE = {"rtol": 1e-4, "atol": 3e-6}


@pytest.fixture
def settings_of(tmp_path):
    """Return a function: folder, mode -> a copy of the folder, and its settings."""
    data = shutil.copytree(OLD / "derived", tmp_path / "derived")

    def copy(folder, mode):
        copied = shutil.copytree(OLD / folder, tmp_path / "run")
        config = copied / workdir.CONFIG
        values = json.loads(config.read_text())
        values["data"]["data_dir"] = str(data)
        config.write_text(json.dumps(values))
        return copied, store.read(config, mode)

    return copy


def test_a_detector_is_restored_with_its_averages_and_moments(settings_of):
    folder, settings = settings_of("interrupted", "train_detector")
    side = settings.model.input_size
    image = tf.zeros([1, side, side, 3], tf.uint8)
    photos = PhotoBatch(image, tf.zeros([1, 16, 4]), [0])
    trainer = DetectorTrainer(
        settings, tf.data.Dataset.from_tensors(Positioned(photos, [0]))
    )
    progress = loop._Progress(trainer, strategy.create("cpu"), folder)
    assert progress.restore() == 2
    stored = tf.train.load_checkpoint(
        tf.train.latest_checkpoint(folder / "checkpoints")
    )

    def value(number):
        name = f"optimizer/_variables/{number}/.ATTRIBUTES/VARIABLE_VALUE"
        return stored.get_tensor(name)

    averages = trainer.items["ema"].averages
    _, *moments = trainer.items["optimizer"].variables
    assert len(moments) == 2 * len(averages)
    for number, variable in enumerate([*averages, *moments], start=1):
        np.testing.assert_array_equal(variable, value(number))


@pytest.mark.parametrize(
    ("method", "line", "tolerance"),
    [
        ("sun2018", "resuming at step 3", ROUNDING),
        ("deepprivacy", "resuming at step 2", OTHER_NOISE),
    ],
)
def test_a_generator_goes_on(settings_of, method, line, tolerance, capsys):
    folder, settings = settings_of(f"generator/{method}", "train_anonymizer")
    train_anonymizer.run(settings, folder)
    assert line in capsys.readouterr().out
    trained = dict(np.load(folder / workdir.GENERATOR))
    for name, expected in np.load(OLD / "generator" / f"{method}.npz").items():
        if name != "about":
            np.testing.assert_allclose(
                trained[name], expected, **tolerance, err_msg=name
            )
