"""A data set as a folder: read again, it is the same data set."""

import json

import built_copies
import fake_keypoints
import made_up_copies
import made_up_widerface
import numpy as np
import pytest
import toy_faces
from PIL import Image

import main
from safefakes_tf import faces
from safefakes_tf.config import CelebaConfig, FdfConfig, OwnFacesConfig
from safefakes_tf.photos import box_files
from tfds_builders import folder_export
from tfds_builders.builder import AnonymizedBuilder

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

COPIES = {  # name of a data set -> function that writes a copy
    "celeba": made_up_copies.celeba,
    "fdf": made_up_copies.fdf,
    "pipa": made_up_copies.pipa,
    "widerface": made_up_widerface.write_copy,
}


@pytest.fixture(autouse=True)
def fake_search(monkeypatch):
    """Let the search find the drawn heads."""
    detector = fake_keypoints.FakeDetector
    monkeypatch.setattr(AnonymizedBuilder, "create_detector", detector)


def _build(name, raw, data_dir, **options):
    image_format = "png" if name == "fdf" else "jpeg"
    return built_copies.build(name, raw, data_dir, image_format=image_format, **options)


@pytest.mark.parametrize("name", COPIES)
def test_a_folder_that_is_read_again_is_the_same_data_set(name, tmp_path):
    raw = COPIES[name](tmp_path / "raw")
    builder = _build(name, raw, tmp_path / "one", anonymizer="blackout")
    output = folder_export.export(builder, tmp_path / "published")
    again = _build(name, output, tmp_path / "two", anonymizer="source")
    assert set(again.info.splits) == set(builder.info.splits)
    for split in builder.info.splits:
        source = builder.source_builder().encoded(split).as_numpy_iterator()
        derived = builder.encoded(split).as_numpy_iterator()
        read = again.encoded(split).as_numpy_iterator()
        for annotated, anonymized, record in zip(source, derived, read, strict=True):
            assert record[faces.IMAGE] == anonymized[faces.IMAGE]
            assert record.keys() == annotated.keys()
            for key in record.keys() - {faces.IMAGE}:
                np.testing.assert_array_equal(record[key], annotated[key], err_msg=key)
    assert (
        json.loads((output / "metadata.json").read_text())["anonymizer"] == "blackout"
    )


@pytest.mark.parametrize(
    ("name", "part"),
    [("fdf", {"fdf": FdfConfig(size=32)}), ("celeba", {"celeba": CelebaConfig(True)})],
)
def test_parts_go_where_they_came_from(name, part, tmp_path):
    if name == "fdf":
        raw = made_up_copies.fdf(tmp_path / "raw", size=32)
    else:
        raw = made_up_copies.celeba(tmp_path / "raw")
        (raw / "Img" / "img_celeba").rename(raw / "Img" / "img_align_celeba")
        anno = raw / "Anno"
        (anno / "list_landmarks_celeba.txt").rename(
            anno / "list_landmarks_align_celeba.txt"
        )
    builder = _build(name, raw, tmp_path / "one", anonymizer="original", **part)
    output = folder_export.export(builder, tmp_path / "published")
    suffix = {"fdf": "png", "celeba": "jpg"}[name]
    assert {path.relative_to(output) for path in output.rglob(f"*.{suffix}")} == {
        path.relative_to(raw) for path in raw.rglob(f"*.{suffix}")
    }


