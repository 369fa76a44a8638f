"""The command that a run prints at its end."""

import dataclasses
import shlex

from safefakes_tf.config import DataConfig, with_bundled_weights
from safefakes_tf.config.next_command import next_command


def test_the_command_goes_on_with_the_same_photos_and_weights():
    data = DataConfig(dataset="widerface", anonymizer="sun2018", manual_dir="my photos")
    assert next_command("train_detector", data, weights="g.npz") == (
        "next:    python main.py --mode=train_detector --dataset=widerface "
        "--anonymizer=sun2018 --weights=g.npz '--manual_dir=my photos'"
    )


def test_the_weights_of_the_project_need_no_name():
    data = with_bundled_weights(DataConfig(anonymizer="ciagan"))
    assert data.anonymization.weights
    assert "--weights" not in next_command("train_detector", data)
    # On real photos they are taken only if they are named.
    real = dataclasses.replace(data, dataset="widerface")
    named = f"--weights={data.anonymization.weights}"
    assert named in shlex.split(next_command("train_detector", real))
