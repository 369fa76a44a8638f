"""From photos to a generator's file, through every stage, and on after a stop."""

import dataclasses
import importlib.util
import json
import shutil

import cv2
import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf

from configs import (
    ciagan,
    deepprivacy,
    demo_ciagan,
    demo_deepprivacy,
    demo_sun2018,
    sun2018,
    tiny,
)
from safefakes_tf import workdir
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import adapt, apply_overrides, validate
from safefakes_tf.runs import train_anonymizer
from tfds_builders.builder import AnonymizedBuilder

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("graphs_as_traced")]


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A generator that grows from 8 to 16 pixels in phases of two steps."""
    data_dir = tmp_path_factory.mktemp("data")
    return apply_overrides(
        adapt(tiny.get_config(), "train_anonymizer"),
        [
            f"data.data_dir={data_dir}",
            "data.anonymizer=deepprivacy",
            "network.channels=8",
            "network.resolution=16",
            "gan.generator_steps=1",
            "gan.total_images=12",
            "gan.phase_images=4",
            "loop.checkpoint_every=1",
            "devices=cpu",
        ],
    )


@pytest.mark.usefixtures("steps_untraced")
def test_growth_goes_through_all_stages_and_on_after_a_stop(config, tmp_path, capsys):
    train_anonymizer.run(config, tmp_path / "whole")
    last = capsys.readouterr().out.splitlines()[-1]
    assert "--mode=build_dataset" in last
    path = tmp_path / "whole" / "generator.npz"
    assert str(path) in last
    generator, about = generator_files.read(path)
    assert about.config == config.network
    assert not about.demonstration
    assert generator.output.shape[1:] == (16, 16, 3)
    steps = {
        side: [
            json.loads(line)["step"]
            for line in (tmp_path / "whole" / f"{side}px" / "metrics.jsonl")
            .read_text()
            .splitlines()
        ]
        for side in (8, 16)
    }
    assert steps == {8: [1, 2], 16: [1, 2, 3, 4]}
    assert list((tmp_path / "whole" / "16px" / workdir.IMAGE_SUMMARIES).glob("*.png"))
    for side, images in (8, 4), (16, 12):
        reached, about = generator_files.read(
            tmp_path / "whole" / f"{side}px" / "generator.npz"
        )
        assert about.config.resolution == side
        assert about.images == images
        assert f"{images} of 12 images" in about.origin
    for one, other in zip(reached.weights, generator.weights, strict=True):
        np.testing.assert_array_equal(one, other)

    # As if the run had been killed after the first step; in a later stage:
    # resume_0_4_0_test.py.
    parts = tmp_path / "parts"
    shutil.copytree(tmp_path / "whole", parts)
    (parts / "generator.npz").unlink()
    shutil.rmtree(parts / "16px")
    checkpoints = parts / "8px" / "checkpoints"
    tf.compat.v1.train.update_checkpoint_state(
        str(checkpoints), str(checkpoints / "ckpt-1")
    )
    train_anonymizer.run(config, parts)
    assert f"resuming at step 1 from {checkpoints}" in capsys.readouterr().out
    assert path.read_bytes() == (parts / "generator.npz").read_bytes()

    # As if a kill had come between the last checkpoint of a stage and its generator.
    for side in (8, 16):
        (parts / f"{side}px" / "generator.npz").unlink()
    train_anonymizer.run(config, parts)
    for name in ("8px/generator.npz", "16px/generator.npz", "generator.npz"):
        assert (parts / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_generator_is_the_ema(config, tmp_path):
    fixed = apply_overrides(
        config, ["gan.phase_images=0", "gan.total_images=6", "network.resolution=8"]
    )
    train_anonymizer.run(fixed, tmp_path)
    generator, _ = generator_files.read(tmp_path / "generator.npz")
    newest = tf.train.latest_checkpoint(str(tmp_path / "8px" / "checkpoints"))
    stored = tf.train.load_checkpoint(newest)
    averages, lasts = (
        [
            stored.get_tensor(name)
            for name, shape in stored.get_variable_to_shape_map().items()
            if shape == list(generator.get_layer("to_rgb_8").kernel.shape)
            and part(name)
        ]
        for part in (
            lambda name: name.startswith("generator_ema/"),
            lambda name: name.startswith("generator/"),
        )
    )
    kernel = generator.get_layer("to_rgb_8").kernel.numpy()
    assert any(np.array_equal(kernel, value) for value in averages)
    assert not any(np.array_equal(kernel, value) for value in lasts)


def test_sun2018_from_photos_to_a_file(config, tmp_path):
    small = dataclasses.replace(
        apply_overrides(
            config,
            ["data.anonymizer=sun2018", "network.width=4", "network.resolution=32"],
        ),
        gan=dataclasses.replace(config.gan, total_images=4, demonstration=True),
    )
    train_anonymizer.run(small, tmp_path)
    _, about = generator_files.read(tmp_path / "generator.npz")
    assert about.config == small.network
    assert about.demonstration
    assert about.origin == "trained on synthetic_crowd, 4 images, seed 0"


@pytest.fixture
def people(tmp_path, monkeypatch):
    """Return a folder of photos, two of each of two people, and boxes on them."""
    detector = fake_keypoints.FakeDetector
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", detector)
    folder = tmp_path / "people"
    folder.mkdir()
    lines = ["filename,x,y,width,height,person"]
    for name in ("ann-1.png", "ann-2.png", "bob-1.png", "bob-2.png"):
        photo = np.full([120, 160, 3], 9 * len(lines), np.uint8)
        cv2.imwrite(str(folder / name), photo)
        lines.append(f"{name},60,35,40,50,{name[:3]}")
    (folder / "boxes.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.usefixtures("shallow", "steps_untraced")
def test_ciagan_from_ones_own_photos_to_a_file(config, people, tmp_path):
    small = dataclasses.replace(
        apply_overrides(
            config,
            [
                "data.anonymizer=ciagan",
                "data.dataset=own_faces",
                f"data.manual_dir={people}",
                f"data.data_dir={tmp_path}",
                "data.own_faces.annotations=boxes.csv",
                "data.own_faces.validation_share=0",
                "network.width_multiplier=0.0625",
                "network.discriminator_width_multiplier=0.0625",
                "network.resolution=16",
            ],
        ),
        gan=dataclasses.replace(config.gan, total_images=16),
    )
    train_anonymizer.run(small, tmp_path / "results")
    generator, about = generator_files.read(tmp_path / "results" / "generator.npz")
    # It learnt of two people, and no other will be drawn.
    assert about.config == dataclasses.replace(small.network, num_identities=2)
    assert generator.output.shape[1:] == (16, 16, 3)
    metrics = tmp_path / "results" / "16px" / "metrics.jsonl"
    lines = metrics.read_text().splitlines()
    # Two rounds: each shows four pairs, of which there are two in a batch.
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    losses = json.loads(lines[-1])
    assert {"adversarial", "identity", "critic", "identity_network"} <= losses.keys()


def test_ciagan_needs_to_know_people(config, people):
    (people / "boxes.csv").write_text(
        "filename,x,y,width,height\nann-1.png,60,35,40,50"
    )
    unknown = apply_overrides(
        config,
        [
            *("data.anonymizer=ciagan", "data.dataset=own_faces"),
            *(f"data.manual_dir={people}", "data.own_faces.annotations=boxes.csv"),
        ],
    )
    data_dir = f"data.data_dir={people.parent}"
    message = r"^ciagan .* without a column `person` in .*; add that, and choose"
    with pytest.raises(ValueError, match=message):
        train_anonymizer.run(apply_overrides(unknown, [data_dir]), people.parent / "w")


def test_beam_is_refused_where_it_has_nothing_to_do(config, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    settings = dataclasses.replace(config, runner="beam")
    with pytest.raises(ValueError, match=r"^--runner=beam [^\n]*crops=stored, or lea"):
        train_anonymizer.run(settings, tmp_path)


def test_who_cuts_faces_out_may_change(config, tmp_path):
    workdir.claim(config, tmp_path)
    (tmp_path / workdir.METRICS).touch()  # something was done
    workdir.claim(dataclasses.replace(config, runner="beam"), tmp_path)


def test_filters_cannot_be_trained(config, tmp_path):
    wrong = apply_overrides(config, ["data.anonymizer=blur"])
    with pytest.raises(
        ValueError, match="must be one of sun2018, deepprivacy, ciagan; got blur"
    ):
        train_anonymizer.run(wrong, tmp_path)


@pytest.mark.parametrize(
    "module",
    [ciagan, deepprivacy, sun2018, demo_ciagan, demo_deepprivacy, demo_sun2018],
)
def test_settings_are_valid(module):
    settings = validate(module.get_config())
    assert settings.data.anonymizer in module.__name__


def test_settings_of_the_study():
    first, second = deepprivacy.get_config(), sun2018.get_config()
    third = ciagan.get_config()
    assert third.loop.global_batch_size == 16
    assert (
        third.gan.generator_learning_rate
        == third.gan.discriminator_learning_rate
        == 1e-4
    )
    assert third.gan.generator_steps == 3
    assert first.loop.global_batch_size == 128
    assert (
        first.gan.generator_learning_rate
        == first.gan.discriminator_learning_rate
        == 1.5e-3
    )
    assert second.loop.global_batch_size == 64
    assert (
        second.gan.generator_learning_rate,
        second.gan.discriminator_learning_rate,
    ) == (5e-4, 2e-5)