def test_a_folder_of_wider_face_is_read_as_own_faces(tmp_path):
    raw = made_up_widerface.write_copy(tmp_path / "raw")
    for part, wrong, right in (
        ("train", "60 40 9 20", "50 30 9 20"),  # beside the photo: a wrong one, there
        ("val", "5 6 -2 4 0 0 0 0", "5 6 -2 4 0 0 0 1"),  # without a size: not valid
    ):
        path = raw / "wider_face_split" / f"wider_face_{part}_bbx_gt.txt"
        path.write_text(path.read_text().replace(wrong, right))
    builder = _build("widerface", raw, tmp_path / "one", anonymizer="blackout")
    output = folder_export.export(builder, tmp_path / "published")
    for split, part in {"train": "train", "validation": "val"}.items():
        own = OwnFacesConfig(
            annotations=f"../../wider_face_split/wider_face_{part}_bbx_gt.txt",
            validation_share=float(part == "val"),
        )
        photos = output / f"WIDER_{part}" / "images"
        options = {"anonymizer": "source", "own_faces": own}
        again = _build("own_faces", photos, tmp_path / part, **options)
        assert list(again.info.splits) == [split]
        own_records = again.encoded(split).as_numpy_iterator()
        published = builder.encoded(split).as_numpy_iterator()
        for record, expected in zip(own_records, published, strict=True):
            assert record[faces.FILENAME] == expected[faces.FILENAME]
            assert record[faces.IMAGE] == expected[faces.IMAGE]
            # A face without a size counts in the benchmark only.
            sized = (expected[faces.BBOX_PIXELS][:, 2:] > 0).all(axis=1)
            for key in (faces.BBOX, faces.BBOX_PIXELS):
                np.testing.assert_array_equal(record[key], expected[key][sized])


def test_a_data_set_that_came_from_no_folder_is_coco(tmp_path, capsys):
    flags = [
        *("--mode=build_dataset", "--config=tiny", "--anonymizer=blackout"),
        *("--set=data.image_format=png", "--set=data.crowd.num_train=2"),
        *("--format=folder", f"--data_dir={tmp_path}", f"--output={tmp_path / 'out'}"),
    ]
    main.main(flags)
    assert f"folder:  {tmp_path / 'out'}" in capsys.readouterr().out
    _, photos = box_files.load(tmp_path / "out" / "annotations" / "train.json")
    assert len(photos) == 2
    for photo in photos:
        path = tmp_path / "out" / "images" / "train" / photo.filename
        assert path.suffix == ".png"  # the photos of the source are called *.jpg
        with Image.open(path) as image:
            assert image.size == photo.size
            x, y, width, height = photo.boxes[0].astype(int)
            middle = x + width // 2, y + height // 2
            assert image.convert("RGB").getpixel(middle) == (0, 0, 0)
    with pytest.raises(ValueError, match=r"out is there already; name a new folder"):
        main.main(flags)


def test_what_cannot_be_written_is_told_before_anything_is_built(tmp_path):
    flags = ["--mode=build_dataset", "--format=folder", f"--data_dir={tmp_path}"]
    with pytest.raises(ValueError, match=r"^--format=folder needs --output[^\n]*$"):
        main.main(flags)
    flags += ["--dataset=fdf", f"--output={tmp_path / 'out'}"]
    with pytest.raises(ValueError, match=r"called \*\.png, .*image_format=png$"):
        main.main(flags)


def test_nothing_is_left_of_a_folder_that_failed(tmp_path, monkeypatch):
    raw = made_up_copies.celeba(tmp_path / "raw")
    builder = _build("celeba", raw, tmp_path / "one", anonymizer="original")
    monkeypatch.setattr(builder.LAYOUT, "write_annotations", lambda self: 1 / 0)
    before = set(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError):
        folder_export.export(builder, tmp_path / "published")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["a/../../../escaped.jpg", "{folder}/escaped.jpg"])
def test_no_photo_is_written_beside_the_folder(name, tmp_path, monkeypatch):
    """Whatever the names in a data set that somebody else has built."""
    name = name.format(folder=tmp_path)
    records = toy_faces.ToyFaces._records

    def named(self, split):
        (record, *_) = records(self, split)
        yield record | {faces.FILENAME: name}

    monkeypatch.setattr(toy_faces.ToyFaces, "_records", named)
    builder = toy_faces.toy(tmp_path / "data")
    builder.prepare()
    before = set(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"inside the data set's folder; got [^\n]*$"):
        folder_export.export(builder, tmp_path / "deep" / "published")
    assert set(tmp_path.iterdir()) == before | {tmp_path / "deep"}
    assert not list((tmp_path / "deep").iterdir())
