"""Boxes of a user's photos in six formats, and their mistakes."""

import gzip
import json
import os
import pathlib

import numpy as np
import pytest
import written_annotations
from PIL import Image
from written_annotations import BOXES, FORMATS, SIZE

from safefakes_tf.photos import box_files, box_units, name_matching, records

HEADER = "filename,x,y,width,height\n"
FACE, HEAD = {"id": 1, "name": "face"}, {"id": 2, "name": "head"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for name in BOXES:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def coco(*annotations, **changes):
    """Return COCO JSON of two photos; annotations are on the first unless they tell."""
    content = {
        "images": [
            {"id": 3, "file_name": "a/one.jpg", "width": 100, "height": 80},
            {"id": 5, "file_name": "two.png", "width": None, "height": 0},
        ],
        "annotations": [
            {"id": number, "image_id": 3, "bbox": [1, 2, 8, 9], **annotation}
            for number, annotation in enumerate(annotations)
        ],
    }
    return {**content, **changes}


def loaded(path, *categories):
    return {photo.filename: photo for photo in box_files.load(path, categories)[1]}


@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_give_equal_records(form, photos, tmp_path):
    path = written_annotations.write(tmp_path, form)
    _, listed = box_files.load(path)
    listed = name_matching.match(photos, listed)
    sizes = dict.fromkeys(BOXES, SIZE[::-1])
    found = {
        photo.filename: records.relative(photo.boxes, *SIZE[::-1])
        for photo in box_units.in_pixels(listed, sizes)
    }
    assert found.keys() == BOXES.keys()
    for name, boxes in BOXES.items():
        expected = records.relative(np.reshape(boxes, [-1, 4]), *SIZE[::-1])
        np.testing.assert_array_equal(found[name], expected)


def test_all_files_that_were_read_are_returned_as_they_are(tmp_path):
    path = written_annotations.write(tmp_path, "yolo")
    (path / "README.txt").write_text("Exported by nobody.")
    (path / "._two.txt").write_bytes(b"\0\1")  # what macOS leaves on other disks
    files, _ = box_files.load(path)
    assert files == {
        f"labels/{name}": text.encode()
        for name, text in written_annotations.yolo().items()
    }
    (only,) = box_files.load(written_annotations.write(tmp_path, "coco"))[0]
    assert only == "boxes.json"


def test_one_file_of_yolo_finds_its_classes_beside_it(tmp_path):
    write(tmp_path / "classes.txt", "head\nface\n")
    path = write(tmp_path / "one.txt", "0 .5 .5 .1 .1\n1 .2 .2 .1 .1\n")
    files, (photo,) = box_files.load(path, ["face"])
    assert files.keys() == {"one.txt", "classes.txt"}
    assert (photo.filename, photo.unit) == ("one", "relative")
    np.testing.assert_allclose(photo.boxes, [[0.15, 0.15, 0.1, 0.1]])


@pytest.mark.parametrize(
    "names",
    ["names: ['a', face]", "names:\n- a\n- face # us", "names: {0: a, 1: 'face'}"],
)
def test_classes_in_the_spellings_of_yaml(names, tmp_path):
    write(tmp_path / "data.yaml", f"train: images\n{names}\nnc: 2\n")
    write(tmp_path / "one.txt", "1 .5 .5 .1 .1\n")
    (photo,) = loaded(tmp_path, "face").values()
    assert len(photo.boxes) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "begins as JSON, but line 1, column 2, .*cut short"),
        ("[" * 100_000, "nested too deep"),
        ("<annotation><object>", "begins as XML, .*cut short"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "entities"),
        ("<annotations/>", "CVAT's own XML; export the task as COCO"),
        ([{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 1}], "do not name photos"),
        ({"images": []}, r"\(COCO JSON\): .*expected 'annotations' as a list"),
        (coco({"image_id": 9}), r"\(COCO JSON\): annotation 0: no image has the id 9"),
        (
            coco({"bbox": []}),
            r"annotation 0: expected a bbox of four numbers; got \[\]",
        ),
        (
            coco({"bbox": [1, 2, 3, 10**400]}),
            "annotation 0: .*number that is too large",
        ),
        (coco({"bbox": [60, 60, -20, -20]}), "annotation 0: .*height above 0; got 60"),
        (coco({"bbox": [1, 2, float("nan"), 4]}), "annotation 0: .*four finite"),
        (coco({"id": 7, "image_id": None}), "annotation 7: no image has the id None"),
        (coco(images=[{"id": 3, "file_name": 5}]), "image 3: .*name of a photo; got 5"),
        (coco(images=[{"file_name": "a.jpg"}]), "image 0: expected 'id', which is not"),
        (
            coco(images=[{"id": 1, "file_name": name} for name in ("a.jpg", "b.jpg")]),
            "image 1: a.jpg and b.jpg have this one id",
        ),
        (HEADER, "names no photo"),
        (
            "filename,x\na.jpg,1\n",
            "line 1: expected the names of the columns, filename",
        ),
        (f"{HEADER}a.jpg,1,2,three,4\n", r"\(CSV\): line 2: .*four numbers; got"),
        (f"{HEADER}a.jpg,1,nan,3,4\n", "line 2: a box must be four finite numbers"),
        (f"{HEADER}a.jpg,1,5,2,3,4\n", "line 2: expected 5 values, got 6; decimals"),
        (f"{HEADER},1,2,3,4\n", "line 2: expected the name of a photo; got ''"),
        (f"{HEADER}.,1,2,3,4\n", r"line 2: expected the name of a photo; got '\.'"),
        (f"{HEADER}{'a' * 200_000},,,,\n", "line 1: near line 2 it is no table"),
        (
            "a.jpg\n2\n1 2 3 4\n",
            r"\(WIDER FACE text\): line 2: expected '2' rows; got 1",
        ),
        ("a.jpg\nmany\n1 2 3 4\n", "line 2: expected the number of faces; got 'many'"),
        ("a.jpg\n1\n1 2 3 4 5\n", "line 3: expected a row of 4 or 10 numbers"),
        ("a.jpg\n1\n1 2 three 4\n", "line 3: could not convert .*'three'"),
        (f"a.jpg\n{'9' * 5000}\n1 2 3 4\n", "line 2: expected '9.*9' rows; got 1"),
        ("0 .5 .5 .1\n", "is none"),
        ("0 .5 .5 .1 .1\n0 .5 .5 .1 x\n", r"\(YOLO text\): line 2: could not convert"),
        ("0 .5 .5 .1 .1 .5 .5\n", "line 1: is it a polygon, or a box and keypoints"),
        ([{"data": {}, "annotations": [{"result": []}]}], "task 0: .*photo's address"),
        ("<annotation><object/></annotation>", "object 1: expected a bndbox"),
    ],
)
def test_mistakes_are_told_in_one_line_and_words_of_the_format(
    content, message, tmp_path
):
    with pytest.raises(ValueError, match=message) as error:
        box_files.load(write(tmp_path / "boxes.txt", content))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


