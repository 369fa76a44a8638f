"""The command line, as a user meets it."""

import json
import pathlib
import subprocess
import sys

import pytest

import main
from safefakes_tf.config import (
    DEMONSTRATION,
    Config,
    apply_overrides,
    claim_workdir,
    with_anonymizer,
)

ROOT = pathlib.Path(__file__).resolve().parents[1]


def command(*arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--mode must be one of build_dataset"),
        (["--mode=trian_detector"], "did you mean train_detector?"),
        (["--mode=study", "--config=quikstart"], "did you mean quickstart?"),
        (["--mode=train_detector", "--anonymizer=blurr"], "did you mean blur?"),
        (["--mode=train_detector", "--dataset=wider"], "widerface"),
        (["--mode=train_detector", "--nonsense=1"], "nonsense"),
        (["--mode=train_detector", "--set=a.b=1"], "no field 'a'"),
        (["--mode=train_detector", "--seed=x"], "seed"),
        (["--mode=import_weights", "--model=dfsd"], "did you mean dsfd?"),
        (["--mode=import_weights", "--model=dsfd"], "--source; got nothing"),
        (["--mode=anonymize", "--output=out"], "needs --input; got nothing"),
        (
            ["--mode=anonymize", "--input=.", "--annotations=no.csv", "--output=o"],
            "--annotations must name what is there; no.csv is not",
        ),
        (
            ["--mode=import_weights", "--model=dsfd", "--source=absent.pth"],
            "absent.pth is not",
        ),
        (["--mode=preview", "blur"], "expected flags only; got blur"),
        (
            ["--mode=study", "--anonymizer=ciagan", "--weights=my.npz"],
            "must be one of study_anonymizers; got original, blackout",
        ),
        (["--mode=preview", "--weights=my.npz"], "deepprivacy, ciagan; got original"),
        (
            ["--mode=build_dataset", "--anonymizer=blur", "--weights=my.npz"],
            "deepprivacy, ciagan; got blur",
        ),
        (
            ["--mode=train_anonymizer", "--anonymizer=ciagan", "--weights=my.npz"],
            "train_anonymizer takes no --weights; leave",
        ),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arguments, words):
    result = command(*arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_dry_run_prints_the_settings_and_stops(tmp_path):
    result = command(
        "--mode=train_detector",
        "--anonymizer=blur",
        "--set=loop.total_steps=3",
        f"--workdir={tmp_path}/run",
        "--dry_run",
    )
    assert result.returncode == 0
    settings = json.loads(result.stdout)
    assert settings["data"]["anonymizer"] == "blur"
    assert settings["loop"]["total_steps"] == 3
    assert not (tmp_path / "run").exists()


def test_help_names_modes_and_shows_commands():
    result = command("--help")
    assert "--mode=train_detector" in result.stdout
    assert "synthetic_crowd" in result.stdout


def test_evaluate_takes_the_settings_of_its_work_folder(tmp_path):
    claim_workdir(apply_overrides(Config(), ["model.input_size=192"]), tmp_path)
    result = command("--mode=evaluate", f"--workdir={tmp_path}", "--dry_run")
    assert json.loads(result.stdout)["model"]["input_size"] == 192


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Return a function: arguments -> settings and work folder of the command."""
    monkeypatch.setattr(main, "ROOT", tmp_path)

    def parse(*arguments):
        main.FLAGS.unparse_flags()
        main.FLAGS(["main.py", *arguments])
        return main._settings(main.FLAGS.flag_values_dict())

    yield parse
    main.FLAGS.unparse_flags()


def test_a_detector_is_looked_at_with_its_own_settings(settings, tmp_path):
    trained = apply_overrides(
        Config(), ["model.channel_order=bgr", "data.anonymizer=blur"]
    )
    folder = tmp_path / "results" / "synthetic_crowd-blur"
    claim_workdir(trained, folder)
    for mode in ("evaluate", "export"):
        config, workdir = settings(f"--mode={mode}", "--anonymizer=blur")
        assert workdir == folder
        assert config == trained
    # Training begins with the settings that are typed, and is then refused.
    config, workdir = settings("--mode=train_detector", "--anonymizer=blur")
    assert workdir == folder
    assert config.model.channel_order == "rgb"


def test_prediction_files_do_not_touch_a_detectors_results(settings, tmp_path):
    _, workdir = settings("--mode=evaluate", "--predictions=some/yolo")
    assert workdir == tmp_path / "results" / "evaluate-yolo"
    _, workdir = settings("--mode=train_detector", "--predictions=some/yolo")
    assert workdir == tmp_path / "results" / "synthetic_crowd-original"


@pytest.mark.parametrize("mode", ["study", "preview"])
def test_weights_of_one_generator_are_not_those_of_several(settings, mode):
    config, _ = settings(f"--mode={mode}", "--anonymizer=sun2018")
    assert config.data.anonymization.weights is None
    config, _ = settings(
        f"--mode={mode}",
        "--config=demo_all",
        "--anonymizer=ciagan",
        "--weights=my.npz",
    )
    of = {
        name: with_anonymizer(config.data, name).anonymization.weights
        for name in ("blur", "sun2018", "ciagan")
    }
    demonstration = str(DEMONSTRATION / "sun2018.npz")
    assert of == {"blur": None, "sun2018": demonstration, "ciagan": "my.npz"}
