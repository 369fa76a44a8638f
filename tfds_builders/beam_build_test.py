"""Builds by workers of Apache Beam: equal to those of one machine, and as robust."""

import contextlib
import os

import pytest

beam = pytest.importorskip("apache_beam", reason="Apache Beam is an extra")

from apache_beam.options.pipeline_options import PipelineOptions
from toy_faces import NUM_PHOTOS

from safefakes_tf import faces, printing
from safefakes_tf.anonymizers import face_cutting
from tfds_builders import (
    beam_build,
    beam_local_workers,
    face_crops,
    face_crops_test,
    keypoint_store,
    parts,
    resumable_build,
)
from tfds_builders.builder_config import AnonymizedConfig
from tfds_builders.resumable_build_test import (
    CROWD,
    FILTER,
    NUM_PARTS,
    Broken,
    encoded,
    files,
    interrupt,
    small_parts,
    source,
    toy,
    whole,
)

# In this process: others would import TensorFlow first.
HERE = ("--direct_running_mode=in_memory", "--direct_num_workers=1")
GENERATED = {"anonymizer": "sun2018", "anonymization": CROWD}


def test_workers_write_the_bytes_of_one_machine(toy):
    alone, together = toy("one", **GENERATED), toy("two", **GENERATED)
    alone.prepare()
    together.prepare(beam_options=HERE)
    assert files(together) == files(alone)
    assert not resumable_build.folder_of(together).exists()


@pytest.mark.parametrize("first", ["alone", "together"])
def test_one_goes_on_with_what_the_other_began(
    toy,
    whole,
    monkeypatch,
    encoded,
    first,
):
    options = {"alone": None, "together": HERE}
    with monkeypatch.context() as patch, pytest.raises(BaseException, match="stop"):
        interrupt(patch, 3, KeyError("stop"))
        toy().prepare(beam_options=options.pop(first))
    [second] = options.values()
    del encoded[:]
    toy().prepare(beam_options=second)
    assert len(encoded) == NUM_PHOTOS  # half of them
    assert files(toy()) == whole


@pytest.mark.parametrize("first", [None, HERE])
def test_faces_are_cut_out_as_on_one_machine(tmp_path, monkeypatch, first):
    """Also where one goes on with what the other began."""
    alone, together = map(face_crops_test._create, (tmp_path / "one", tmp_path / "two"))
    cutter = face_cutting.cutter(face_crops_test.SUN2018)
    alone.prepare()
    together.prepare()
    face_crops.prepare(alone, cutter)
    with monkeypatch.context() as patch, pytest.raises(BaseException, match="stop"):
        interrupt(patch, 1, KeyError("stop"))
        face_crops.prepare(together, cutter, first)
    face_crops.prepare(together, cutter, None if first else HERE)
    expected = face_crops_test.files(alone, cutter)
    assert face_crops_test.files(together, cutter) == expected


def test_a_photo_that_does_not_decode_is_named_and_all_other_parts_are_made(tmp_path):
    config = AnonymizedConfig(anonymizer=FILTER)
    builder = Broken.create(config, data_dir=str(tmp_path))
    message = r"^1 of 6 parts could not be made \(photo train/3.jpg [^\n]*are kept$"
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            builder.prepare(beam_options=HERE)
        folder = resumable_build.folder_of(builder)
        assert len(list(folder.glob("*-*.json"))) == NUM_PARTS - 1
        assert not builder.data_path.exists()


def test_a_full_disk_is_one_line(toy, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, 2, OSError(28, "No space left on device"))
        with pytest.raises(
            ValueError, match=r"^[^\n]*No space left[^\n]* goes on[^\n]*"
        ):
            toy().prepare(beam_options=HERE)
    toy().prepare(beam_options=HERE)
    assert toy().info.metadata["counts"]["train"]["photos"] == 7


def test_a_worker_that_rounds_in_another_way_makes_no_part(toy, tmp_path):
    builder = toy(**GENERATED)
    part = parts.Part("train", 0, 0, 3)
    job = resumable_build.Job(tmp_path, [part], {}, None, builder.info.file_format)
    other = {**builder.info.metadata["arithmetic"], "instruction_set": "abacus"}
    worker = beam_build.Worker(builder.recipe(), job, other)
    assert list(worker.make_part(0)) == []
    [failure] = parts.failures(tmp_path)
    assert "rounds in another way" in failure
    assert failure == printing.escaped(failure)
    worker = beam_build.Worker(toy().recipe(), job, other)  # of a filter
    assert list(worker.make_part(0)) == [1]


def test_keypoints_are_searched_by_the_workers(toy, monkeypatch):
    monkeypatch.setattr(keypoint_store, "attach", None)
    builder = toy(**GENERATED)
    builder.prepare(beam_options=HERE)
    folder = builder.source_builder().data_path / keypoint_store.FOLDER
    assert len(list(folder.glob("*.npz"))) == NUM_PARTS
    records = builder.as_dataset("train").as_numpy_iterator()
    assert any(record[faces.HAS_KEYPOINTS].any() for record in records)


def test_workers_that_see_another_folder_are_told_of(toy, monkeypatch):
    monkeypatch.setattr(beam_build, "_build", lambda *_: None)
    monkeypatch.setattr(beam_build, "_pipeline", contextlib.nullcontext)
    with pytest.raises(ValueError, match=r"but 6 of their files are not there; all "):
        toy().prepare(beam_options=())
    assert not toy().data_path.exists()


def test_wrong_options_are_one_line(toy):
    for wrong in ("--runner=Fling", "--direct_num_workers=two"):
        with pytest.raises(ValueError, match=r"^--beam_options are not as [^\n]*$"):
            toy().prepare(beam_options=[wrong])


def test_the_death_of_a_worker_is_told():
    """Beam alone would wait for ever."""
    options = PipelineOptions([*beam_local_workers.OPTIONS, "--direct_num_workers=2"])
    runner = beam_local_workers.runner(options)
    with (
        pytest.raises(RuntimeError, match="Worker subprocess exited with return code"),
        beam_local_workers.watched(),
        beam.Pipeline(runner, options=options) as pipeline,
    ):
        dying = beam.Map(lambda number: os.kill(os.getpid(), number))
        _ = pipeline | beam.Create([9]) | dying
