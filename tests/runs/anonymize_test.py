"""From a folder of photos with boxes to one without the faces."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from configs import tiny
from safefakes_tf import user_photos
from safefakes_tf.config import Config
from safefakes_tf.keypoints import detector, fake
from safefakes_tf.runs import anonymize

BOX = (20, 10, 30, 40)  # x y width height
ORIENTATION = 0x0112


@pytest.fixture(autouse=True)
def fake_keypoints(monkeypatch):
    monkeypatch.setattr(detector, "MediaPipeDetector", fake.FakeDetector)


@pytest.fixture
def photos(tmp_path):
    """Return a folder of photos: two listed, one turned, and one not listed."""
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a/one.png", "two.png", "other.png"):
        pixels = rng.integers(1, 256, [80, 100, 3], np.uint8)
        exif = Image.Exif()
        if name == "two.png":
            exif[ORIENTATION] = 6  # shown 80 px wide and 100 px high
        Image.fromarray(pixels).save(folder / name, exif=exif)
    return folder


@pytest.fixture
def boxes(tmp_path):
    path = tmp_path / "boxes.csv"
    rows = [f"{name},{','.join(map(str, BOX))}" for name in ("a/one.png", "two.png")]
    path.write_text("filename,x,y,width,height\n" + "\n".join(rows) + "\n")
    return path


def settings(name, anonymization=None) -> Config:
    config = tiny.get_config()
    data = dataclasses.replace(config.data, anonymizer=name)
    if anonymization:
        data = dataclasses.replace(data, anonymization=anonymization(name))
    return dataclasses.replace(config, data=data)


def log_of(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]


def test_faces_go_and_everything_else_stays(photos, boxes, tmp_path, capsys):
    output = tmp_path / "out"
    anonymize.run(settings("blackout"), tmp_path, str(photos), str(boxes), str(output))
    assert "2 generated" in capsys.readouterr().out
    x, y, width, height = BOX
    for name in ("a/one.png", "two.png"):
        before, _ = user_photos.read(photos / name)
        after = np.asarray(Image.open(output / name))
        assert not after[y : y + height, x : x + width].any()
        before[y : y + height, x : x + width] = 0
        np.testing.assert_array_equal(after, before)
    assert not (output / "other.png").exists()
    assert (output / "boxes.csv").read_bytes() == boxes.read_bytes()
    assert [row["action"] for row in log_of(output)] == ["generated"] * 2
    metadata = json.loads((output / "metadata.json").read_text())
    assert metadata["counts"]["photos"] == 2
    assert metadata["counts"]["generated"] == 2
    left = {path.name for path in output.iterdir()}
    assert left == {"a", "two.png", "boxes.csv", "faces.csv", "metadata.json"}


def test_a_generator_with_keypoints(photos, boxes, tmp_path, anonymization):
    config = settings("ciagan", anonymization)
    anonymize.run(config, tmp_path, str(photos), str(boxes), str(tmp_path / "out"))
    rows = log_of(tmp_path / "out")
    assert {row["keypoints"] for row in rows} == {"mesh"}
    assert {row["action"] for row in rows} == {"generated"}
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert len(metadata["weights_sha256"]) == 64
    assert metadata["demonstration_weights"] is False


def test_an_interrupted_run_goes_on_and_is_no_result(
    photos, boxes, tmp_path, monkeypatch
):
    output, written = tmp_path / "out", []
    write = user_photos.write

    def stop_at_the_second(path, *arguments):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *arguments)

    run = (settings("blackout"), tmp_path, str(photos), str(boxes), str(output))
    with monkeypatch.context() as patch:
        patch.setattr(user_photos, "write", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            anonymize.run(*run)
    assert not output.exists()
    partial = tmp_path / "out.partial"
    first = written[0].stat()
    with pytest.raises(ValueError, match="holds a run with other settings"):
        anonymize.run(settings("blur"), *run[1:])
    anonymize.run(*run)
    assert not partial.exists()
    assert (output / "a" / "one.png").stat().st_mtime_ns == first.st_mtime_ns
    assert len(log_of(output)) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": "/no/such"}, "--input must be a folder of photos"),
        ({"output": "."}, "is there already; name another folder"),
        ({"rows": "gone.png,1,2,30,40"}, "1 of 1 annotated photos are not in"),
        ({"rows": "a/one.png,200,2,30,40"}, r"boxes of a/one\.png do not fit"),
        ({"rows": "two.png,60,10,30,40"}, r"two\.png do not fit .*80 px wide and 100"),
    ],
)
def test_mistakes_leave_nothing_behind(change, message, photos, boxes, tmp_path):
    if "rows" in change:
        boxes.write_text(f"filename,x,y,width,height\n{change['rows']}\n")
    given = {"photos": str(photos), "output": str(tmp_path / "out"), **change}
    with pytest.raises(ValueError, match=message):
        anonymize.run(
            settings("blackout"), tmp_path, given["photos"], str(boxes), given["output"]
        )
    assert not (tmp_path / "out").exists()
