import dataclasses

import pytest

from configs import tiny
from safefakes_tf.config import (
    BuildDataset,
    Evaluate,
    Study,
    TrainAnonymizer,
    TrainDetector,
    adapt,
    apply_overrides,
)


def test_overrides_reach_nested_fields_with_the_type_of_the_field():
    settings = apply_overrides(
        TrainDetector(),
        [
            "loop.total_steps=7",
            "optimizer.decay_steps=3, 5",
            "data.allow_partial=true",
            "optimizer.clip_norm=2.5",
            "data.manual_dir=a=b",
            "data.keypoint_models=models",
        ],
    )
    assert settings.loop.total_steps == 7
    assert settings.optimizer.decay_steps == (3, 5)
    assert settings.data.allow_partial is True
    assert settings.optimizer.clip_norm == 2.5
    assert settings.data.manual_dir == "a=b"
    assert settings.data.keypoint_models == "models"
    none = apply_overrides(
        settings, ["data.keypoint_models=none", "optimizer.clip_norm=none"]
    )
    assert none.data.keypoint_models is None
    assert none.optimizer.clip_norm is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("loop.totl_steps=1", "did you mean total_steps.*log_every"),
        ("loop.total_steps=1.5", "must be a whole number; got '1.5'"),
        ("optimizer.momentum=high", "must be a number"),
        ("data.allow_partial=yes", "true or false"),
        ("loop=3", "is a group"),
        ("seed.low=3", "no fields of its own"),
        ("loop.total_steps", "name=value"),
        ("lop.total_steps=1", "no field 'lop'; did you mean loop.* augmentation"),
        (
            "study_anonymizers=blur",
            "train_detector does not read .*; preview, study do",
        ),
        ("gan.total_images=3", "does not read gan; train_anonymizer does$"),
        ("ciagan.resolution=16", "does not read network; train_anonymizer does$"),
    ],
)
def test_bad_overrides_say_what_is_wrong(override, words):
    with pytest.raises(ValueError, match=words):
        apply_overrides(TrainDetector(), [override])


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    settings = apply_overrides(BuildDataset(), ["data.manual_dir=~/photos"])
    assert settings.data.manual_dir == "/home/me/photos"


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("loop.pictures_every=5", "loop.image_summary_every", 5),
        ("optimizer.average=0.5", "optimizer.ema", 0.5),
    ],
)
def test_names_of_version_0_4_0_are_taken_and_told(old, new, value, capsys):
    group, field = new.split(".")
    settings = apply_overrides(TrainDetector(), [old])
    assert getattr(getattr(settings, group), field) == value
    told = capsys.readouterr().err
    assert f"now called {field}" in told
    assert told.count("\n") == 1


def test_a_network_is_that_of_the_method_in_any_order(capsys):
    settings = apply_overrides(
        TrainAnonymizer(),
        ["ciagan.judges_width_multiplier=2", "data.anonymizer=ciagan"],
    )
    assert settings.network.discriminator_width_multiplier == 2
    assert capsys.readouterr().err.count("\n") == 2
    assert apply_overrides(settings, ["network.resolution=32"]).network.resolution == 32
    with pytest.raises(ValueError, match="not trained here, but ciagan"):
        apply_overrides(settings, ["sun2018.width=3"])
    with pytest.raises(ValueError, match="network has no fields of its own"):
        apply_overrides(TrainAnonymizer(), ["network.width=3"])
    with pytest.raises(ValueError, match="network must be nothing; got '3'"):
        apply_overrides(TrainAnonymizer(), ["network=3"])


def test_settings_of_one_mode_serve_another_as_far_as_they_go():
    study = tiny.get_config()
    assert type(study) is Study
    for mode in ("train_detector", "evaluate", "train_anonymizer", "preview"):
        settings = adapt(study, mode)
        for field in dataclasses.fields(settings):
            if hasattr(study, field.name):
                assert getattr(settings, field.name) == getattr(study, field.name)
    own = adapt(study, "anonymize").data
    assert not hasattr(own, "crowd")
    assert own.jpeg_quality == study.data.jpeg_quality
    assert adapt(adapt(study, "evaluate"), "study").loop == Study().loop


def test_weights_to_start_from_are_not_those_to_evaluate():
    study = dataclasses.replace(tiny.get_config(), init_weights="start.h5")
    assert adapt(study, "train_detector").init_weights == "start.h5"
    assert adapt(study, "evaluate") == adapt(tiny.get_config(), "evaluate")
    assert Evaluate().init_weights is None
