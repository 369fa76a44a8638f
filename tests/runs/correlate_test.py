"""--mode=correlate: what it reads, prints and leaves."""

import json

import pytest

from safefakes_tf.config import Correlate
from safefakes_tf.evaluation import metric_tables
from safefakes_tf.runs import correlate

# Falls in the order of l1; original is best.
MEAN_AP = {
    "original": 0.8,
    "blur": 0.6,
    "pixelate": 0.5,
    "blackout": 0.2,
    "sun2018": 0.65,
    "ciagan": 0.55,
    "deepprivacy": 0.7,
}


def rows(**columns):
    return [
        {"anonymizer": name, "mAP": value, "steps": 4.0, **columns, "l1": 1 - value}
        for name, value in MEAN_AP.items()
    ]


def run(tmp_path, *tables):
    paths = []
    for number, table in enumerate(tables):
        paths.append(str(tmp_path / f"{number}.csv"))
        metric_tables.write(tmp_path / paths[-1], table)
    return correlate.run(Correlate(tuple(paths)), tmp_path / "work")


def test_every_metric_and_group_has_an_r(tmp_path, capsys):
    results = run(tmp_path, rows(ssim=0.5))
    assert list(results) == ["ssim", "l1"]  # steps are no metric
    assert {g: c.n for g, c in results["l1"].items()} == {
        "all": 6,
        "GAN": 3,
        "conventional": 3,
        "all and original": 7,
    }
    for correlation in results["l1"].values():
        assert correlation.r == pytest.approx(-1)
    output = capsys.readouterr().out
    assert "| l1 | GAN | -1.000 | 3 |" in output
    assert "| ssim | all | nan | 6 | nan | -1.00 to 1.00 | undefined: a col" in output
    assert "Table II of the study" in output
    assert "| LPIPS | -0.665 | -0.992 | -0.971 |" in output
    stored = json.loads((tmp_path / "work" / "correlation.json").read_text())
    assert stored["ssim"]["all"]["r"] is None
    assert stored["l1"]["all"]["n"] == 6
    assert (tmp_path / "work" / "correlation.md").read_text() in output
    picture = (tmp_path / "work" / "correlation.png").read_bytes()
    assert picture.startswith(b"\x89PNG")


def test_rows_of_several_tables_enter_together(tmp_path):
    results = run(tmp_path, rows(), rows(lpips=0.1))
    assert results["l1"]["all"].n == 12
    assert results["lpips"]["all"].n == 6  # the first table has none


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"anonymizer": "blur", "mAP": 0.5},
            r"must have a column of one of l1, .*--set",
        ),
        (
            {"anonymizer": "blurr", "mAP": 0.5, "l1": 0.1},
            r"blurr; did you mean blur\?",
        ),
    ],
)
def test_tables_of_no_use_are_told(tmp_path, row, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, [row])
    assert not (tmp_path / "work").exists()


def test_a_table_must_be_named(tmp_path):
    with pytest.raises(ValueError, match=r"tables must name study.csv files"):
        run(tmp_path)
