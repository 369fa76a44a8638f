"""The builder of one's own photos: on the samples, and on made-up folders."""

import functools
import json
import os
import pathlib
import shutil

import fake_detector
import numpy as np
import pytest
import tensorflow_datasets as tfds
from built_copies import records
from PIL import Image

import main
from safefakes_tf import faces
from safefakes_tf.config import DataConfig, DetectionConfig, OwnFacesConfig, names
from safefakes_tf.photos import inspection
from tfds_builders import registry as builders
from tfds_builders.builder_config import AnonymizedConfig
from tfds_builders.own_faces import own_faces_dataset_builder, people

pytestmark = pytest.mark.usefixtures("anonymizers_traced_once")

SAMPLES = pathlib.Path(main.__file__).parent / "safefakes_tf" / "samples"
BOXES = OwnFacesConfig(annotations="boxes.csv")
BOX = (60, 35, 40, 50)  # x y width height
ORIENTATION = 0x0112


class OwnFacesTest(tfds.testing.DatasetBuilderTestCase):
    DATASET_CLASS = own_faces_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = (AnonymizedConfig(own_faces=BOXES),)
    EXAMPLE_DIR = str(SAMPLES)
    SPLITS = {"train": 21, "validation": 3}  # noqa: RUF012 (of TFDS)


