"""From a folder of photos with boxes to one without the faces."""

import csv
import errno
import json
import os
import pathlib

import fake_keypoints
import numpy as np
import pytest
from PIL import Image, ImageCms

from safefakes_tf import locks
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.config.data import OwnPhotosConfig
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.keypoints import mediapipe
from safefakes_tf.photos import inspection, reader, writer
from safefakes_tf.runs import anonymize

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

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


def anonymized(name, photos, boxes, output, options=None):
    """Run the mode; `output` is the folder to make."""
    data = OwnPhotosConfig(name, options or AnonymizationConfig())
    paths = map(str, (photos, boxes, output))
    anonymize.run(Anonymize(data, 0, *paths), pathlib.Path(output).parent)


def black(photos, boxes, output):
    """Black the faces out; `output` is the folder to make."""
    anonymized("blackout", photos, boxes, output)


def stop_before_the_second(patch):
    """Let the run end when it writes its second photo; threads may begin with it."""
    write = writer.write

    def stop(path, *arguments):
        if path.name == "two.png":
            raise KeyboardInterrupt
        write(path, *arguments)

    patch.setattr(writer, "write", stop)


def log_of(folder):
    with (folder / "faces.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["face"]]


def test_faces_go_and_everything_else_stays(photos, boxes, tmp_path, capsys):
    output = tmp_path / "out"
    black(photos, boxes, output)
    assert "2 generated" in capsys.readouterr().out
    x, y, width, height = BOX
    for name in ("a/one.png", "two.png"):
        before, _ = reader.decode_upright((photos / name).read_bytes())
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
    output = tmp_path / "out"
    anonymized("ciagan", photos, boxes, output, anonymization("ciagan"))
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
    with monkeypatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            black(photos, boxes, output)
    assert not output.exists()
    partial = tmp_path / "out.partial"
    first = (partial / "a" / "one.png").stat()
    other = r"begun with .* \(data.anonymizer: blackout -> blur\); remove"
    with pytest.raises(ValueError, match=other):
        anonymized("blur", photos, boxes, output)
    black(photos, boxes, output)
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
        ({"output": "{photos}/two.png/out"}, "two.png/out cannot be written"),
    ],
)
def test_mistakes_leave_nothing_behind(change, message, photos, boxes, tmp_path):
    if "rows" in change:
        boxes.write_text(f"{HEADER}{change['rows']}\n")
    given = {"photos": str(photos), "output": str(tmp_path / "out"), **change}
    given["output"] = given["output"].format(photos=photos)
    with pytest.raises(ValueError, match=message):
        black(given["photos"], boxes, given["output"])
    assert not list(tmp_path.glob("out*"))


def test_the_original_is_refused_before_anything_is_written(photos, boxes, tmp_path):
    with pytest.raises(ValueError, match=r"one of blackout, blur, .*ciagan; got orig"):
        anonymized("original", photos, boxes, tmp_path / "out")
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


def test_a_generator_takes_a_face_at_the_border_and_no_crowd(
    photos, tmp_path, anonymization
):
    bboxes = [(60, 5, 12, 12), (-9, -5, 30, 40), (60, 40, 30, 30)]
    content = {
        "images": [{"id": 1, "file_name": "a/one.png", "width": 100, "height": 80}],
        "annotations": [
            {"id": n, "image_id": 1, "bbox": bbox, "iscrowd": int(n != 1)}
            for n, bbox in enumerate(bboxes)
        ],
    }
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps(content))
    output = tmp_path / "out"
    anonymized("sun2018", photos, boxes, output, anonymization("sun2018"))
    rows = log_of(output)
    actions = ["blacked_out", "generated", "blacked_out"]
    assert [row["action"] for row in rows] == actions
    assert [row["keypoints"] for row in rows] == ["none", "mesh", "none"]
    before, _ = reader.decode_upright((photos / "a" / "one.png").read_bytes())
    after = np.asarray(Image.open(output / "a" / "one.png"))
    inside = np.s_[:35, :21]
    assert (after[inside] == before[inside]).all(axis=2).mean() < 0.1
    assert not after[40:70, 60:90].any()
    assert not after[5:17, 60:72].any()


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


