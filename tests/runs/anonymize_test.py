"""From a folder of photos with boxes to one without the faces."""

import csv
import dataclasses
import errno
import json
import os

import fake_keypoints
import numpy as np
import pytest
from PIL import Image, ImageCms

from configs import tiny
from safefakes_tf.config import Config
from safefakes_tf.keypoints import mediapipe
from safefakes_tf.photos import reader, writer
from safefakes_tf.runs import anonymize

BOX = (20, 10, 30, 40)  # x y width height
GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F
HEADER = "filename,x,y,width,height\n"


@pytest.fixture(autouse=True)
def keypoints_of_every_face(monkeypatch):
    monkeypatch.setattr(mediapipe, "MediaPipeDetector", fake_keypoints.FakeDetector)


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
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def settings(name, anonymization=None) -> Config:
    config = tiny.get_config()
    data = dataclasses.replace(config.data, anonymizer=name)
    if anonymization:
        data = dataclasses.replace(data, anonymization=anonymization(name))
    return dataclasses.replace(config, data=data)


def black(photos, boxes, output):
    """Black the faces out; `output` is the folder to make."""
    workdir = output.parent
    anonymize.run(settings("blackout"), workdir, str(photos), str(boxes), str(output))


def stop_before_the_second(patch):
    """Let the run end when it writes its second photo."""
    write, written = writer.write, []

    def stop(path, *arguments):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *arguments)

    patch.setattr(writer, "write", stop)
    return written


def log_of(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]


def test_faces_go_and_everything_else_stays(photos, boxes, tmp_path, capsys):
    output = tmp_path / "out"
    anonymize.run(settings("blackout"), tmp_path, str(photos), str(boxes), str(output))
    assert "2 generated" in capsys.readouterr().out
    x, y, width, height = BOX
    for name in ("a/one.png", "two.png"):
        before, _ = reader.read(photos / name)
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
    output = tmp_path / "out"
    run = (settings("blackout"), tmp_path, str(photos), str(boxes), str(output))
    with monkeypatch.context() as patch:
        written = stop_before_the_second(patch)
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
        (
            {"rows": "a/one.png,200,2,30,40"},
            r"0 of a/one\.png, .*200 2 30 40, .*middle",
        ),
        ({"rows": "a/one.png,-99,2,300,9"}, r"one\.png, .*300 9, .*2 times as large"),
        ({"rows": "a/one.png,1,2,9,9\na/one.png,95,2,30,9"}, r"face 1 of a/one\.png, "),
        ({"rows": "two.png,60,10,30,40"}, r"two\.png, .*stored turned.* 80 px wide"),
        ({"rows": "a/one.png,1,2,9,9\ntwo.png,60,10,30,40"}, r"face 0 of two\.png, "),
        ({"rows": f"{'a' * 300}.png,1,2,30,40"}, "1 of 1 annotated photos are not in"),
        ({"output": "{photos}/two.png/out"}, "two.png/out.partial cannot be written"),
    ],
)
def test_mistakes_leave_nothing_behind(change, message, photos, boxes, tmp_path):
    if "rows" in change:
        boxes.write_text(f"{HEADER}{change['rows']}\n")
    given = {"photos": str(photos), "output": str(tmp_path / "out"), **change}
    given["output"] = given["output"].format(photos=photos)
    with pytest.raises(ValueError, match=message):
        anonymize.run(
            settings("blackout"), tmp_path, given["photos"], str(boxes), given["output"]
        )
    assert not list(tmp_path.glob("out*"))


def test_the_original_is_refused_before_anything_is_written(photos, boxes, tmp_path):
    run = (settings("original"), tmp_path, str(photos), str(boxes))
    with pytest.raises(ValueError, match=r"one of blackout, blur, .*ciagan; got orig"):
        anonymize.run(*run, str(tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))


