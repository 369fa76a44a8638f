"""From a folder of photos that nobody annotated to one without the faces."""

import csv
import dataclasses
import json

import fake_detector
import fake_keypoints
import numpy as np
import pytest
import tqdm
from PIL import Image

import main
from safefakes_tf import own_inputs
from safefakes_tf.config import AnonymizationConfig, DetectionConfig, names
from safefakes_tf.config.data import OwnPhotosConfig
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.keypoints import mediapipe
from safefakes_tf.photos import writer
from safefakes_tf.runs import anonymize, draw_found_faces

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

FACES = {  # photo -> its faces, x y width height
    "a/one.png": [(20, 10, 30, 40)],
    "none.png": [],
    "two.png": [(10, 50, 20, 20), (60, 20, 10, 12)],
}
DETECTION = DetectionConfig(detector="red", margin=0.1)


@pytest.fixture(autouse=True)
def detector(monkeypatch):
    """Let a row of the registry name the fake detector, and return its class."""
    row = names.Detector(fake_detector.ROW, "for tests")
    monkeypatch.setitem(names.DETECTORS, "red", row)
    monkeypatch.setattr(fake_detector.FakeDetector, "num_searched", 0)
    return fake_detector.FakeDetector


@pytest.fixture
def photos(tmp_path):
    """Return a folder of photos with red faces, one of them turned, and a note."""
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, boxes in FACES.items():
        pixels = rng.integers(1, 250, [80, 100, 3], np.uint8)
        for x, y, width, height in boxes:
            pixels[y : y + height, x : x + width] = fake_detector.RED
        image, exif = Image.fromarray(pixels), Image.Exif()
        if name == "two.png":
            image = image.rotate(90, expand=True)  # which its tag undoes
            exif[0x0112] = 6
        image.save(folder / name, exif=exif)
    (folder / "note.txt").write_text("no photo")
    return folder


def settings(photos, output, annotations=None, detection=DETECTION):
    own = OwnPhotosConfig("blackout", AnonymizationConfig(min_width=0))
    named = annotations and str(annotations)
    paths = str(photos), named, str(output)
    return Anonymize(own, 0, *paths, detection=detection)


def run(*arguments, **named):
    given = settings(*arguments, **named)
    anonymize.run(given, own_inputs.checked(given))


def pixels_of(folder):
    return {name: np.asarray(Image.open(folder / name)) for name in FACES}


def is_red(pixels):
    return (pixels == fake_detector.RED).all(axis=2)


def rows_of(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]


def test_faces_are_found_and_hidden_with_a_margin(photos, tmp_path, capsys, detector):
    output = tmp_path / "out"
    run(photos, output)
    after = pixels_of(output)
    assert not any(is_red(pixels).any() for pixels in after.values())
    assert not after["a/one.png"][6:54, 17:53].any()
    assert after["a/one.png"][5].all()
    assert detector.num_searched == 3  # each photo once
    rows = rows_of(output)
    assert [(row["filename"], row["score"]) for row in rows] == [
        ("a/one.png", "0.9000"),
        ("two.png", "0.9000"),
        ("two.png", "0.3000"),
    ]
    content = json.loads((output / "boxes.json").read_text())
    ids = [annotation["id"] for annotation in content["annotations"]]
    assert [int(row["number"]) for row in rows] == ids
    assert {row["source"] for row in rows} == {"red"}
    metadata = json.loads((output / "metadata.json").read_text())
    assert metadata["options"]["detection"]["margin"] == 0.1
    assert metadata["detector_sha256"] == detector.sha256
    said = capsys.readouterr().out
    assert "found:  3 boxes, 1 of them uncertain: many of those are no faces" in said
    assert "photos with uncertain faces: two.png" in said
    assert "no face, or one was missed: none.png" in said
    assert "(left out: 1 .txt)" in said
    assert 'src="a/one.png"' in (output / "review.html").read_text()
    assert {path.name for path in output.iterdir()} == {
        *("a", "none.png", "two.png", "boxes.json", "faces.csv"),
        *("metadata.json", "review.html"),
    }