def test_all_mistakes_are_told_at_once(tmp_path):
    rows = "".join(f"a.jpg,1,2,{number % 2},4\n" for number in range(30))
    with pytest.raises(
        ValueError, match=r"15 mistakes: line 2: .* and 5 more"
    ) as error:
        box_files.load(write(tmp_path / "boxes.csv", HEADER + rows))
    assert str(error.value).count("a width and a height above 0") == 10


def test_what_is_not_there_or_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is not there"):
        box_files.load(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="or a folder of such files; it is none"):
        box_files.load(tmp_path)
    path = write(tmp_path / "boxes.json", coco({}))
    written_annotations.write(tmp_path, "voc")
    with pytest.raises(ValueError, match=r"several formats \(3 of Pascal.*1 of COCO"):
        box_files.load(tmp_path)

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "read_bytes", refuse)
    with pytest.raises(ValueError, match="must be readable; it is not"):
        box_files.load(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boxes.csv", HEADER + "ä.png,10,20,30,40\n"),
        ("boxes.json", json.dumps(coco(images=[{"id": 0, "file_name": "ä.png"}]))),
        ("boxes.txt", "ä.png\n1\n10 20 30 40 0 0 0 0 0 0\n"),
    ],
)
def test_utf_8_with_and_without_its_mark_utf_16_and_no_other(name, text, tmp_path):
    path = tmp_path / name
    text = text.replace("\\u00e4", "ä")
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text(text, encoding=encoding)
        assert loaded(path).keys() == {"ä.png"}
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match="UTF-8"):
        box_files.load(path)


