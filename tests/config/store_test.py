"""What a stored config.json may be: of a mode, of version 0.4.0, or wrong."""

import dataclasses
import json
import pathlib

import pytest

from safefakes_tf.config import (
    MODES,
    WEIGHTS,
    CiaganConfig,
    DataConfig,
    Evaluate,
    Sun2018Config,
    TrainAnonymizer,
    TrainDetector,
    apply_overrides,
    store,
)

OLD = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "v0_4_0"


def parse(values, mode="train_detector"):
    text = values if isinstance(values, str | bytes) else json.dumps(values)
    return store.parse(text, "config.json", mode)


def values_of(settings):
    return json.loads(store.to_json(settings))


@pytest.mark.parametrize("mode", MODES)
def test_json_brings_back_the_same_settings(mode, capsys):
    settings = MODES[mode].settings()
    assert parse(store.to_json(settings)) == settings
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("method", ["sun2018", "ciagan", "blur"])
def test_a_network_is_read_as_that_of_its_method(method):
    settings = TrainAnonymizer(data=DataConfig(anonymizer=method))
    assert parse(store.to_json(settings)) == settings


def test_tuples_and_numbers_are_read_as_such():
    settings = apply_overrides(
        TrainDetector(),
        ["optimizer.decay_steps=1,2", "optimizer.clip_norm=2", "seed=4"],
    )
    assert parse(store.to_json(settings)) == settings


@pytest.fixture(autouse=True)
def nothing_told_yet():
    store._tell.cache_clear()


def test_a_missing_field_takes_its_default_and_is_told_once(capsys):
    values = values_of(apply_overrides(TrainDetector(), ["seed=4"]))
    del values["optimizer"]["ema"], values["optimizer"]["momentum"], values["loss"]
    for _ in range(2):
        assert parse(values) == apply_overrides(TrainDetector(), ["seed=4"])
    told = capsys.readouterr().err
    assert "config.json lacks loss, optimizer.momentum, optimizer.ema" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("group", "name", "words"),
    [
        (None, "losss", "not known: losss; did you mean loss?"),
        ("loop", "total_stepps", "loop.total_stepps; did you mean total_steps?"),
        (None, "gan", "not known: gan"),  # of another mode, which did not write this
    ],
)
def test_an_unknown_field_is_one_line_with_its_name(group, name, words):
    values = values_of(TrainDetector())
    (values[group] if group else values)[name] = 1
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        parse(values)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("loop", 3, "loop must be a group of settings; got 3"),
        ("loop.total_steps", "many", "total_steps must be a whole number; got 'many'"),
        ("loop.total_steps", True, "must be a whole number; got True"),
        ("loop.total_steps", 1.5, "must be a whole number; got 1.5"),
        ("optimizer.learning_rate", [1], "learning_rate must be a number; got"),
        ("optimizer.decay_steps", 5, "decay_steps must be a list; got 5"),
        ("optimizer.decay_steps", ["a"], "decay_steps must be a whole number"),
        ("data.allow_partial", "no", "allow_partial must be true or false"),
        ("data.anonymizer", None, "data.anonymizer must be a text; got None"),
        ("loop.total_steps", 0, "loop.total_steps must be at least 1; got 0"),
        ("optimizer.kind", "adm", "sgd, adam; got adm; did you mean adam?"),
        ("optimizer.kind", 3, "optimizer.kind must be a text; got 3"),
        ("init_weights", {"a": 1}, "init_weights must be a text; got"),
        ("version", 3, "is of version 3, and this program reads up to 2"),
        ("version", "a", "is of version 'a'"),
        ("mode", "paint", "mode that is known; got 'paint'"),
        ("mode", None, "mode that is known; got None"),
        ("mode", [], "mode that is known"),
        ("init_weights", "a\0b", "init_weights can name no file; got"),
        ("data.data_dir", "\ud800", "data.data_dir can name no file; got"),
        ("loop.total_steps", 10**400, "total_steps must have 64 bits at most; got"),
        ("optimizer.learning_rate", 10**400, "learning_rate must have 64 bits"),
        ("loop", [[[[]]]], "loop must be a group of settings"),
    ],
)
def test_a_value_of_another_type_is_one_line(path, value, words):
    values = values_of(TrainDetector())
    *groups, name = path.split(".")
    node = values
    for group in groups:
        node = node[group]
    node[name] = value
    with pytest.raises(ValueError, match=r"^config\.json[^\n]*$") as caught:
        parse(values)
    assert words in str(caught.value)


