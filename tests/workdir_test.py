"""Who may use a work folder."""

import concurrent.futures
import dataclasses
import json
import pathlib
import re
import shutil

import pytest

from safefakes_tf import workdir
from safefakes_tf.config import (
    Anonymize,
    ImportWeights,
    Study,
    TrainDetector,
    adapt,
    apply_overrides,
    store,
)

OLD = pathlib.Path(__file__).parent / "fixtures" / "v0_4_0"


def test_a_work_folder_belongs_to_one_configuration(tmp_path):
    workdir.claim(Study(), tmp_path)
    workdir.claim(Study(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    (tmp_path / "metrics.jsonl").touch()
    other = dataclasses.replace(Study(), seed=1)
    with pytest.raises(ValueError, match="seed: 0 -> 1"):
        workdir.claim(other, tmp_path)
    workdir.claim(Study(), tmp_path)


def test_a_work_folder_belongs_to_one_mode(tmp_path):
    workdir.claim(TrainDetector(), tmp_path)
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(
        ValueError, match="holds a run of --mode=train_detector; choose"
    ):
        workdir.claim(Study(), tmp_path)


def test_what_a_mode_does_not_read_does_not_matter(tmp_path):
    study = Study()
    workdir.claim(adapt(study, "train_detector"), tmp_path)
    (tmp_path / "metrics.jsonl").touch()
    other = apply_overrides(study, ["study_anonymizers=blur"])
    workdir.claim(adapt(other, "train_detector"), tmp_path)
    longer = apply_overrides(study, ["loop.total_steps=7"])
    with pytest.raises(ValueError, match=r"\(loop.total_steps: 60000 -> 7\)"):
        workdir.claim(adapt(longer, "train_detector"), tmp_path)


def test_what_only_other_modes_read_does_not_matter_to_old_folders(tmp_path):
    shutil.copytree(OLD / "detector", tmp_path / "work")
    path = tmp_path / "work" / "config.json"
    values = json.loads(path.read_text())
    values["gan"]["total_images"] = 7
    values["ciagan"]["resolution"] = 32
    path.write_text(json.dumps(values))
    workdir.claim(
        store.read(OLD / "detector" / "config.json", "train_detector"), path.parent
    )


@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        (Anonymize(input="photos", output="out"), {"input": "./photos"}),
        (ImportWeights(source="a.pth"), {"source": "b.pth"}),
    ],
)
def test_where_something_lies_may_change(tmp_path, settings, moved):
    workdir.claim(settings, tmp_path)
    (tmp_path / "done").touch()
    workdir.claim(dataclasses.replace(settings, **moved), tmp_path)


def test_a_work_folder_in_which_nothing_was_done_takes_other_settings(tmp_path):
    workdir.claim(Study(), tmp_path)
    other = dataclasses.replace(Study(), seed=1)
    workdir.claim(other, tmp_path)
    assert store.read(tmp_path / "config.json", "study") == other


def test_a_field_that_a_run_did_not_know_has_its_default(tmp_path, capsys):
    text = store.to_json(TrainDetector()).replace('"ema": null', '"momentum": 0.9')
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "metrics.jsonl").touch()
    workdir.claim(TrainDetector(), tmp_path)
    assert "config.json lacks optimizer.ema: taken as by" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("folder", "mode"),
    [
        ("detector", "train_detector"),
        ("interrupted", "train_detector"),
        ("generator/sun2018", "train_anonymizer"),
        ("generator/deepprivacy", "train_anonymizer"),
    ],
)
def test_a_folder_of_version_0_4_0_goes_on(tmp_path, folder, mode, capsys):
    used = tmp_path / "work"
    shutil.copytree(OLD / folder, used)
    settings = store.read(used / "config.json", mode)
    workdir.claim(settings, used)
    with pytest.raises(ValueError, match="seed: 0 -> 1"):
        workdir.claim(dataclasses.replace(settings, seed=1), used)
    # What came later is named, and nothing else is told.
    told = capsys.readouterr().err.splitlines()
    lacks = rf"{re.escape(str(used / 'config.json'))} lacks .*: taken as by default"
    assert all(re.fullmatch(lacks, line) for line in told)


def test_workers_that_claim_a_folder_together_do_not_meet(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        claims = [pool.submit(workdir.claim, Study(), tmp_path) for _ in range(64)]
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
        workdir.claim(dataclasses.replace(Study(), seed=1), tmp_path)

    monkeypatch.setattr(pathlib.Path, "replace", overtake)
    with pytest.raises(ValueError, match="seed: 1 -> 0"):
        workdir.claim(Study(), tmp_path)


@pytest.mark.parametrize("content", [b"", b'{"seed": 1', b"\xff\xfe{}"])
def test_a_broken_config_file_is_one_line(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(ValueError, match=rf"^{path} is broken \([^\n]*--workdir$"):
        workdir.claim(Study(), tmp_path)


def test_a_file_is_no_work_folder(tmp_path):
    (tmp_path / "work").touch()
    with pytest.raises(ValueError, match=r"^--workdir must name a folder; [^\n]*$"):
        workdir.claim(Study(), tmp_path / "work")
