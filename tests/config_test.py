import dataclasses

import pytest

from safefakes_tf import config as config_lib
from safefakes_tf.config import Config, apply_overrides, validate


def test_overrides_reach_nested_fields_with_the_type_of_the_field():
    config = apply_overrides(
        Config(),
        [
            "loop.total_steps=7",
            "optimizer.decay_steps=3, 5",
            "data.allow_partial=true",
            "optimizer.clip_norm=2.5",
            "data.manual_dir=a=b",
        ],
    )
    assert config.loop.total_steps == 7
    assert config.optimizer.decay_steps == (3, 5)
    assert config.data.allow_partial is True
    assert config.optimizer.clip_norm == 2.5
    assert config.data.manual_dir == "a=b"
    assert (
        apply_overrides(config, ["optimizer.clip_norm=none"]).optimizer.clip_norm
        is None
    )


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("loop.totl_steps=1", "did you mean total_steps.*log_every"),
        ("loop.total_steps=1.5", "expected a whole number; got '1.5'"),
        ("optimizer.momentum=high", "expected a number"),
        ("data.allow_partial=yes", "true or false"),
        ("loop=3", "is a group"),
        ("seed.low=3", "no fields of its own"),
        ("loop.total_steps", "name=value"),
    ],
)
def test_bad_overrides_say_what_is_wrong(override, words):
    with pytest.raises(ValueError, match=words):
        apply_overrides(Config(), [override])


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.anonymizer=blurr", "did you mean blur"),
        ("data.dataset=widreface", "did you mean widerface"),
        ("data.anonymize=later", "stored, on_the_fly"),
        ("data.image_format=bmp", "jpeg, png"),
        ("data.jpeg_quality=101", "from 1 to 100; got 101"),
        ("data.anonymization.blur_kernel=50", "must be odd"),
        ("loop.total_steps=0", "at least 1"),
        ("gan.identity_weight=-1", "at least 0"),
        ("study_anonymizers=blur,gan", "gan"),
        ("inference.ap_arithmetic=octave", "python, matlab"),
    ],
)
def test_values_out_of_range_are_refused(override, words):
    with pytest.raises(ValueError, match=words):
        validate(apply_overrides(Config(), [override]))


def test_json_brings_back_the_same_configuration():
    config = apply_overrides(Config(), ["optimizer.decay_steps=1,2", "seed=4"])
    assert config_lib.from_json(config_lib.to_json(config)) == config


def test_json_of_another_version_is_refused():
    text = config_lib.to_json(Config()).replace('"momentum"', '"mometum"')
    with pytest.raises(ValueError, match="another version"):
        config_lib.from_json(text)


def test_a_work_folder_belongs_to_one_configuration(tmp_path):
    config_lib.claim_workdir(Config(), tmp_path)
    config_lib.claim_workdir(Config(), tmp_path)
    other = dataclasses.replace(Config(), seed=1)
    with pytest.raises(ValueError, match="seed: 0 -> 1"):
        config_lib.claim_workdir(other, tmp_path)


def test_demonstration_weights_serve_on_computer_made_crowds_only(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(config_lib, "DEMONSTRATION", tmp_path)
    (tmp_path / "sun2018.npz").touch()
    (tmp_path / "blur.npz").touch()
    path = str(tmp_path / "sun2018.npz")

    def weights(**fields):
        data = config_lib.DataConfig(**fields)
        return config_lib.with_demonstration_weights(data).anonymization.weights

    assert weights(anonymizer="sun2018") == path
    assert weights(anonymizer="sun2018", dataset="widerface") is None
    assert weights(anonymizer="deepprivacy") is None  # has none
    assert weights(anonymizer="blur") is None
    own = config_lib.AnonymizationConfig(weights="mine.npz")
    assert weights(anonymizer="sun2018", anonymization=own) == "mine.npz"
