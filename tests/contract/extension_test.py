"""A generator and a data set, each one module and one row, go all the way.

Nothing in the packages knows of `toy_generator` and `toy_dataset`.
"""

import json
import pathlib

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf
import toy_dataset
import toy_generator
from PIL import Image

import main
from safefakes_tf.config import names
from safefakes_tf.keypoints import mediapipe
from tfds_builders.builder import AnonymizedBuilder

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("steps_untraced", "shallow")]


@pytest.fixture(autouse=True)
def rows(monkeypatch):
    """Register the method and the data set."""
    method = names.Anonymizer("toy_generator", "noise", toy_generator.ToyConfig)
    monkeypatch.setitem(names.ANONYMIZERS, "toy", method)
    dataset = names.Dataset("toy_dataset", "grey photos")
    monkeypatch.setitem(names.DATASETS, "toy_photos", dataset)
    # Squares have no keypoints that MediaPipe would find.
    detector = fake_keypoints.FakeDetector
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", detector)
    monkeypatch.setattr(mediapipe, "MediaPipeDetector", detector)


def test_build_train_anonymize_evaluate_export(tmp_path, capsys):
    data, results = tmp_path / "data", tmp_path / "results"
    general = ["--dataset=toy_photos", "--anonymizer=toy", f"--data_dir={data}"]

    def run(mode, *flags):
        folder = results / mode
        main.main([f"--mode={mode}", f"--workdir={folder}", *general, *flags])
        return folder

    # === Train the generator ===
    trained = run(
        "train_anonymizer",
        "--config=tiny",
        "--set=gan.total_images=8",
        "--set=toy.fill=7",
    )
    weights = f"--weights={trained / 'generator.npz'}"
    assert json.loads((trained / "config.json").read_text())["network"]["fill"] == 7

    # === Build, train a detector, evaluate, export ===
    run("build_dataset", weights)
    (built,) = (data / "toy_photos").glob("toy-*/1.0.0")
    counts = json.loads((built / "metadata.json").read_text())["counts"]
    assert counts["train"]["generated"] == 4
    # The anonymizer's weights come first: the detector starts at random.
    small = ["--config=tiny", weights, "--set=model.width_multiplier=0.015625"]
    detector = run("train_detector", *small)
    main.main(["--mode=evaluate", f"--workdir={detector}"])
    assert set(json.loads((detector / "evaluation.json").read_text())) >= {"all"}
    exported = run("export", weights) / "export" / "toy"
    serve = tf.saved_model.load(str(exported)).signatures["serving_default"]
    assert "photo" in serve.structured_outputs

    # === A folder of one's own photos ===
    photos = tmp_path / "photos"
    photos.mkdir()
    before = np.full([96, 128, 3], 100, np.uint8)
    Image.fromarray(before).save(photos / "one.png")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("filename,x,y,width,height\none.png,40,20,40,40\n")
    output = tmp_path / "published"
    anonymize = ["--anonymizer=toy", weights, f"--input={photos}"]
    main.main(
        [
            "--mode=anonymize",
            *anonymize,
            f"--annotations={boxes}",
            f"--output={output}",
        ]
    )
    after = np.asarray(Image.open(output / "one.png"))
    changed = (after != before).any(axis=2)
    assert changed[20:60, 40:80].mean() > 0.9
    assert not changed[:, :40].any()

    # === Words for a user ===
    capsys.readouterr()
    main.main(["--mode=train_anonymizer", "--anonymizer=toy", "--help"])
    assert "network.fill" in capsys.readouterr().out


def test_the_rows_are_all_that_the_packages_know():
    root = pathlib.Path(main.__file__).parent
    for folder in ("safefakes_tf", "tfds_builders", "configs"):
        for path in (root / folder).rglob("*.py"):
            assert "toy_" not in path.read_text() or path.name.endswith("_test.py")


def test_the_toy_data_set_declares_little():
    assert toy_dataset.Builder.KEYPOINTS is None
    assert not toy_dataset.Builder.DIFFICULTIES