def test_a_photo_in_several_entries_and_spellings_is_one(tmp_path):
    image = {"width": 100, "height": 80}
    names = ("a/one.png", "./a//one.png", "a/./one.png")
    images = [{"id": n, "file_name": name, **image} for n, name in enumerate(names)]
    annotations = [
        {"id": n, "image_id": str(n), "bbox": [n, 2, 3, 4]} for n in range(3)
    ]
    path = write(tmp_path / "a.json", {"images": images, "annotations": annotations})
    (photo,) = loaded(path).values()
    assert photo.filename == "a/one.png"
    assert photo.boxes[:, 0].tolist() == [0, 1, 2]
    assert photo.size == (100, 80)
    images[1]["width"] = 50
    write(path, {"images": images, "annotations": annotations})
    with pytest.raises(ValueError, match=r"image 1: a/one\.png has another size"):
        box_files.load(path)


# === Categories ===


def test_several_categories_and_none_chosen_are_named(tmp_path):
    content = coco(
        {"category_id": 1}, {"category_id": 2}, {"category_id": 2}, {},
        categories=[FACE, HEAD],
    )  # fmt: skip
    path = write(tmp_path / "boxes.json", content)
    message = r"2 categories: head \(2\), face \(1\); choose with --category=head"
    with pytest.raises(ValueError, match=message):
        box_files.load(path)
    # A box that nobody has named may be a face.
    assert len(loaded(path, "face")["a/one.jpg"].boxes) == 2
    assert len(loaded(path, "face", "head")["a/one.jpg"].boxes) == 4
    with pytest.raises(ValueError, match=r"head \(2\).*got faces; did you mean face\?"):
        box_files.load(path, ["faces"])


def test_one_category_needs_no_choice(tmp_path):
    table = f"{HEADER.strip()},class\na.jpg,1,2,3,4,face\nb.jpg,5,6,7,8,face\n"
    assert len(loaded(write(tmp_path / "boxes.csv", table))) == 2


# === Shapes ===


def test_what_is_left_out_is_told(tmp_path, caplog):
    rows = ["10 10 40 50 0 0 0 0 0 0", "120 60 0 3 2 0 0 1 0 0", "0 0 0 0"]
    text = f"a.jpg\n3\n{chr(10).join(rows)}\nb.jpg\n0\n0 0 0 0 0 0 0 0 0 0\nc.jpg\n0\n"
    photos = loaded(write(tmp_path / "boxes.txt", text))
    assert [len(photo.boxes) for photo in photos.values()] == [1, 0, 0]
    assert "3 rows without a size, marked as such are left out" in caplog.text
    unmarked = text.replace("2 0 0 1 0 0", "2 0 0 0 0 0")
    with pytest.raises(ValueError, match=r"line 4: .*got 120 60 0 3 on a\.jpg"):
        box_files.load(write(tmp_path / "boxes.txt", unmarked))


def test_slips_in_the_lists_of_wider_face_are_left_out_and_told(tmp_path, caplog):
    rows = "9 9 9 9 0 0 0 0 0 0\n706 94 0 1 2 0 0 0 1 0\n1026 474 -2 23 2 0 0 0 2 0\n"
    name = "0--Parade/0_Parade_Parade_0_317.jpg"
    for photo in (name, f"WIDER_val/images/{name}"):
        photos = loaded(write(tmp_path / "boxes.txt", f"{photo}\n3\n{rows}"))
        assert photos[photo].boxes.tolist() == [[9, 9, 9, 9]]
    assert "2 rows without a size, as WIDER FACE has some are left out" in caplog.text
    for photo in ("0--Parade/mine.jpg", "0_Parade_Parade_0_317.jpg"):
        path = write(tmp_path / "boxes.txt", f"{photo}\n3\n{rows}")
        with pytest.raises(ValueError, match="2 mistakes: line 4: a box must have"):
            box_files.load(path)


