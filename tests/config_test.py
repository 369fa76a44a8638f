import concurrent.futures
import dataclasses
import json
import pathlib

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
            "data.keypoint_models=models",
        ],
    )
    assert config.loop.total_steps == 7
    assert config.optimizer.decay_steps == (3, 5)
    assert config.data.allow_partial is True
    assert config.optimizer.clip_norm == 2.5
    assert config.data.manual_dir == "a=b"
    assert config.data.keypoint_models == "models"
    none = apply_overrides(config, ["data.keypoint_models=none"])
    assert none.data.keypoint_models is None
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
        ("optimizer.ema=1", "between 0 and 1, or be none; got 1"),
        ("optimizer.ema=0", "between 0 and 1"),
        ("gan.identity_weight=-1", "at least 0"),
        ("study_anonymizers=blur,gan", "gan"),
        ("inference.ap_arithmetic=octave", "python, matlab"),
        ("seed=-1", "seed must be from 0 to 4294967295; got -1"),
        ("seed=4294967296", "from 0 to 4294967295"),
        ("data.crowd.seed=-1", "data.crowd.seed must be from 0"),
        ("data.crowd.num_train=0", "at least 1; got 0"),
        ("data.crowd.num_validation=0", "at least 1"),
        ("data.crowd.max_people=0", "at least 1"),
        ("data.crowd.width=31", "at least 32; got 31"),
        ("data.crowd.height=0", "at least 32"),
        ("data.crowd.min_face=0.5", "at least 1; got 0.5"),
        ("data.crowd.min_face=nan", "at least 1; got nan"),
        ("data.crowd.max_face=7", "max_face must be at least 8; got 7"),
        ("data.crowd.max_face=inf", "at least 8 and finite; got inf"),
        ("loop.image_summary_every=0", "at least 1"),
        ("inference.scale=0", "inference.scale must be above 0, and finite; got 0"),
        ("optimizer.learning_rate=nan", "finite; got nan"),
        ("optimizer.learning_rate=-1e-3", "above 0"),
        ("gan.generator_learning_rate=inf", "finite; got inf"),
        ("gan.discriminator_learning_rate=0", "above 0"),
    ],
)
def test_values_out_of_range_are_refused(override, words):
    with pytest.raises(ValueError, match=words):
        validate(apply_overrides(Config(), [override]))


def test_json_brings_back_the_same_configuration():
    config = apply_overrides(Config(), ["optimizer.decay_steps=1,2", "seed=4"])
    assert config_lib.from_json(config_lib.to_json(config)) == config


def test_json_may_be_older_than_a_field_that_may_be_none(tmp_path):
    config = apply_overrides(Config(), ["seed=4"])
    values = json.loads(config_lib.to_json(config))
    del values["optimizer"]["ema"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert config_lib.from_json((tmp_path / "config.json").read_text()) == config
    (tmp_path / "metrics.jsonl").touch()
    config_lib.claim_workdir(config, tmp_path)  # and training goes on there


def test_json_of_another_version_is_refused():
    text = config_lib.to_json(Config()).replace('"momentum"', '"mometum"')
    with pytest.raises(ValueError, match="another version"):
        config_lib.from_json(text)


def test_a_work_folder_belongs_to_one_configuration(tmp_path):
    config_lib.claim_workdir(Config(), tmp_path)
    config_lib.claim_workdir(Config(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    (tmp_path / "metrics.jsonl").touch()
    other = dataclasses.replace(Config(), seed=1)
    with pytest.raises(ValueError, match="seed: 0 -> 1"):
        config_lib.claim_workdir(other, tmp_path)
    config_lib.claim_workdir(Config(), tmp_path)


def test_a_work_folder_in_which_nothing_was_done_takes_other_settings(tmp_path):
    config_lib.claim_workdir(Config(), tmp_path)
    other = dataclasses.replace(Config(), seed=1)
    config_lib.claim_workdir(other, tmp_path)
    stored = config_lib.from_json((tmp_path / "config.json").read_text())
    assert stored == other


def test_workers_that_claim_a_folder_together_do_not_meet(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        claims = [
            pool.submit(config_lib.claim_workdir, Config(), tmp_path) for _ in range(64)
        ]
    for claim in claims:
        claim.result()
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_worker_with_other_settings_is_noticed_by_the_one_it_overtook(
    tmp_path, monkeypatch
):
    replace = pathlib.Path.replace

    def overtake(partial, path):
        monkeypatch.setattr(pathlib.Path, "replace", replace)
        partial.replace(path)
        config_lib.claim_workdir(dataclasses.replace(Config(), seed=1), tmp_path)

    monkeypatch.setattr(pathlib.Path, "replace", overtake)
    with pytest.raises(ValueError, match="seed: 1 -> 0"):
        config_lib.claim_workdir(Config(), tmp_path)


@pytest.mark.parametrize("content", [b"", b'{"seed": 1', b"\xff\xfe{}"])
def test_a_broken_config_file_is_one_line(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(ValueError, match=rf"^{path} is broken \([^\n]*--workdir$"):
        config_lib.claim_workdir(Config(), tmp_path)
    with pytest.raises(ValueError, match=r"^config\.json is broken [^\n]*$"):
        config_lib.from_json(content)


@pytest.mark.parametrize("text", ["[]", "3", '{"seed": 1}', '"a"'])
def test_json_of_something_else_is_one_line(text):
    with pytest.raises(ValueError, match=r"^config\.json is of another [^\n]*$"):
        config_lib.from_json(text)


def test_json_with_a_value_for_a_group_is_one_line():
    values = json.loads(config_lib.to_json(Config()))
    with pytest.raises(ValueError, match=r"LoopConfig has the fields .*; got 3$"):
        config_lib.from_json(json.dumps({**values, "loop": 3}))


def test_a_file_is_no_work_folder(tmp_path):
    (tmp_path / "work").touch()
    with pytest.raises(ValueError, match=r"^--workdir must name a folder; [^\n]*$"):
        config_lib.claim_workdir(Config(), tmp_path / "work")


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
