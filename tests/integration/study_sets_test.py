"""Each data set of the study: train a generator, build, train a detector.

All in one process, on made-up copies, with the smallest networks there are.
"""

import json

import fake_keypoints
import made_up_copies
import pytest

import main
from safefakes_tf.keypoints import mediapipe
from tfds_builders.builder import AnonymizedBuilder

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("steps_untraced", "shallow")]
CASES = {  # data set -> a generator, and settings that make it small
    "pipa": ("sun2018", ("width=2", "resolution=16")),
    "fdf": ("deepprivacy", ("channels=16", "resolution=8")),
    "celeba": ("sun2018", ("width=2", "resolution=16")),
}


@pytest.fixture(autouse=True)
def fake_search(monkeypatch):
    """Let the search find the drawn heads."""
    detector = fake_keypoints.FakeDetector
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", detector)
    monkeypatch.setattr(mediapipe, "MediaPipeDetector", detector)


@pytest.mark.parametrize("name", CASES)
def test_train_build_train(name, tmp_path):
    anonymizer, network = CASES[name]
    raw = getattr(made_up_copies, name)(tmp_path / "raw")

    def run(mode, *flags):
        workdir = tmp_path / mode
        folders = [f"--data_dir={tmp_path / 'data'}", f"--manual_dir={raw}"]
        names = [f"--dataset={name}", f"--anonymizer={anonymizer}"]
        main.main(
            [
                *(f"--mode={mode}", "--config=tiny", f"--workdir={workdir}"),
                *(*folders, *names, *flags),
            ]
        )
        return workdir

    trained = run(
        "train_anonymizer",
        *("--set=gan.total_images=2", "--set=crops=stored"),
        *(f"--set=network.{setting}" for setting in network),
    )
    (crops,) = (tmp_path / "data" / name).glob("source*-context_crops_*/1.0.0")
    assert list(crops.glob("*.array_record*"))
    weights = f"--weights={trained / 'generator.npz'}"
    run("build_dataset", weights)
    (built,) = (tmp_path / "data" / name).glob(f"{anonymizer}-*/1.0.0")
    counts = json.loads((built / "metadata.json").read_text())["counts"]["train"]
    assert counts["generated"] >= 4
    detector = run(
        "train_detector",
        weights,
        *("--set=loop.total_steps=1", "--set=model.width_multiplier=0.015625"),
    )
    assert (detector / "detector.weights.h5").exists()
