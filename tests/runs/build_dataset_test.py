"""--mode=build_dataset: what it says, what it leaves, on real photos where they are."""

import dataclasses
import importlib.util
import json

import numpy as np
import pytest
import scipy.io
import tensorflow as tf
import tensorflow_datasets as tfds

import safefakes_tf
from safefakes_tf import faces
from safefakes_tf.config import BuildDataset, DataConfig
from safefakes_tf.runs import build_dataset
from tfds_builders import registry as builders

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

EVENT = "0--Parade"


@pytest.fixture
def config(tmp_path):
    """Settings for a made-up, partial WIDER FACE: two validation photos."""
    split = tmp_path / "raw" / "wider_face_split"
    photos = tmp_path / "raw" / "WIDER_val" / "images" / EVENT
    split.mkdir(parents=True)
    photos.mkdir(parents=True)
    lines = []
    for index in range(2):
        image = np.random.default_rng(index).integers(0, 256, (40, 60, 3), np.uint8)
        encoded = tf.io.encode_jpeg(image).numpy()
        (photos / f"{index}.jpg").write_bytes(encoded)
        lines += [f"{EVENT}/{index}.jpg", "2"]
        lines += ["4 5 20 20 0 0 0 0 0 0 ", "30 5 4 4 0 0 0 0 0 0 "]
    (split / "wider_face_val_bbx_gt.txt").write_text("\n".join(lines))
    names = _column(["0", "1"])
    rows = _column([np.uint8([[1]])] * 2)
    for difficulty in ("easy", "medium", "hard"):
        lists = {"file_list": _column([names]), "gt_list": _column([rows])}
        path = split / f"wider_{difficulty}_val.mat"
        scipy.io.savemat(path, {"event_list": _column([EVENT]), **lists})
    return BuildDataset(
        data=DataConfig(
            dataset="widerface",
            anonymizer="blackout",
            data_dir=str(tmp_path / "data"),
            manual_dir=str(tmp_path / "raw"),
            allow_partial=True,
        )
    )


def _column(items):
    column = np.empty((len(items), 1), object)
    column[:, 0] = items
    return column


def test_it_tells_where_how_many_and_what_next(config, tmp_path, capsys):
    build_dataset.run(config, tmp_path / "work")
    printed = capsys.readouterr().out
    builder = builders.create_builder(config.data, config.seed)
    assert str(builder.data_path) in printed
    assert (
        "validation: 2 photos, 4 faces, 2 kept, 2 generated, 0 blacked_out" in printed
    )
    last = printed.strip().splitlines()[-1]
    assert "--mode=train_detector --dataset=widerface --anonymizer=blackout" in last
    assert len(builder.as_dataset(split="validation")) == 2


def test_a_second_run_reads_what_the_first_stored(config, tmp_path, capsys):
    build_dataset.run(config, tmp_path)
    first = capsys.readouterr().out.splitlines()[-3:]
    (tmp_path / "raw").rename(tmp_path / "gone")
    build_dataset.run(config, tmp_path)
    assert capsys.readouterr().out.splitlines() == first


def test_a_data_set_of_another_version_is_used_and_named(
    config, tmp_path, capsys, monkeypatch
):
    build_dataset.run(config, tmp_path)
    assert "made by version" not in capsys.readouterr().out
    monkeypatch.setattr(safefakes_tf, "__version__", "9.9.9")
    build_dataset.run(config, tmp_path)
    assert "this is 9.9.9; remove that folder" in capsys.readouterr().out


def test_a_second_run_with_other_photos_is_a_one_line_error(config, tmp_path):
    build_dataset.run(config, tmp_path)
    photo = tmp_path / "raw" / "WIDER_val" / "images" / EVENT / "1.jpg"
    photo.unlink()
    with pytest.raises(ValueError, match=r"^[^\n]*was built from other photos[^\n]*$"):
        build_dataset.run(config, tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_options": "--x"}, r"^--beam_options are of --runner=beam; add that$"),
        ({"runner": "beam"}, r"^--runner=beam needs Apache Beam; install it [^\n]*$"),
        (
            {"runner": "beam", "beam_options": "'"},
            r"^--beam_options must be flags as in a shell: [^\n]*$",
        ),
    ],
)
def test_what_beam_cannot_have_is_told_first(
    config, tmp_path, monkeypatch, options, message
):
    found = None if len(options) == 1 else True
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ValueError, match=message):
        build_dataset.run(dataclasses.replace(config, **options), tmp_path)
    assert not (tmp_path / "data").exists()


def test_on_the_fly_only_the_source_is_prepared(config, tmp_path):
    data = dataclasses.replace(config.data, anonymize="on_the_fly")
    build_dataset.run(dataclasses.replace(config, data=data), tmp_path)
    assert builders.create_source_builder(data).data_path.exists()
    assert not builders.create_builder(data, config.seed).data_path.exists()


def test_a_partial_copy_is_a_one_line_error(config, tmp_path):
    data = dataclasses.replace(config.data, allow_partial=False)
    with pytest.raises(ValueError, match=r"^[^\n]*allow_partial=true[^\n]*$"):
        build_dataset.run(dataclasses.replace(config, data=data), tmp_path)


@pytest.mark.slow
def test_the_local_subset_of_real_photos(shared_data, tmp_path):
    subset, raw = shared_data / "wider_val_subset", tmp_path / "raw"
    (raw / "wider_face_split").mkdir(parents=True)
    (raw / "WIDER_val").symlink_to(subset / "WIDER_val")
    text = "wider_face_split/wider_face_val_bbx_gt.txt"
    (raw / text).symlink_to(subset / text)
    for path in (shared_data / "wider_gt").glob("wider_*_val.mat"):
        (raw / path.name).symlink_to(path)
    data = DataConfig(
        dataset="widerface",
        anonymizer="pixelate",
        data_dir=str(tmp_path / "data"),
        manual_dir=str(raw),
        allow_partial=True,
    )
    build_dataset.run(BuildDataset(data=data), tmp_path)
    stored = json.loads(
        (builders.create_builder(data, 0).data_path / "metadata.json").read_text()
    )
    counts = stored["counts"]["validation"]
    assert (counts["photos"], counts["faces"]) == (312, 2792)
    sources, derived = (
        builder.as_dataset(
            split="validation", decoders={faces.IMAGE: tfds.decode.SkipDecoding()}
        ).as_numpy_iterator()
        for builder in (
            builders.create_source_builder(data),
            builders.create_builder(data, 0),
        )
    )
    totals = dict.fromkeys((faces.INVALID, faces.EASY, faces.MEDIUM, faces.HARD), 0)
    for source, record in zip(sources, derived, strict=True):
        faces.validate_faces(record)
        for key in set(source) - {faces.IMAGE}:
            np.testing.assert_array_equal(source[key], record[key])
        for key in totals:
            totals[key] += int(source[key].sum())
    assert list(totals.values()) == [92, 583, 955, 2223]
