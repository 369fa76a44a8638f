"""What --mode=anonymize does with photos and annotations as people have them."""

import csv
import dataclasses
import io
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from safefakes_tf import own_inputs, unfinished
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.config.data import OwnPhotosConfig
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.photos import writer
from safefakes_tf.runs import anonymize

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

HEADER = "filename,x,y,width,height\n"
BOX = "20,10,30,40"
WRITTEN = ("faces.csv", "metadata.json", "review.html")  # beside photos and boxes


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a/one.png", "two.png", "other.png"):
        pixels = rng.integers(1, 256, [80, 100, 3], np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def boxes(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(f"{HEADER}a/one.png,{BOX}\ntwo.png,{BOX}\n")
    return path


@pytest.fixture
def settings(photos, boxes, tmp_path):
    paths = map(str, (photos, boxes, tmp_path / "out"))
    return Anonymize(OwnPhotosConfig("blackout"), 0, *paths)


def run(settings, **changes):
    settings = dataclasses.replace(settings, **changes)
    anonymize.run(settings, own_inputs.checked(settings))


def faces_of(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


def interrupt(settings):
    """Leave a run that was interrupted at its second photo; return its folder."""
    write = writer.write

    def stop(path, *arguments):
        if path.name == "two.png":
            raise KeyboardInterrupt
        write(path, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            run(settings)
    return pathlib.Path(f"{settings.output}.partial")


# === Annotations that change ===


@pytest.mark.parametrize("name", ["boxes.csv", "corrected.csv"])
def test_photos_with_corrected_boxes_are_done_anew(name, settings, boxes, tmp_path):
    """Else they would show the faces that were added."""
    interrupt(settings)
    corrected = boxes.rename(tmp_path / name)
    corrected.write_text(f"{corrected.read_text()}a/one.png,60,10,30,40\n")
    run(settings, annotations=str(corrected))
    after = pixels_of(tmp_path / "out" / "a" / "one.png")
    assert not after[10:50, 20:50].any() and not after[10:50, 60:90].any()
    assert len(faces_of(tmp_path / "out")) == 3
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"a", "two.png", name, *WRITTEN}


def test_boxes_that_are_corrected_twice_are_those_that_are_hidden(
    settings, boxes, tmp_path, monkeypatch
):
    """Also if a kill comes when the photo is there, and the journal not yet."""
    interrupt(settings)
    before = boxes.read_text()
    boxes.write_text(f"{HEADER}a/one.png,60,40,20,20\n")
    add = unfinished.Unfinished.add

    def stop(self, name, **about):
        if about:
            raise KeyboardInterrupt
        add(self, name, **about)

    with monkeypatch.context() as patch:
        patch.setattr(unfinished.Unfinished, "add", stop)
        with pytest.raises(KeyboardInterrupt):
            run(settings)
    boxes.write_text(before)
    run(settings)
    assert not pixels_of(tmp_path / "out" / "a" / "one.png")[10:50, 20:50].any()


@pytest.mark.parametrize("known", [True, False])
def test_photos_that_are_taken_out_are_not_published(known, settings, boxes, tmp_path):
    """Also one that was there when the kill came, and that the journal lacks."""
    journal = interrupt(settings) / "journal.jsonl"
    if not known:
        journal.write_text(journal.read_text().splitlines()[0] + "\n")
    boxes.write_text(f"{HEADER}two.png,{BOX}\nother.png,{BOX}\n")
    run(settings)
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"two.png", "other.png", "boxes.csv", *WRITTEN}
    assert len(faces_of(tmp_path / "out")) == 2


# === Names ===


def test_photos_whose_names_an_output_takes_for_one_are_refused(
    settings, photos, boxes, tmp_path, monkeypatch
):
    """As on a disk to which case is nothing; another disk has the photos."""
    names = ["TWO.png", "two.png"]
    (photos / "other.png").rename(photos / "TWO.png")
    boxes.write_text(HEADER + "".join(f"{name},{BOX}\n" for name in names))
    add = unfinished.Unfinished.add

    def add_to_one_file(self, name, **about):
        add(self, name, **about)
        if name == "two.png" and about:
            (self.folder / "TWO.png").unlink()
            (self.folder / "TWO.png").hardlink_to(self.folder / "two.png")

    words = r"^TWO\.png and two\.png have one name .*such pairs: 1\).* file system$"
    with monkeypatch.context() as patch:
        patch.setattr(unfinished.Unfinished, "add", add_to_one_file)
        for _ in range(2):
            with pytest.raises(ValueError, match=words):
                run(settings)
            assert not (tmp_path / "out").exists()
    run(settings)  # the disk is another one now
    for name in names:
        expected = pixels_of(photos / name).copy()
        expected[10:50, 20:50] = 0
        np.testing.assert_array_equal(pixels_of(tmp_path / "out" / name), expected)


# === Photos that cannot be read, or only just ===


def test_all_unreadable_photos_are_named_at_once(settings, photos, boxes, tmp_path):
    names = [f"bad{index:02}.jpg" for index in range(12)]
    for name in names:
        (photos / name).write_bytes(b"no photo")
    rows = "".join(f"{name},{BOX}\n" for name in names)
    boxes.write_text(f"{boxes.read_text()}{rows}")
    words = r"^12 of 14 photos [^(]*\(bad00\.jpg: it is none .*bad09\.jpg: [^;]*; …\)"
    with pytest.raises(ValueError, match=f"{words}.*--skip_unreadable$"):
        run(settings)
    assert not list(tmp_path.glob("out*"))


def test_unreadable_photos_are_left_out_and_listed(settings, photos, tmp_path, capsys):
    encoded = (photos / "two.png").read_bytes()
    (photos / "two.png").write_bytes(encoded[: len(encoded) // 2])
    run(settings, skip_unreadable=True)
    assert "skipped: 1 photos that cannot be read: two.png\n" in capsys.readouterr().out
    assert not (tmp_path / "out" / "two.png").exists()
    lines = (tmp_path / "out" / "faces.csv").read_text().splitlines()
    assert lines[1:] == [
        "a/one.png,0,generated,none,,annotated,1,20,10,30,40",
        "a/one.png,,written,,,,,,,,",
        "two.png,,unreadable,,,,,,,,",
    ]


def test_a_jpeg_without_its_end_is_read_with_a_warning(
    settings, photos, boxes, tmp_path, capsys
):
    buffer = io.BytesIO()
    Image.open(photos / "other.png").save(buffer, "JPEG")
    (photos / "cut.jpg").write_bytes(buffer.getvalue()[:-2])
    boxes.write_text(f"{HEADER}cut.jpg,{BOX}\n")
    run(settings)
    assert "warning: 1 of 1 photos lack their last bytes" in capsys.readouterr().out
    assert pixels_of(tmp_path / "out" / "cut.jpg")[12:48, 22:48].max() < 40


def test_photos_larger_than_allowed_are_refused(settings):
    words = r"0\.008 megapixels, and --max_megapixels is 0\.0079"
    with pytest.raises(ValueError, match=words):
        run(settings, max_megapixels=0.0079)


def test_heic_comes_out_as_heic_and_without_metadata(settings, photos, boxes, tmp_path):
    pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x010F] = "Secret"
    Image.new("RGB", (100, 80), "white").save(photos / "phone.heic", exif=exif)
    boxes.write_text(f"{HEADER}phone.heic,{BOX}\n")
    run(settings)
    assert b"Secret" in (photos / "phone.heic").read_bytes()
    assert b"Secret" not in (tmp_path / "out" / "phone.heic").read_bytes()
    after = pixels_of(tmp_path / "out" / "phone.heic")
    assert after[14:46, 24:46].max() < 40 and after[:, 60:].min() > 230


# === Strict by default ===


def test_no_face_is_kept_and_filters_follow_the_face(settings, boxes, tmp_path):
    boxes.write_text(f"{HEADER}two.png,10,10,5,6\n")
    run(settings, data=OwnPhotosConfig("pixelate"))
    assert [row["action"] for row in faces_of(tmp_path / "out")] == ["generated"]
    after = pixels_of(tmp_path / "out" / "two.png")[10:16, 10:15]
    assert len(np.unique(after.reshape(-1, 3), axis=0)) == 1
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    options = metadata["options"]["anonymization"]
    assert (options["strength"], options["min_width"]) == ("face", 0)


def test_every_face_of_a_large_crowd_goes(settings, photos, boxes, tmp_path):
    corners = [(x, y) for y in range(0, 300, 10) for x in range(0, 500, 10)]
    pixels = np.random.default_rng(0).integers(0, 256, [300, 500, 3], np.uint8)
    Image.fromarray(pixels).save(photos / "crowd.png")
    rows = (f"crowd.png,{x},{y},8,9\n" for x, y in corners)
    boxes.write_text(HEADER + "".join(rows))
    output = tmp_path / "out [1] ä"  # as people call folders
    run(settings, data=OwnPhotosConfig("pixelate"), output=str(output))
    assert [row["action"] for row in faces_of(output)] == ["generated"] * 1500
    after = pixels_of(output / "crowd.png")
    cells = np.stack([after[y : y + 9, x : x + 8] for x, y in corners])
    # A cell of a mosaic is more than a pixel: neighbours are alike.
    alike = (cells[:, 1::2][:, :4] == cells[:, ::2][:, :4]).all(axis=(2, 3))
    assert alike.any(axis=1).all()


def test_fullblur_is_refused_unless_insisted_on(settings, tmp_path):
    with pytest.raises(ValueError, match=r"^fullblur .* large faces stay recognisable"):
        run(settings, data=OwnPhotosConfig("fullblur"))
    run(settings, data=OwnPhotosConfig("fullblur", AnonymizationConfig()))
    assert (tmp_path / "out" / "two.png").exists()