def write(path, box=BOX, turned=False, seed=0):
    """Write a photo, 160 px wide and 120 px high, with a bright face."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(1, 99, (120, 160, 3), np.uint8)
    x, y, width, height = box
    pixels[y : y + height, x : x + width] += 150
    photo, exif = Image.fromarray(pixels), Image.Exif()
    if turned:
        photo, exif[ORIENTATION] = photo.transpose(Image.Transpose.ROTATE_90), 6
    photo.save(path, exif=exif)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of four photos, two of each of two people, and boxes on them."""
    lines = ["filename,x,y,width,height,person"]
    for number, name in enumerate(("ann/1", "ann/2", "bob/1", "bob/2")):
        write(tmp_path / "photos" / f"{name}.png", turned=number == 1, seed=number)
        lines.append(f"{name}.png,{','.join(map(str, BOX))},{name[:3]}")
    (tmp_path / "photos" / "boxes.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "photos"


def build(folder, anonymizer="source", allow_partial=False, **options):
    data = DataConfig(
        dataset="own_faces",
        anonymizer=anonymizer,
        data_dir=str(folder.parent / "data"),
        manual_dir=str(folder),
        allow_partial=allow_partial,
        own_faces=OwnFacesConfig(**{"annotations": "boxes.csv", **options}),
        image_format="png",
    )
    builder = builders.create_builder(data, seed=0)
    builder.prepare()
    return builder


def test_photos_are_upright_and_their_faces_go(folder):
    found = records(build(folder, "blackout", validation_share=0.0))
    x, y, width, height = BOX
    assert len(found) == 4
    for record in found.values():
        photo = record[faces.IMAGE]
        assert photo.shape == (120, 160, 3)
        assert not photo[y : y + height, x : x + width].any()
        assert photo.any(axis=2).mean() > 0.8
        np.testing.assert_array_equal(record[faces.BBOX_PIXELS], [BOX])


def test_a_box_on_stored_pixels_is_refused(folder):
    path = folder / "boxes.csv"
    path.write_text(path.read_text().replace("ann/2.png,60,35", "ann/2.png,40,80"))
    with pytest.raises(ValueError, match=r"ann/2\.png.* stored turned; .*160 px wide"):
        build(folder)


def test_identities_come_from_a_column_or_from_folders(folder):
    of_column = records(build(folder, validation_share=0.0))
    path = folder / "boxes.csv"
    path.write_text(path.read_text().replace("person", "note"))
    options = {"validation_share": 0.0, "identity_folders": True}
    of_folders = records(build(folder.rename(folder.parent / "other"), **options))
    for found in (of_column, of_folders):
        told = {name: record[faces.IDENTITY].tolist() for name, record in found.items()}
        assert told == {
            **{"ann/1.png": [0], "ann/2.png": [0]},
            **{"bob/1.png": [1], "bob/2.png": [1]},
        }


def test_boxes_that_cut_pixels_cover_them(folder):
    path = folder / "boxes.csv"
    path.write_text(path.read_text().replace("60,35,40,50", "60.5,35.9,40.0,49.2"))
    found = records(build(folder, validation_share=0.0))
    boxes = found["ann/1.png"][faces.BBOX_PIXELS]
    np.testing.assert_array_equal(boxes, [[60, 35, 41, 51]])


def test_photos_that_cannot_be_had_are_refused_unless_that_is_allowed(folder):
    (folder / "ann" / "1.png").write_bytes(b"no photo")
    with pytest.raises(ValueError, match=r"^1 of 4 photos cannot be read \(ann/1\.png"):
        build(folder)
    (folder / "bob" / "1.png").unlink()
    with pytest.raises(ValueError, match="1 of 4 annotated photos are not in"):
        build(folder)
    partial = build(folder, allow_partial=True, validation_share=0.0)
    assert set(records(partial)) == {"ann/2.png", "bob/2.png"}
    shutil.rmtree(folder / "ann")
    shutil.rmtree(folder / "bob")
    with pytest.raises(ValueError, match=r"none of the photos that .* names is in"):
        build(folder, allow_partial=True, validation_share=0.5)


@pytest.mark.parametrize("change", ["photo", "boxes", "new photo"])
def test_another_folder_is_refused_once_the_data_set_is_there(folder, change):
    build(folder)
    build(folder)  # which is there
    if change == "boxes":
        path = folder / "boxes.csv"
        path.write_text(path.read_text().replace("60,35", "61,36"))
    elif change == "photo":
        write(folder / "ann" / "1.png", seed=9)
    else:
        write(folder / "ann" / "3.png")
    with pytest.raises(ValueError, match=r"^[^\n]*was built from other photos[^\n]*$"):
        build(folder)


CHANGED = r"^[^\n]*/photos changed while[^\n]*again$"


def changing_behind(monkeypatch, module, name, change):
    """Let something of the folder change behind a function."""
    function = getattr(module, name)

    def with_change(*arguments):
        found = function(*arguments)
        change()
        return found

    monkeypatch.setattr(module, name, with_change)


def test_boxes_that_are_added_while_it_is_built_are_not_passed_over(
    folder, monkeypatch
):
    path = folder / "boxes.csv"

    def add():
        path.write_text(path.read_text() + "ann/1.png,100,10,20,20,\n")

    with monkeypatch.context() as patch:
        changing_behind(patch, inspection, "inspect", add)
        with pytest.raises(ValueError, match=CHANGED):
            build(folder)
    found = records(build(folder, validation_share=0.0))
    assert len(found["ann/1.png"][faces.BBOX]) == 2


def replace_by_another_of_that_size(path, size):
    """Write a photo whose file is as large as one of 160 x 120 px."""
    bytes_before = path.stat().st_size
    Image.new("RGB", size, fake_detector.RED).save(path)
    assert path.stat().st_size == bytes_before


def test_a_photo_that_was_turned_while_it_is_built_is_refused(folder, monkeypatch):
    Image.new("RGB", (160, 120)).save(folder / "a.bmp")
    (folder / "boxes.csv").write_text("filename,x,y,width,height\na.bmp,10,10,40,40\n")
    replace = functools.partial(
        replace_by_another_of_that_size, folder / "a.bmp", (120, 160)
    )
    changing_behind(monkeypatch, inspection, "inspect", replace)
    with pytest.raises(ValueError, match=r"a\.bmp was replaced while[^\n]*again$"):
        build(folder, validation_share=0.0)


def test_a_photo_that_is_replaced_once_its_faces_are_found_is_refused(
    folder, monkeypatch
):
    row = names.Detector(fake_detector.ROW, "finds red")
    monkeypatch.setitem(names.DETECTORS, "centerface", row)
    Image.new("RGB", (160, 120)).save(folder / "a.bmp")
    replace = functools.partial(
        replace_by_another_of_that_size, folder / "a.bmp", (160, 120)
    )
    changing_behind(monkeypatch, people, "identities", replace)
    with pytest.raises(ValueError, match=r"a\.bmp was replaced while[^\n]*again$"):
        build(folder, annotations=None, validation_share=0.0)


def test_a_name_that_is_no_text_is_told_where_the_photo_counts(folder):
    shutil.copy(folder / "ann" / "1.png", folder / os.fsdecode(b"M\xfcller.png"))
    assert len(records(build(folder, validation_share=0.0))) == 4  # without it
    with pytest.raises(ValueError, match=r"must be UTF-8; got M[^\n]*; rename it$"):
        build(folder, annotations=None)


def test_the_place_of_annotations_is_no_option(folder, monkeypatch):
    options = {"validation_share": 0.0}
    inside = build(folder, annotations="boxes.csv", **options)
    monkeypatch.chdir(folder.parent)
    for path in ("photos/boxes.csv", str(folder / "boxes.csv")):
        beside = build(folder, annotations=path, **options)
        assert beside.data_path == inside.data_path
    assert inside.info.metadata["options"]["own_faces"]["annotations"] == "boxes.csv"


def test_a_region_of_many_faces_is_marked(folder):
    size = {"width": 160, "height": 120}
    boxes = [
        {"id": number, "image_id": 1, "bbox": list(BOX), "iscrowd": number}
        for number in (0, 1)
    ]
    coco = {
        "images": [{"id": 1, "file_name": "ann/1.png", **size}],
        "annotations": boxes,
    }
    (folder / "coco.json").write_text(json.dumps(coco))
    found = records(build(folder, annotations="coco.json", validation_share=0.0))
    assert found["ann/1.png"][faces.INVALID].tolist() == [False, True]


def test_flags_of_a_folder_are_taken(folder):
    data = folder.parent / "data [1] ä"  # as people call folders
    command = [
        *("--mode=build_dataset", "--dataset=own_faces", "--anonymizer=blackout"),
        *(f"--manual_dir={folder}", f"--data_dir={data}"),
        *(f"--annotations={folder / 'boxes.csv'}", "--box_units=pixels"),
    ]
    main.main(command)
    main.main(command)  # the records that are there
    (built,) = (data / "own_faces").glob("blackout-*/1.0.0")
    counts = json.loads((built / "metadata.json").read_text())["counts"]
    assert sum(of_split["generated"] for of_split in counts.values()) == 4


def test_faces_that_nobody_annotated_are_found_and_go(folder, monkeypatch):
    row = names.Detector(fake_detector.ROW, "finds red")
    monkeypatch.setitem(names.DETECTORS, "centerface", row)
    photo = np.zeros((120, 160, 3), np.uint8)
    x, y, width, height = BOX
    photo[y : y + height, x : x + width] = fake_detector.RED
    shutil.rmtree(folder / "bob")
    Image.fromarray(photo).save(folder / "red.png")
    source = build(folder, annotations=None, validation_share=0.0)
    found = records(source)
    assert {name: len(record[faces.BBOX]) for name, record in found.items()} == {
        **{"ann/1.png": 0, "ann/2.png": 0, "red.png": 1},
    }
    box = found["red.png"][faces.BBOX_PIXELS][0]
    assert (box[:2] < BOX[:2]).all()  # grown
    assert (box[:2] + box[2:] > np.add(BOX[:2], BOX[2:])).all()
    assert source.info.metadata["faces"] == "found by centerface"
    hidden = build(folder, "blackout", annotations=None, validation_share=0.0)
    assert not records(hidden)["red.png"][faces.IMAGE].any()


def test_another_detector_is_named_by_the_flags_of_a_folder(folder, monkeypatch):
    asked = []

    def create(config):
        asked.append((config.detector, config.weights, config.threshold))
        return fake_detector.FakeDetector()

    row = names.Detector(fake_detector.ROW, "finds red")
    monkeypatch.setitem(names.DETECTORS, "dsfd", row)
    monkeypatch.setattr(fake_detector, "create", create)
    photo = np.zeros((120, 160, 3), np.uint8)
    x, y, width, height = BOX
    photo[y : y + height, x : x + width] = fake_detector.RED
    Image.fromarray(photo).save(folder / "red.png")
    (folder / "w.h5").write_bytes(b"weights")
    command = [
        *("--mode=build_dataset", "--dataset=own_faces", "--anonymizer=original"),
        *(f"--manual_dir={folder}", f"--data_dir={folder.parent / 'data'}"),
        *("--detector=dsfd", "--detector_weights=w.h5", "--margin=0"),
        "--set=data.own_faces.detection.threshold=0.3",
    ]
    main.main(command)
    assert asked == [("dsfd", str(folder / "w.h5"), 0.3)]
    options = {"detector": "dsfd", "weights": "w.h5", "margin": 0.0, "threshold": 0.3}
    detection = DetectionConfig(**options)
    built = build(folder, "original", annotations=None, detection=detection)
    found = records(built) | records(built, "validation")
    box = found["red.png"][faces.BBOX_PIXELS]
    np.testing.assert_allclose(box, [BOX], atol=1)  # not grown
    (folder / "w.h5").write_bytes(b"other weights")
    with pytest.raises(ValueError, match="was built from other photos"):
        main.main(command)
    assert len(asked) == 1
