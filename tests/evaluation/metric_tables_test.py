"""Tables of metrics on disk and in text."""

import math

import pytest

from safefakes_tf.evaluation import metric_tables

ROWS = [
    {"anonymizer": "blur", "mAP": 0.1 + 0.2, "l1": 1e-12},
    {"anonymizer": "ciagan", "mAP": 0.5, "fid": 123.456789},
]


def test_numbers_come_back_with_all_digits(tmp_path):
    path = tmp_path / "study.csv"
    metric_tables.write(path, ROWS)
    first, second = metric_tables.read(path)
    assert (first["anonymizer"], first["mAP"], first["l1"]) == (
        "blur",
        0.1 + 0.2,
        1e-12,
    )
    assert second["fid"] == 123.456789
    assert math.isnan(first["fid"])
    assert math.isnan(second["l1"])
    assert [file.name for file in tmp_path.iterdir()] == ["study.csv"]


def test_a_table_in_markdown_has_dashes_where_nothing_is_known():
    lines = metric_tables.markdown(ROWS).splitlines()
    assert lines[0] == "| anonymizer | mAP | l1 | fid |"
    assert lines[2] == "| blur | 0.3 | 1e-12 | – |"
    assert lines[3] == "| ciagan | 0.5 | – | 123.5 |"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"must have the columns anonymizer and mAP.* got none"),
        ("anonymizer,l1\nblur,0.1\n", r"must have the columns .* got anonymizer, l1"),
        ("anonymizer,mAP\nblur,good\n", r"line 2: mAP must be a number; got 'good'"),
        ("anonymizer,mAP,l1\nblur,0.1\n", r"line 2: l1 must be a number; got None"),
        ("anonymizer,mAP\nblur,0.1,7\n", r"line 2: None must be a number"),
        ('anonymizer,mAP\n"blur,0.1\n', r"cannot be read as a table: "),
        (b"\xff\xfe", r"cannot be read as a table: "),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "some.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as error:
        metric_tables.read(path)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"absent.csv cannot be read .*No such file"):
        metric_tables.read(tmp_path / "absent.csv")