def test_a_journal_that_was_torn_is_mended(photos, boxes, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            black(photos, boxes, tmp_path / "out")
    with (tmp_path / "out.partial" / "journal.jsonl").open("ab") as journal:
        journal.write(b'[7, {"name": "two.png", "sha256": "\xc3')
    black(photos, boxes, tmp_path / "out")
    assert (tmp_path / "out" / "faces.csv").read_text().splitlines() == [
        "filename,face,action,keypoints,score,source",
        "a/one.png,0,generated,none,,annotated",
        "a/one.png,,written,,,",
        "two.png,0,generated,none,,annotated",
        "two.png,,written,,,",
    ]


def test_nothing_is_published_that_the_run_does_not_make(photos, boxes, tmp_path):
    stray = tmp_path / "out.partial" / "a" / "stray.png"
    stray.parent.parent.mkdir(mode=0o700)
    stray.parent.mkdir()
    (photos / "other.png").rename(stray)
    with pytest.raises(ValueError, match=r"holds a/stray\.png, which this run does"):
        black(photos, boxes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_metadata_of_a_run_names_no_path(photos, boxes, tmp_path):
    black(photos, boxes, tmp_path / "out")
    written = [tmp_path / "out" / name for name in ("metadata.json", "faces.csv")]
    assert all(str(tmp_path) not in path.read_text() for path in written)


# === Inputs that change, and others at work ===


def interrupted(photos, boxes, output, name="blackout", options=None):
    """Leave a run that was interrupted at its second photo."""
    with pytest.MonkeyPatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            anonymized(name, photos, boxes, output, options)
    return output.with_name(f"{output.name}.partial")


def test_the_boxes_that_are_hidden_are_those_that_are_written(
    photos, boxes, tmp_path, monkeypatch
):
    """Even if the file is saved again while photos are checked."""
    before, look = boxes.read_bytes(), inspection.look

    def save_again(*arguments):
        boxes.write_text(f"{HEADER}a/one.png,60,40,20,20\n")
        return look(*arguments)

    monkeypatch.setattr(inspection, "look", save_again)
    black(photos, boxes, tmp_path / "out")
    assert (tmp_path / "out" / "boxes.csv").read_bytes() == before
    after = np.asarray(Image.open(tmp_path / "out" / "a" / "one.png"))
    assert not after[10:50, 20:50].any()


def test_a_photo_that_was_replaced_is_done_anew(photos, boxes, tmp_path):
    interrupted(photos, boxes, tmp_path / "out")
    other = np.full([80, 100, 3], 7, np.uint8)
    Image.fromarray(other).save(photos / "a" / "one.png")
    black(photos, boxes, tmp_path / "out")
    x, y, width, height = BOX
    other[y : y + height, x : x + width] = 0
    after = np.asarray(Image.open(tmp_path / "out" / "a" / "one.png"))
    np.testing.assert_array_equal(after, other)
    assert len(log_of(tmp_path / "out")) == 2


def test_a_result_that_is_gone_is_made_anew(photos, boxes, tmp_path):
    partial = interrupted(photos, boxes, tmp_path / "out")
    (partial / "a" / "one.png").unlink()
    black(photos, boxes, tmp_path / "out")
    assert (tmp_path / "out" / "a" / "one.png").exists()


def test_a_generator_goes_on_with_the_same_weights_and_arithmetic(
    photos, boxes, tmp_path, anonymization, monkeypatch
):
    weights = tmp_path / "generator.npz"
    weights.write_bytes(pathlib.Path(anonymization("sun2018").weights).read_bytes())
    options = AnonymizationConfig(weights=str(weights))
    interrupted(photos, boxes, tmp_path / "out", "sun2018", options)
    with monkeypatch.context() as patch:
        patch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
        with pytest.raises(ValueError, match=r"\(instruction_set: .* -> .*AVX2\)"):
            anonymized("sun2018", photos, boxes, tmp_path / "out", options)
    model, about = generator_files.read(weights)
    model.weights[0].assign(model.weights[0] + 1)
    generator_files.write(weights, model, about)
    with pytest.raises(ValueError, match=r"begun with other .*\(weights: .{64} -> "):
        anonymized("sun2018", photos, boxes, tmp_path / "out", options)


@pytest.mark.parametrize("name", ["a", "two.png", "journal.jsonl", "faces.csv"])
def test_no_link_is_followed(name, photos, boxes, tmp_path):
    partial = interrupted(photos, boxes, tmp_path / "out")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_bytes(b"precious")
    target = elsewhere if name == "a" else elsewhere / "file"
    place = partial / name
    if place.exists():
        place.rename(tmp_path / "moved")
    place.symlink_to(target)
    with pytest.raises(ValueError, match=f"holds {name}, which this run does not make"):
        black(photos, boxes, tmp_path / "out")
    assert [path.read_bytes() for path in elsewhere.iterdir()] == [b"precious"]


def test_the_folder_is_for_its_user_alone_until_it_is_whole(photos, boxes, tmp_path):
    partial = interrupted(photos, boxes, tmp_path / "out")
    assert partial.stat().st_mode & 0o777 == 0o700
    partial.chmod(0o777)
    with pytest.raises(ValueError, match="must be a folder for this user alone"):
        black(photos, boxes, tmp_path / "out")
    partial.chmod(0o700)
    black(photos, boxes, tmp_path / "out")
    (tmp_path / "usual").mkdir()
    usual = (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "out").stat().st_mode == usual


def test_a_second_run_of_one_output_is_told_of_the_first(photos, boxes, tmp_path):
    partial = interrupted(photos, boxes, tmp_path / "out")
    with (
        locks.alone_in(partial),
        pytest.raises(ValueError, match=rf"^process {os.getpid()} \([^\n]* works in "),
    ):
        black(photos, boxes, tmp_path / "out")
    black(photos, boxes, tmp_path / "out")
    assert not {path.name for path in (tmp_path / "out").iterdir()} & {*locks.FILES}


def test_a_run_that_is_repeated_is_told_that_it_is_complete(photos, boxes, tmp_path):
    black(photos, boxes, tmp_path / "out")
    (tmp_path / "out" / "journal.jsonl").touch()  # as of a kill at the very end
    with pytest.raises(ValueError, match="is complete, as an earlier run left it"):
        black(photos, boxes, tmp_path / "out")
    assert not (tmp_path / "out" / "journal.jsonl").exists()


# === Annotations of all kinds ===


def test_a_folder_of_labels_is_written_beside_the_photos(photos, tmp_path):
    labels = tmp_path / "labels"
    (labels / "a").mkdir(parents=True)
    (labels / "a" / "one.txt").write_text("0 .35 .375 .3 .5\n")  # BOX, of 100 x 80 px
    (labels / "two.txt").write_text("")
    output = tmp_path / "out"
    black(photos, labels, output)
    after = np.asarray(Image.open(output / "a" / "one.png"))
    x, y, width, height = BOX
    before, _ = reader.decode_upright((photos / "a" / "one.png").read_bytes())
    before[y : y + height, x : x + width] = 0
    np.testing.assert_array_equal(after, before)
    for name in ("a/one.txt", "two.txt"):
        written = (output / "labels" / name).read_bytes()
        assert written == (labels / name).read_bytes()


def test_names_of_another_machine_are_those_of_the_photos(photos, boxes, tmp_path):
    boxes.write_text(f"{HEADER}C:\\photos\\A\\One.png,20,10,30,40\ntwo,20,10,30,40\n")
    black(photos, boxes, tmp_path / "out")
    assert {row["filename"] for row in log_of(tmp_path / "out")} == {
        "a/one.png",
        "two.png",
    }


def test_names_as_long_as_the_file_system_allows(photos, boxes, tmp_path):
    name = f"{'ä' * 125}.png"  # 254 bytes
    (photos / "two.png").rename(photos / name)
    boxes.write_text(f"{HEADER}{name},20,10,30,40\n", encoding="utf-8")
    output = tmp_path / ("ö" * 127)
    black(photos, boxes, output)
    assert (output / name).exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        *("photos", "boxes.csv", output.name),
    }
