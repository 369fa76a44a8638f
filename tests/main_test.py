"""The command line, as a user meets it."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

import main
from safefakes_tf import workdir as files
from safefakes_tf.config import (
    MODES,
    WEIGHTS,
    TrainDetector,
    adapt,
    apply_overrides,
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
        (["--mode=train_detector", "--nonsense=1"], "no flag --nonsense"),
        (
            ["--mode=train_detector", "--anonimizer=blur"],
            "no flag --anonimizer; did you mean --anonymizer?\n",
        ),
        (["--mode=train_detector", "--workdir"], "expected one argument; see --help"),
        (["--mode=preview", "--set=loop.log_every=1"], "train_detector, study do"),
        (["--mode=train_detector", "--set=a.b=1"], "no field 'a'"),
        (["--mode=train_detector", "--seed=x"], "seed"),
        (["--mode=import_weights", "--model=dfsd"], "did you mean dsfd?"),
        (["--mode=import_weights", "--model=dsfd"], "--source; got nothing"),
        (["--mode=anonymize", "--output=out"], "needs --input; got nothing"),
        (
            ["--mode=anonymize", "--input=.", "--output=out"],
            "--anonymizer must be named, one of blackout, ",
        ),
        (
            ["--mode=anonymize", "--anonymizer=blur", "--input=docs", "--output=."],
            "--output . is there already",
        ),
        (
            ["--mode=anonymize", "--input=docs", "--output=docs/out", "--dry_run"],
            "--output docs/out lies in the folder of the photos",
        ),
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
        (
            ["--mode=similarity", "--anonymizer=ciagan", "--weights=my.npz"],
            "blur, fullblur, pixelate; give --set=study_anonymizers=ciagan",
        ),
        (
            ["--mode=similarity", "--anonymizer=ciagan", "--dry_run"],
            "compares original, blackout, blur, fullblur, pixelate, and --anonymizer=ci"
            "agan only tells whose --weights are given; give --set=study_anonymizers=c",
        ),
        (
            ["--mode=study", "--anonymizer=blur", "--weights=detector.h5"],
            "give --set=study_anonymizers=blur",
        ),
        (["--mode=similarity", "--weights=my.npz"], "ciagan; got original"),
        (
            ["--mode=study", "--set=optimizer.clip_norm=-1", "--dry_run"],
            "optimizer.clip_norm must be above 0, and finite; got -1",
        ),
        (
            ["--mode=similarity", "--set=similarity.split=train[:5", "--dry_run"],
            "such as train[:500]; got train[:5",
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
        (
            ["--mode=build_dataset", "--anonymizer=blur", "--box_units=pixels"],
            "--box_units is of --dataset=own_faces; got --dataset=synthetic_crowd",
        ),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main.run(arguments)
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not said.out


def test_a_process_says_nothing_else():
    result = command("--mode=import_weights", "--model=dsfd", "--source=absent.pth")
    assert result.returncode == 2
    assert result.stderr.startswith("main.py: ")
    assert result.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_to_is_one_line(monkeypatch, capsys):
    def start(*_):
        raise PermissionError(13, "Permission denied", "/home/me/.lock")

    monkeypatch.setattr(main.runs, "start", start)
    with pytest.raises(SystemExit, match="2"):
        main.run(["--mode=preview"])
    told = capsys.readouterr().err
    assert ": /home/me/.lock: Permission denied; give this user the right" in told
    assert told.count("\n") == 1


def test_control_characters_of_a_name_are_not_obeyed(capsys):
    with pytest.raises(SystemExit, match="2"):
        main.run(["--mode=preview", "--set=\x1b[2J\n\u202e=1"])
    told = capsys.readouterr().err
    assert r"--set=\x1b[2J\n\u202e=1: no field" in told
    assert told.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("output", "code", "told"),
    [("/dev/full", 2, "main.py: No space left on device; free some"), (None, 141, "")],
)
def test_output_that_goes_nowhere_is_no_stack_trace(output, code, told):
    if output is None:  # a pipe that nobody reads, as `| head` leaves it
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(output, os.O_WRONLY)
    result = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert result.returncode == code
    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == bool(told)


@pytest.mark.parametrize("words", ["", "stopped; 3 photos are done"])
def test_who_stops_a_run_is_told_what_is_done(words, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt(*filter(None, [words]))

    monkeypatch.setattr(main.runs, "start", stop)
    with pytest.raises(SystemExit, match="130"):
        main.run(["--mode=preview"])
    expected = words or "stopped; the same command goes on from here"
    assert capsys.readouterr().err.endswith(f": {expected}\n")


def test_mistakes_of_others_are_not_the_users(monkeypatch):
    monkeypatch.setattr(main.runs, "start", lambda *_: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        main.run(["--mode=preview"])


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


@pytest.mark.parametrize("given", ["--skip_unreadable", "--skip_unreadable=true"])
def test_a_switch_needs_no_value(given, capsys):
    main.run(["--mode=anonymize", given, "--max_megapixels=50", "--dry_run"])
    settings = json.loads(capsys.readouterr().out)
    assert settings["skip_unreadable"] is True
    assert settings["max_megapixels"] == 50


def test_help_shows_every_mode_on_a_line():
    result = command("--help")
    assert result.returncode == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    for mode, row in MODES.items():
        assert [mode, *row.summary.split()] in lines
    assert "quickstart" in result.stdout


@pytest.mark.parametrize("mode", MODES)
def test_help_of_a_mode_shows_what_it_takes(mode, capsys):
    main.run([f"--mode={mode}", "--help"])
    shown = capsys.readouterr().out
    assert f"--mode={mode} {MODES[mode].example}" in shown
    assert ("  loop.log_every=50 " in shown) == mode.startswith(("train", "study"))
    assert ("  --source " in shown) == (mode == "import_weights")
    assert ("  --dataset " in shown) == (
        mode not in ("anonymize", "correlate", "evaluate_predictions")
    )
    assert ("  --seed  " in shown) == hasattr(MODES[mode].settings(), "seed")
    assert ("of all but the photos" in shown) == (
        hasattr(MODES[mode].settings(), "seed") and mode != "anonymize"
    )


def test_help_tells_of_a_setting_what_is_written_beside_it(capsys):
    main.run(["--mode=anonymize", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "centerface, dsfd, mediapipe; What finds faces" in said
    assert "detection.weights=none file of the detector" in said


def test_help_shows_the_network_of_the_method(capsys):
    main.run(["--mode=train_anonymizer", "--anonymizer=ciagan", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "network.resolution=128 side of a patch, px; 16, 32, 64 or 128" in shown
    assert "loop.global_batch_size=16" in shown  # of configs/ciagan.py


def test_the_start_tells_what_differs_only(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(main.runs, "start", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    arguments = ["--mode=build_dataset", "--config=tiny", "--anonymizer=blur"]
    main.run([*arguments, "--set=seed=3", "--predictions=some"])
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "settings: configs/tiny.py",
        "          data.anonymizer: original -> blur",
        "          seed: 0 -> 3",
    ]
    assert said.err == "--mode=build_dataset does not read --predictions\n"


@pytest.mark.parametrize("config", main.CONFIG_NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_every_file_of_settings_serves_every_mode(mode, config, capsys):
    main.run([f"--mode={mode}", f"--config={config}", "--dry_run"])
    settings = json.loads(capsys.readouterr().out)
    assert settings["mode"] == mode


def test_evaluate_takes_the_settings_of_its_work_folder(tmp_path):
    trained = apply_overrides(TrainDetector(), ["model.input_size=192"])
    files.claim(trained, tmp_path)
    result = command("--mode=evaluate", f"--workdir={tmp_path}", "--dry_run")
    assert json.loads(result.stdout)["model"]["input_size"] == 192


@pytest.mark.parametrize("mode", ["evaluate", "export"])
def test_so_it_does_of_version_0_4_0(mode):
    folder = ROOT / "tests" / "fixtures" / "v0_4_0" / "detector"
    result = command(f"--mode={mode}", f"--workdir={folder}", "--dry_run")
    assert json.loads(result.stdout)["data"]["crowd"]["num_train"] == 4


@pytest.fixture
def settings(monkeypatch, tmp_path):
    """Return a function: arguments -> settings and work folder of the command."""
    monkeypatch.chdir(tmp_path)

    def parse(*arguments):
        found, _, _, folder = main._settings(main.parse(arguments))
        return found, folder

    return parse


def test_a_detector_is_looked_at_with_its_own_settings(settings):
    trained = apply_overrides(
        TrainDetector(), ["model.channel_order=bgr", "data.anonymizer=blur"]
    )
    folder = pathlib.Path("results/synthetic_crowd-blur")
    files.claim(trained, folder)
    for mode in ("evaluate", "export"):
        found, workdir = settings(f"--mode={mode}", "--anonymizer=blur")
        assert workdir == folder
        assert found == adapt(trained, mode)
    # Training begins with the settings that are typed, and is then refused.
    found, workdir = settings("--mode=train_detector", "--anonymizer=blur")
    assert workdir == folder
    assert found.model.channel_order == "rgb"


def test_a_detector_is_evaluated_as_its_training_said(settings):
    found, folder = settings("--mode=train_detector", "--config=quickstart")
    files.claim(found, folder)
    found, _ = settings("--mode=evaluate")
    assert not found.inference.multi_scale
    assert found.inference.scale == 0.5


@pytest.mark.parametrize("mode", ["evaluate", "export"])
def test_flags_change_the_settings_of_the_work_folder(settings, mode):
    """Those of configs/ might not take them: these are of own_faces alone."""
    trained = apply_overrides(TrainDetector(), ["data.dataset=own_faces"])
    files.claim(trained, pathlib.Path("mine"))
    of_own_faces = ["--annotations=b.csv", "--category=face", "--detector=mediapipe"]
    found, workdir = settings(f"--mode={mode}", "--workdir=mine", *of_own_faces)
    assert workdir == pathlib.Path("mine")
    assert found.data.dataset == "own_faces"
    assert found.data.own_faces.annotations == "b.csv"
    assert found.data.own_faces.category == ("face",)
    assert found.data.own_faces.detection.detector == "mediapipe"
    with pytest.raises(ValueError, match="--annotations is of --dataset=own_faces"):
        settings(f"--mode={mode}", "--workdir=another", *of_own_faces)


def test_a_tilde_is_the_home_folder(settings, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    found, workdir = settings(
        "--mode=train_detector",
        "--data_dir=~/data",
        "--workdir=~/w",
        "--weights=~/v.h5",
    )
    assert found.data.data_dir == "/home/me/data"
    assert found.init_weights == "/home/me/v.h5"
    assert workdir == pathlib.Path("/home/me/w")


def test_prediction_files_do_not_touch_a_detectors_results(settings):
    _, workdir = settings("--mode=evaluate", "--predictions=some/yolo")
    assert workdir == pathlib.Path("results/evaluate-yolo")
    _, workdir = settings("--mode=train_detector", "--predictions=some/yolo")
    assert workdir == pathlib.Path("results/synthetic_crowd-original")


def test_an_anonymizer_that_is_compared_alone_may_be_named_twice(settings):
    named = ["--anonymizer=blur", "--set=study_anonymizers=blur"]
    config, _ = settings("--mode=similarity", *named)
    assert config.study_anonymizers == ("blur",)


@pytest.mark.parametrize("mode", ["study", "similarity", "preview"])
def test_weights_of_one_generator_are_not_those_of_several(settings, mode):
    config, _ = settings(f"--mode={mode}", "--config=sun2018")
    assert config.data.anonymizer == "sun2018"
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
    bundled = str(WEIGHTS / "sun2018_crowd.npz")
    assert of == {"blur": None, "sun2018": bundled, "ciagan": "my.npz"}
