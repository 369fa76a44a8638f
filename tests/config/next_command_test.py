"""The command that a run prints at its end."""

import dataclasses
import shlex

from safefakes_tf.config import (
    CelebaConfig,
    DataConfig,
    FdfConfig,
    with_bundled_weights,
)
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


def test_the_command_names_the_same_part_of_a_data_set():
    data = DataConfig(dataset="fdf", allow_partial=True, fdf=FdfConfig(32, 100_000))
    words = shlex.split(next_command("train_detector", data))
    sets = [word.removeprefix("--set=") for word in words if "--set" in word]
    assert set(sets) == {
        *("data.allow_partial=true", "data.fdf.size=32", "data.fdf.first=100000")
    }
    data = DataConfig(dataset="celeba", celeba=CelebaConfig(aligned=True))
    command = next_command("train_detector", data)
    assert command.endswith("--set=data.celeba.aligned=true")