def test_boxes_that_were_found_can_be_corrected_and_named(photos, tmp_path):
    run(photos, tmp_path / "out")
    boxes = tmp_path / "out" / "boxes.json"
    run(photos, tmp_path / "again", boxes)
    for name, pixels in pixels_of(tmp_path / "out").items():
        np.testing.assert_array_equal(pixels_of(tmp_path / "again")[name], pixels)
    assert {row["source"] for row in rows_of(tmp_path / "again")} == {"annotated"}
    content = json.loads(boxes.read_text())
    assert [image["file_name"] for image in content["images"]] == list(FACES)
    assert (content["images"][2]["width"], content["images"][2]["height"]) == (100, 80)
    content["annotations"] = content["annotations"][:1]  # the rest are no faces
    corrected = tmp_path / "corrected.json"
    corrected.write_text(json.dumps(content))
    run(photos, tmp_path / "third", corrected)
    after = pixels_of(tmp_path / "third")
    assert not is_red(after["a/one.png"]).any()
    assert is_red(after["two.png"]).sum() == 20 * 20 + 10 * 12


def test_an_interrupted_run_does_not_search_again(
    photos, tmp_path, monkeypatch, detector
):
    write = writer.write

    def stop(path, *arguments):
        if path.name == "two.png":
            raise KeyboardInterrupt
        write(path, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            run(photos, tmp_path / "out")
    other = dataclasses.replace(DETECTION, threshold=0.4)
    with pytest.raises(ValueError, match=r"\(detection.threshold: none -> 0.4\)"):
        run(photos, tmp_path / "out", detection=other)
    with monkeypatch.context() as patch:
        patch.setattr(detector, "settings", ["inference.scale=0.5"])
        words = r"^[^\n]*begun with other .*\(detector: 0+ -> 0+ inference.scale=0.5\)"
        with pytest.raises(ValueError, match=words):
            run(photos, tmp_path / "out")
    (done,) = (tmp_path / "out.partial" / "a").iterdir()
    written, detector.num_searched = done.stat().st_mtime_ns, 0
    run(photos, tmp_path / "out")
    assert detector.num_searched == 1
    assert (tmp_path / "out/a/one.png").stat().st_mtime_ns == written
    run(photos, tmp_path / "whole")
    for name in ("boxes.json", "faces.csv", "metadata.json", "review.html"):
        expected = (tmp_path / "whole" / name).read_bytes()
        assert (tmp_path / "out" / name).read_bytes() == expected


def test_the_bar_counts_photos_that_are_written(photos, tmp_path, monkeypatch):
    bars, written, write = [], [], writer.write

    class Bar(tqdm.tqdm):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            bars.append(self)

    def watched(*arguments):
        written.append(bars[-1].n)
        write(*arguments)

    monkeypatch.setattr(anonymize.tqdm, "tqdm", Bar)
    monkeypatch.setattr(writer, "write", watched)
    run(photos, tmp_path / "out")
    assert all(count <= place for place, count in enumerate(written))
    assert bars[-1].n == bars[-1].total == 3
    assert "searched=3" in bars[-1].postfix


def test_a_finished_folder_is_not_taken_for_another_one(
    photos, tmp_path, monkeypatch, detector
):
    output = tmp_path / "out"
    run(photos, output)
    detector.num_searched = 0
    run(photos, output)
    other = dataclasses.replace(DETECTION, threshold=0.4)
    with pytest.raises(ValueError, match=r"\(detection.threshold: none -> 0.4\); name"):
        run(photos, output, detection=other)
    with monkeypatch.context() as patch:
        patch.setattr(detector, "settings", ["inference.scale=0.5"])
        with pytest.raises(ValueError, match=r"\(detector: 0+ -> 0+ inference.scale"):
            run(photos, output)
    with pytest.raises(ValueError, match=r"\(faces: red -> annotated; .*other boxes"):
        run(photos, output, output / "boxes.json")
    (photos / "two.png").rename(photos / "three.png")
    words = r"\(new photos \(1\): three\.png; photos gone \(1\): two\.png\)"
    with pytest.raises(ValueError, match=words):
        run(photos, output)
    assert not detector.num_searched


def test_a_photo_alone(photos, tmp_path):
    run(photos / "a" / "one.png", tmp_path / "out")
    assert not is_red(np.asarray(Image.open(tmp_path / "out" / "one.png"))).any()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda folder: (folder / "two.png").write_bytes(b""),
            r"1 of 3 photos .* \(two\.png",
        ),
        (lambda folder: (folder / "a").rename(folder / "review.html"), "rename it"),
        (lambda folder: [path.unlink() for path in folder.rglob("*.png")], "no photo"),
    ],
)
def test_mistakes_leave_nothing_behind(damage, words, photos, tmp_path):
    damage(photos)
    with pytest.raises(ValueError, match=words):
        run(photos, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_generator_takes_what_is_found(photos, tmp_path, anonymization, monkeypatch):
    monkeypatch.setattr(mediapipe, "MediaPipeDetector", fake_keypoints.FakeDetector)
    given = settings(photos, tmp_path / "out")
    own = OwnPhotosConfig("sun2018", anonymization("sun2018", min_width=0))
    given = dataclasses.replace(given, data=own)
    anonymize.run(given, own_inputs.checked(given))
    rows = rows_of(tmp_path / "out")
    assert {row["action"] for row in rows} == {"generated"}
    assert {row["keypoints"] for row in rows} == {"mesh"}


# === A dry run ===


def test_a_dry_run_draws_what_is_found_and_anonymizes_nothing(
    photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    flags = ["--input=photos", "--output=out", "--dry_run"]
    main.run(["--mode=anonymize", "--detector=red", "--margin=0.1", *flags])
    said = capsys.readouterr().out
    assert "detection.detector: centerface -> red\n" in said
    assert "{" not in said
    assert "they show the faces as they are" in said
    folder = tmp_path / "out.dry_run"
    assert folder.stat().st_mode & 0o777 == 0o700
    written = {"boxes.json", "boxes.json.sha256", "sheet-0001.jpg"}
    assert {path.name for path in folder.iterdir()} == written
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "out.dry_run"}
    sheet = np.asarray(Image.open(folder / "sheet-0001.jpg")).astype(int)
    lime = (sheet[..., 1] > 200) & (sheet[..., [0, 2]].max(axis=2) < 80)
    assert lime.sum() > 500  # of two sure faces
    run(photos, tmp_path / "out")
    boxes = (tmp_path / "out" / "boxes.json").read_bytes()
    assert (folder / "boxes.json").read_bytes() == boxes


def test_a_dry_run_of_many_photos_has_several_sheets(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(draw_found_faces, "ROWS", 1)
    monkeypatch.setattr(draw_found_faces, "COLUMNS", 2)
    draw_found_faces.run(settings(photos, tmp_path / "out"), tmp_path)
    folder = tmp_path / "out.dry_run"
    assert len(list(folder.glob("sheet-*.jpg"))) == 2
    (photos / "two.png").unlink()
    draw_found_faces.run(settings(photos, tmp_path / "out"), tmp_path)
    assert len(list(folder.glob("sheet-*.jpg"))) == 1


def test_corrected_boxes_outlast_a_dry_run(photos, tmp_path):
    given = settings(photos, tmp_path / "out")
    draw_found_faces.run(given, tmp_path)
    boxes = tmp_path / "out.dry_run" / "boxes.json"
    corrected = boxes.read_text().replace("0.3", "0.4")
    draw_found_faces.run(given, tmp_path)  # nobody has corrected anything
    boxes.write_text(corrected)
    for noted in (True, False):  # version 0.11.0 noted nothing
        if not noted:
            boxes.with_name("boxes.json.sha256").unlink()
        with pytest.raises(ValueError, match=rf"^{boxes} is not .* or move it away$"):
            draw_found_faces.run(given, tmp_path)
        assert boxes.read_text() == corrected
        assert boxes.with_name("sheet-0001.jpg").exists()
    boxes.rename(tmp_path / "corrected.json")
    draw_found_faces.run(given, tmp_path)
    assert boxes.read_text() != corrected


@pytest.mark.parametrize("is_link", [False, True])
def test_sheets_go_to_nobody_else(is_link, photos, tmp_path):
    shared = tmp_path / ("elsewhere" if is_link else "out.dry_run")
    shared.mkdir(mode=0o755)
    if is_link:
        (tmp_path / "out.dry_run").symlink_to(shared)
    with pytest.raises(ValueError, match="must be a folder for this user alone"):
        draw_found_faces.run(settings(photos, tmp_path / "out"), tmp_path)
    assert not list(shared.iterdir())