def test_a_flag_on_which_no_result_depends_is_not_missed(capsys):
    values = values_of(TrainAnonymizer())
    del values["runner"], values["beam_options"]
    assert parse(values) == TrainAnonymizer()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["[]", "3", '"a"', "null"])
def test_json_of_something_else_is_one_line(text):
    with pytest.raises(ValueError, match=r"^config\.json: the file must be a group"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b'{"seed": 1', b"\xff\xfe{}", "[" * 100_000, '{"a":' * 100_000),
        *('{"seed": 1' + "0" * 5000 + "}", '{"seed": 1e}', "\0"),
    ],
)
def test_a_broken_file_is_one_line(text):
    with pytest.raises(ValueError, match=r"^config\.json is broken [^\n]*$"):
        parse(text)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match=r"has more than 1,048,576 bytes[^\n]*$"):
        store.read(path, "evaluate")


def test_another_mode_takes_what_it_reads(tmp_path):
    trained = apply_overrides(
        TrainDetector(), ["model.input_size=192", "init_weights=start.h5"]
    )
    (tmp_path / "config.json").write_text(store.to_json(trained))
    settings = store.read(tmp_path / "config.json", "evaluate")
    assert settings == dataclasses.replace(Evaluate(), model=trained.model)


# === Version 0.4.0 ===


def test_a_detector_of_version_0_4_0_is_read_by_every_mode(capsys):
    path = OLD / "detector" / "config.json"
    written = json.loads(path.read_text())
    training = store.read(path, "train_detector")
    assert training.optimizer.ema == written["optimizer"]["average"] == 0.99
    assert training.loop.image_summary_every == written["loop"]["pictures_every"]
    assert training.model.width_multiplier == written["model"]["width_multiplier"]
    evaluation = store.read(path, "evaluate")
    assert evaluation.data == training.data
    assert evaluation.inference.scale == written["inference"]["scale"]
    for mode in MODES:
        assert type(store.read(path, mode)) is MODES[mode].settings
    told = set(capsys.readouterr().err.splitlines())
    sets = "data.own_faces, data.pipa, data.fdf, data.celeba"  # these came later
    always = f"data.anonymization.strength, {sets}"
    of_trainings = ", loop.steps_per_call, loop.xla"
    sometimes = (
        "",
        ", similarity",
        of_trainings,
        f"{of_trainings}, similarity",
        f"{of_trainings}, gan.only_with_keypoints, gan.augmentation",
    )
    assert told == {
        f"{path} lacks {always}{end}: taken as by default" for end in sometimes
    }


def test_a_generator_of_version_0_4_0_is_read_with_its_network():
    settings = store.read(
        OLD / "generator" / "sun2018" / "config.json", "train_anonymizer"
    )
    assert type(settings.network) is Sun2018Config
    assert settings.network != Sun2018Config()
    written = json.loads((OLD / "generator" / "sun2018" / "config.json").read_text())
    assert settings.gan.generator_learning_rate == written["gan"]["generator_rate"]


def test_old_names_are_read_in_every_group():
    values = {
        "data": {"anonymizer": "ciagan"},
        "ciagan": {"jpeg_drawings": True, "crop_spread": 18},
        "gan": {"discriminator_rate": 3e-4},
    }
    settings = parse(values, "train_anonymizer")
    assert settings.network == CiaganConfig(jpeg_landmark_maps=True, random_crop=18)
    assert settings.gan.discriminator_learning_rate == 3e-4


def test_what_the_mode_does_not_read_is_not_missed(capsys):
    parse({"data": {}, "model": {}, "inference": {}}, "evaluate")
    told = capsys.readouterr().err
    assert "data.dataset" in told
    assert "loop" not in told


def test_an_unknown_field_of_an_old_file_is_one_line():
    with pytest.raises(ValueError, match=r"^config\.json has a field[^\n]*: lop; did"):
        parse({"lop": {}})


@pytest.mark.parametrize("version", [1, store.VERSION])
def test_weights_that_came_with_an_older_version_are_found(version):
    values = values_of(TrainDetector(data=DataConfig(anonymizer="sun2018")))
    values["data"]["anonymization"]["weights"] = (
        "/old/site-packages/safefakes_tf/demonstration/sun2018.npz"
    )
    if version == 1:  # which wrote neither
        del values["version"], values["mode"]
    found = parse(values).data.anonymization.weights
    assert found == str(WEIGHTS / "sun2018_crowd.npz")