def test_the_list_of_wider_face_itself_is_read(shared_data, tmp_path, caplog):
    name = "wider_face_val_bbx_gt.txt"
    packed = shared_data / "wider_gt" / f"{name}.gz"
    (tmp_path / name).write_bytes(gzip.decompress(packed.read_bytes()))
    photos = loaded(tmp_path / name)
    assert len(photos) == 3226
    assert sum(len(photo.boxes) for photo in photos.values()) == 39708 - 4 - 7
    assert "7 rows without a size, as WIDER FACE" in caplog.text


def test_photos_that_nobody_has_annotated_are_left_out(tmp_path, caplog):
    tasks = [
        {"data": {"image": "done.png"}, "annotations": [{"result": []}]},
        {"data": {"image": "new.png"}, "annotations": []},
        {
            "data": {"image": "skipped.png"},
            "annotations": [{"result": [], "was_cancelled": True}],
        },
    ]
    assert loaded(write(tmp_path / "a.json", tasks)).keys() == {"done.png"}
    assert "2 photos that nobody has annotated are left out" in caplog.text


def test_a_folder_is_not_read_where_it_may_never_end(tmp_path):
    write(tmp_path / "a.csv", HEADER)
    os.mkfifo(tmp_path / "b.csv")
    with pytest.raises(ValueError, match=r"b\.csv is no regular file[^\n]*$"):
        box_files.load(tmp_path)


def test_names_that_are_no_text_are_mistakes(tmp_path):
    content = json.dumps(coco({})).replace("two.png", r"M\udcfcller.png")
    with pytest.raises(ValueError, match=r"expected the name of a photo; got 'M\\udcf"):
        box_files.load(write(tmp_path / "a.json", content))


def test_regions_of_two_people_are_two_though_their_ids_are_equal(tmp_path):
    """Copies of an annotation, and of what a model found, keep the ids."""

    def result(x):
        return {"id": "r1", "value": {"x": x, "y": 10, "width": 5, "height": 5}}

    labelled = result(10), {"id": "r1", "value": {"labels": ["face"]}}
    task = {
        "data": {"image": "a.jpg"},
        "annotations": [{"result": [*labelled]}, {"result": [result(60)]}],
    }
    photo = loaded(write(tmp_path / "a.json", [task]))["a.jpg"]
    assert photo.boxes.tolist() == [[10, 10, 5, 5], [60, 10, 5, 5]]


def rle_text(counts):
    """Return counts as COCO compresses them."""
    letters = []
    for number, count in enumerate(counts):
        rest, more = count - (counts[number - 2] if number > 2 else 0), True
        while more:
            group, rest = rest & 31, rest >> 5
            more = rest != (-1 if group & 16 else 0)
            letters.append(chr(48 + group + 32 * more))
    return "".join(letters)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_masks_become_the_rectangle_around_them(compressed, seed, tmp_path):
    rng = np.random.default_rng(seed)
    mask = np.zeros([80, 100], bool)
    x, y, w, h = (*rng.integers(0, 40, 2), *rng.integers(1, 40, 2))
    h = 80 if seed == 2 else h  # runs that go over the end of a column
    mask[y : y + h, x : x + w] = True
    pixels = np.concatenate([[False], mask.T.ravel(), [False]])
    ends = np.flatnonzero(np.diff(pixels.astype(int)))
    counts = np.diff([0, *ends, mask.size]).tolist()
    counts = rle_text(counts) if compressed else counts
    outline = {"size": [80, 100], "counts": counts}
    content = coco({"bbox": None, "segmentation": outline, "iscrowd": 1}, {})
    photo = loaded(write(tmp_path / "a.json", content))["a/one.jpg"]
    assert photo.boxes[0].tolist() == [x, y, w, min(h, 80 - y)]
    assert photo.regions == (0,)


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        ([[10, 10, 50, 10, 50, 40], [60, 5, 70, 5, 65, 20]], [10, 5, 60, 35]),
        ([10, 10, 50, 10, 50, 40], [10, 10, 40, 30]),
        ([[10, 10, 50]], "reshape"),
        ({"size": [4, 4], "counts": [3, 10**9]}, "runs of 4 x 4 pixels"),
        ({"size": [4, 4], "counts": "o" * 100_000}, "a mask's runs"),
        ({"size": [4, 4], "counts": [16]}, "points"),
    ],
)
def test_outlines_become_the_rectangle_around_them(outline, expected, tmp_path):
    content = coco({"bbox": [0, 0, 0, 0], "segmentation": outline})
    path = write(tmp_path / "a.json", content)
    if isinstance(expected, list):
        assert loaded(path)["a/one.jpg"].boxes.tolist() == [expected]
        return
    with pytest.raises(ValueError, match=f"annotation 0: .*{expected}"):
        box_files.load(path)