def test_a_photo_in_two_spellings_loses_the_faces_of_both(photos, boxes, tmp_path):
    boxes.write_text(f"{HEADER}two.png,0,0,20,20\n./two.png,40,40,20,20\n")
    black(photos, boxes, tmp_path / "out")
    after = np.asarray(Image.open(tmp_path / "out" / "two.png"))
    assert not after[:20, :20].any()
    assert not after[40:60, 40:60].any()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_two_names_of_one_file_are_refused(link, photos, boxes, tmp_path):
    link(photos / "two.png", photos / "again.png")
    boxes.write_text(f"{HEADER}two.png,0,0,20,20\nagain.png,40,40,20,20\n")
    with pytest.raises(ValueError, match=r"two\.png and again\.png are one file"):
        black(photos, boxes, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("name", ["faces.csv", "Faces.CSV", "metadata.json"])
def test_annotations_with_a_name_of_the_output_are_refused(
    name, photos, boxes, tmp_path
):
    with pytest.raises(ValueError, match=r"must not be called .*; got .*; rename"):
        black(photos, boxes.rename(tmp_path / name).absolute(), tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_folder_with_a_name_of_the_output_is_refused(photos, boxes, tmp_path):
    (photos / "a").rename(photos / "Boxes.csv")
    boxes.write_text(f"{HEADER}Boxes.csv/one.png,1,2,30,40\n")
    with pytest.raises(ValueError, match=r"got Boxes\.csv/one\.png; rename it"):
        black(photos, boxes, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("x", [-9, 91])
def test_a_face_at_the_border_is_as_wide_as_it_is(x, photos, boxes, tmp_path):
    """Of its 18 pixels 9 are in the photo, fewer than the 10 that faces are kept by."""
    boxes.write_text(f"{HEADER}a/one.png,{x},20,18,18\n")
    black(photos, boxes, tmp_path / "out")
    assert [row["action"] for row in log_of(tmp_path / "out")] == ["generated"]
    after = np.asarray(Image.open(tmp_path / "out" / "a" / "one.png"))
    assert not after[20:38, max(x, 0) : x + 18].any()


def test_a_generator_takes_a_face_at_the_border(photos, boxes, tmp_path, anonymization):
    boxes.write_text(f"{HEADER}a/one.png,-9,-5,30,40\n")
    output = tmp_path / "out"
    config = settings("sun2018", anonymization)
    anonymize.run(config, tmp_path, str(photos), str(boxes), str(output))
    assert log_of(output)[0]["action"] == "generated"
    before, _ = reader.read(photos / "a" / "one.png")
    after = np.asarray(Image.open(output / "a" / "one.png"))
    inside = np.s_[:35, :21]
    assert (after[inside] == before[inside]).all(axis=2).mean() < 0.1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_finished_folder_tells_nothing_of_the_camera(suffix, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    exif = Image.Exif()
    exif[MAKE] = "Secret"
    exif.get_ifd(GPS)[1] = "N"
    profile = ImageCms.ImageCmsProfile(reader.SRGB).tobytes()
    path = photos / f"one{suffix}"
    Image.new("RGB", (100, 80), "red").save(path, exif=exif, icc_profile=profile)
    assert b"Secret" in path.read_bytes()
    boxes = tmp_path / "boxes.csv"
    boxes.write_text(f"{HEADER}{path.name},1,2,30,40\n")
    black(photos, boxes, tmp_path / "out")
    assert b"Secret" not in (tmp_path / "out" / path.name).read_bytes()
    with Image.open(tmp_path / "out" / path.name) as image:
        assert not set(image.getexif()) & {GPS, MAKE, ORIENTATION}
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()


def test_a_full_disk_is_told_and_the_run_goes_on(photos, boxes, tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write", full)
        with pytest.raises(ValueError, match=r"No space left .*same command goes"):
            black(photos, boxes, tmp_path / "out")
    black(photos, boxes, tmp_path / "out")
    assert len(log_of(tmp_path / "out")) == 2


def test_a_log_that_was_torn_is_mended(photos, boxes, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            black(photos, boxes, tmp_path / "out")
    with (tmp_path / "out.partial" / "faces.csv").open("ab") as log:
        log.write(b'two.png,0,generated,none\r\n"two.png\xc3')
    black(photos, boxes, tmp_path / "out")
    assert (tmp_path / "out" / "faces.csv").read_text().splitlines() == [
        "filename,face,action,keypoints",
        "a/one.png,0,generated,none",
        "a/one.png,,written,",
        "two.png,0,generated,none",
        "two.png,,written,",
    ]


@pytest.mark.parametrize("name", ["boxes.csv", "corrected.csv"])
def test_a_run_does_not_go_on_with_corrected_boxes(
    name, photos, boxes, tmp_path, monkeypatch
):
    """Else the photos that are done would show the faces that were added."""
    with monkeypatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            black(photos, boxes, tmp_path / "out")
    corrected = boxes.rename(tmp_path / name)
    corrected.write_text(f"{corrected.read_text()}a/one.png,60,10,30,40\n")
    match = "begun with other annotations|holds boxes.csv, which this run"
    with pytest.raises(ValueError, match=match):
        black(photos, corrected, tmp_path / "out")
    (tmp_path / "out.partial" / "boxes.csv").unlink()
    with pytest.raises(ValueError, match="begun with other annotations"):
        black(photos, corrected, tmp_path / "out")


def test_nothing_is_published_that_the_run_does_not_make(photos, boxes, tmp_path):
    stray = tmp_path / "out.partial" / "a" / "stray.png"
    stray.parent.mkdir(parents=True)
    (photos / "other.png").rename(stray)
    with pytest.raises(ValueError, match=r"holds a/stray\.png, which this run does"):
        black(photos, boxes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_metadata_of_a_run_names_no_path(photos, boxes, tmp_path):
    black(photos, boxes, tmp_path / "out")
    written = [tmp_path / "out" / name for name in ("metadata.json", "faces.csv")]
    assert all(str(tmp_path) not in path.read_text() for path in written)
