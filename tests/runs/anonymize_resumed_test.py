"""Runs of --mode=anonymize again: what was interrupted goes on, what is whole stays."""

import errno
import hashlib
import json
import os
import pathlib

import numpy as np
import pytest
from annotated_photos import BOX, HEADER, anonymized, black, log_of
from PIL import Image

from safefakes_tf import locks
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import AnonymizationConfig
from safefakes_tf.photos import writer

pytestmark = pytest.mark.usefixtures(
    "anonymizers_traced_once", "keypoints_of_every_face"
)


def stop_before_the_second(patch):
    """Let the run end when it writes its second photo; threads may begin with it."""
    write = writer.write

    def stop(path, *arguments):
        if path.name == "two.png":
            raise KeyboardInterrupt
        write(path, *arguments)

    patch.setattr(writer, "write", stop)


def interrupted(photos, boxes, output, name="blackout", options=None):
    """Leave a run that was interrupted at its second photo."""
    with pytest.MonkeyPatch.context() as patch:
        stop_before_the_second(patch)
        with pytest.raises(KeyboardInterrupt):
            anonymized(name, photos, boxes, output, options)
    return output.with_name(f"{output.name}.partial")


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
        "filename,face,action,keypoints,score,source,number,x,y,width,height",
        "a/one.png,0,generated,none,,annotated,1,20,10,30,40",
        "a/one.png,,written,,,,,,,,",
        "two.png,0,generated,none,,annotated,2,20,10,30,40",
        "two.png,,written,,,,,,,,",
    ]


def test_nothing_is_published_that_the_run_does_not_make(photos, boxes, tmp_path):
    stray = tmp_path / "out.partial" / "a" / "stray.png"
    stray.parent.parent.mkdir(mode=0o700)
    stray.parent.mkdir()
    (photos / "other.png").rename(stray)
    with pytest.raises(ValueError, match=r"holds a/stray\.png, which this run does"):
        black(photos, boxes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# === Inputs that change, and others at work ===


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


# === A folder that is finished ===


def test_a_run_that_is_repeated_is_told_that_it_is_complete(
    photos, boxes, tmp_path, capsys
):
    black(photos, boxes, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "journal.jsonl").touch()  # as of a kill at the very end
    capsys.readouterr()
    black(photos, boxes, tmp_path / "out")
    words = f"--output {tmp_path / 'out'} is complete, and nothing is to be done\n"
    assert capsys.readouterr().out.endswith(words)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert after == before


def test_a_kill_behind_the_name_costs_no_rights(photos, boxes, tmp_path):
    black(photos, boxes, tmp_path / "out")
    usual = (tmp_path / "out").stat().st_mode
    (tmp_path / "out").chmod(0o700)
    (tmp_path / "out" / "journal.jsonl").touch()
    black(photos, boxes, tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode == usual


def test_nothing_is_removed_from_a_folder_that_no_run_has_made(photos, boxes, tmp_path):
    names = ("metadata.json", "journal.jsonl", *locks.FILES)
    (tmp_path / "out").mkdir()
    for name in names:
        (tmp_path / "out" / name).write_text("{}")
    with pytest.raises(ValueError, match=r"cannot be told; name another"):
        black(photos, boxes, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*names}


def replace(photos, boxes):
    (photos / "other.png").rename(photos / "two.png")


def append(photos, boxes):
    boxes.write_text(f"{boxes.read_text()}other.png,1,2,30,40\n")


def take_out(photos, boxes):
    boxes.write_text(f"{HEADER}two.png,{','.join(map(str, BOX))}\n")


def correct(photos, boxes):
    boxes.write_text(boxes.read_text().replace("20,10,30,40", "20,10,30,41"))


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (replace, "blackout", r"photos replaced \(1\): two\.png"),
        (append, "blackout", r"new photos \(1\): other\.png"),
        (take_out, "blackout", r"photos gone \(1\): a/one\.png"),
        (correct, "blackout", r"photos with other boxes \(2\): a/one\.png, two\.png"),
        (
            replace,
            "blur",
            r"data\.anonymizer: blackout -> blur; photos replaced .*: two\.png",
        ),
    ],
)
def test_a_finished_folder_is_not_taken_for_another_one(
    change, name, words, photos, boxes, tmp_path
):
    black(photos, boxes, tmp_path / "out")
    change(photos, boxes)
    words = rf"^--output [^\n]* from something else \({words}\); name another [^\n]*$"
    with pytest.raises(ValueError, match=words):
        anonymized(name, photos, boxes, tmp_path / "out")
    assert not (tmp_path / "out.partial").exists()


def test_a_finished_folder_does_not_tell_which_files_it_was_made_from(
    photos, boxes, tmp_path
):
    black(photos, boxes, tmp_path / "out")
    told = (tmp_path / "out" / "metadata.json").read_text()
    for path in photos.rglob("*.*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:8] not in told


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: [told.pop(key) for key in ("made_from", "photos")],  # version 0.8
        lambda told: told.update(photos=[]),
        lambda told: told["photos"].update({"two.png": {}}),
        lambda told: told["photos"].update({"two.png": "sha256 boxes_sha256"}),
    ],
)
def test_what_a_folder_does_not_tell_of_itself_is_not_guessed(
    damage, photos, boxes, tmp_path
):
    black(photos, boxes, tmp_path / "out")
    path = tmp_path / "out" / "metadata.json"
    told = json.loads(path.read_text())
    damage(told)
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"complete, .* cannot be told; name another"):
        black(photos, boxes, tmp_path / "out")