def test_rotated_boxes_become_the_rectangle_around_them(tmp_path):
    """A box of 20 x 10 px that is turned by a quarter is one of 10 x 20 px."""
    turned = {"bbox": [10, 20, 20, 10], "attributes": {"rotation": 90}}
    cvat = loaded(write(tmp_path / "a.json", coco(turned)))["a/one.jpg"]
    np.testing.assert_allclose(cvat.boxes, [[15, 15, 10, 20]], atol=1e-9)
    value = {"x": 10, "y": 25, "width": 20, "height": 12.5, "rotation": 90}
    result = {"value": value, "original_width": 100, "original_height": 80}
    task = {"data": {"image": "a.jpg"}, "annotations": [{"result": [result]}]}
    studio = loaded(write(tmp_path / "b.json", [task]))["a.jpg"]
    # Around its upper left corner (10, 20), in percent of 100 x 80 px.
    np.testing.assert_allclose(studio.boxes, [[0, 25, 10, 25]], atol=1e-9)
    write(tmp_path / "c.txt", "0 .15 .15 .25 .15 .25 .35 .15 .35\n")
    yolo = loaded(tmp_path / "c.txt")["c"]
    np.testing.assert_allclose(yolo.boxes, [[0.15, 0.15, 0.1, 0.2]])
    box = "<cx>20</cx><cy>25</cy><w>20</w><h>10</h><angle>1.5707963267948966</angle>"
    found = f"<object><robndbox>{box}</robndbox></object>"
    write(tmp_path / "d.xml", f"<annotation>{found}</annotation>")
    np.testing.assert_allclose(loaded(tmp_path / "d.xml")["d"].boxes, cvat.boxes)


def test_keypoints_and_scores_of_yolo_are_no_polygons(tmp_path):
    write(tmp_path / "data.yaml", "kpt_shape: [2, 2]\nnames: [face]\n")
    rows = ["0 .5 .5 .2 .2 .9", "0 .5 .5 .2 .2 .45 .5 .55 .5"]
    write(tmp_path / "a.txt", "\n".join(rows))
    with_yaml = loaded(tmp_path)["a"]
    np.testing.assert_allclose(with_yaml.boxes, [[0.4, 0.4, 0.2, 0.2]] * 2)
    alone = tmp_path / "alone"
    alone.mkdir()
    write(alone / "a.txt", "0 .5 .5 .2 .2 .45 .5 2 .55 .5 2 .5 .5 0")
    assert len(loaded(alone)["a"].boxes) == 1


# === Tables as people have them ===


@pytest.mark.parametrize(
    "text",
    [
        "filename;x;y;width;height\r\na.jpg;10,5;10;40;40\r\n;;;;\r\n",
        "filename, x, y, width, height\na.jpg, 10.5, 10, 40, 40\n",
        "Image Name,X,Y,W,H,\na.jpg,10.5,10,40,40,\n\n",
        "image\txmin\tymin\txmax\tymax\na.jpg\t10.5\t10\t50.5\t50\n",
        "filename,width,height,class,xmin,ymin,xmax,ymax\n"
        "a.jpg,300,200,face,10.5,10,50.5,50\n",
    ],
)
def test_tables_as_programs_write_them(text, tmp_path):
    (photo,) = loaded(write(tmp_path / "boxes.csv", text)).values()
    assert photo.boxes.tolist() == [[10.5, 10, 40, 40]]
    assert photo.size == ((300, 200) if "300" in text else None)


def test_lists_of_retinaface(tmp_path):
    points = " ".join(["20.0 20.0 0.0"] * 5)
    text = f"# a.jpg\n10 10 40 40 {points} 0.8\n20 10 40 40\n# b.jpg\n"
    photos = loaded(write(tmp_path / "label.txt", text))
    assert [len(photo.boxes) for photo in photos.values()] == [2, 0]
