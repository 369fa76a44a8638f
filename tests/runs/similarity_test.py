"""--mode=similarity: its table, its files, and what is not done twice."""

import csv
import dataclasses
import json
from types import SimpleNamespace

import pytest

from configs import tiny
from safefakes_tf import similarity as kept
from safefakes_tf.config import Similarity
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.runs import similarity


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    data_dir = str(tmp_path_factory.mktemp("data"))
    data = tiny.get_config().data
    wide = dataclasses.replace(data.anonymization, min_width=50)  # px; others are kept
    return Similarity(
        data=dataclasses.replace(data, anonymization=wide, data_dir=data_dir),
        similarity=SimilarityConfig(
            metrics=("l1", "ssim", "lpips"), weights_dir=data_dir, split="train[:5]"
        ),
        study_anonymizers=("original", "blackout", "fullblur"),
    )


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    """Return the work folder of a finished run."""
    workdir = tmp_path_factory.mktemp("runs")
    similarity.run(config, workdir)
    return workdir


def test_a_table_has_a_row_per_anonymizer(workdir):
    with (workdir / "similarity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    original, blackout, fullblur = rows
    assert list(original) == ["anonymizer", "faces", "l1", "ssim"]
    assert [r["anonymizer"] for r in rows] == ["original", "blackout", "fullblur"]
    # The same faces, though original keeps all and fullblur none.
    assert original["faces"] == blackout["faces"] == fullblur["faces"] != "0"
    assert float(original["l1"]) == 0
    assert 0 < float(fullblur["l1"]) < 0.1 < float(blackout["l1"])
    assert float(blackout["ssim"]) < 0.1


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"settings": 1}', b"\xff"])
def test_a_broken_file_is_made_anew(config, workdir, tmp_path, content, monkeypatch):
    told = json.loads((workdir / "blackout.json").read_bytes())
    monkeypatch.setattr(kept.paired, "paired_streams", lambda *_: ())
    monkeypatch.setattr(
        kept.comparison, "compare", lambda config: SimpleNamespace(left_out={})
    )
    monkeypatch.setattr(kept.comparison, "describe", lambda *_: dict(told))
    path = tmp_path / "blackout.json"
    path.write_bytes(content)
    assert kept.described(config.data, 0, config.similarity, path) == told
    assert json.loads(path.read_bytes()) == told


def test_a_file_tells_what_was_compared(workdir):
    told = json.loads((workdir / "blackout.json").read_text())
    assert (told["photos"], told["split"]) == (5, "train[:5]")
    assert told["actions"]["generated"] == told["faces"]
    assert told["actions"]["kept"] > 0
    assert "alexnet.ckpt is not there" in told["left_out"]["lpips"]
    assert told["encoding"] == dict.fromkeys(
        ("reference", "anonymized"), "jpeg, quality 95"
    )


def test_what_is_finished_is_not_computed_again(config, workdir, monkeypatch):
    def refuse(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(kept.comparison, "compare", refuse)
    before = (workdir / "similarity.csv").read_text()
    similarity.run(config, workdir)
    assert (workdir / "similarity.csv").read_text() == before


def test_against_the_untouched_files_encoding_shows(config, tmp_path):
    source = dataclasses.replace(config.similarity, reference="source")
    config = dataclasses.replace(
        config, similarity=source, study_anonymizers=("original",)
    )
    (row,) = similarity.run(config, tmp_path)
    assert 0 < row["l1"] < 0.05
    told = json.loads((tmp_path / "original.json").read_text())
    assert told["encoding"]["reference"] == "as it came"
