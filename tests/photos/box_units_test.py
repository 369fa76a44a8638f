"""Boxes in pixels, percent and shares, and in a unit that nobody has told."""

import numpy as np
import pytest

from safefakes_tf.photos import box_units, checks
from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes

SIZES = {"a.png": (1500, 2000), "b.png": (200, 300)}  # height and width


def listed(*boxes, unit="pixels", size=None):
    return [
        PhotoBoxes(name, np.array([box], float), size, unit)
        for name, box in zip(SIZES, boxes, strict=False)
    ]


@pytest.mark.parametrize(
    ("unit", "box"),
    [
        ("pixels", (200, 150, 500, 300)),
        ("relative", (0.1, 0.1, 0.25, 0.2)),
        ("percent", (10, 10, 25, 20)),
    ],
)
def test_boxes_become_pixels_by_their_unit(unit, box):
    (photo,) = box_units.in_pixels(listed(box, unit=unit), SIZES)
    assert (photo.boxes.tolist(), photo.unit) == ([[200, 150, 500, 300]], "pixels")
    if unit == "pixels":
        return
    (photo,) = box_units.in_pixels(listed(box), SIZES, unit)  # as the user insists
    assert photo.boxes.tolist() == [[200, 150, 500, 300]]
    with pytest.raises(ValueError, match=r"a\.png is 2000 px wide"):
        checks.check_fit(photo, (800, 600), turned=False)  # replaced meanwhile


@pytest.mark.parametrize(
    ("boxes", "unit", "message"),
    [
        (
            [(0.1, 0.1, 0.2, 0.2)],
            "pixels",
            r"all boxes of a\.png end below 2: relative",
        ),
        (
            [(500, 300, 40, 40), (0.1, 0.1, 0.2, 0.2)],
            "pixels",
            r"all boxes of b\.png end below 2: relative",
        ),
        (
            [(40, 30, 10, 15), (70, 20, 8, 12)],
            "pixels",
            "end below 100, .* percent.*--box_units=percent or --box_units=pixels",
        ),
        ([(0.1, 0.1, 0.2, 0.2)], "percent", "must be in percent of .* relative"),
        ([(500, 300, 40, 40)], "percent", "must be in percent of .* pixels"),
        ([(50, 30, 40, 40)], "relative", "must be relative to the photo; .* pixels"),
    ],
)
def test_another_unit_is_refused_unless_the_user_insists(boxes, unit, message):
    with pytest.raises(ValueError, match=message):
        box_units.in_pixels(listed(*boxes, unit=unit), SIZES)
    box_units.in_pixels(listed(*boxes, unit=unit), SIZES, unit)


def test_a_photo_of_a_pixel_has_boxes_of_one():
    listing = [
        *listed((200, 150, 500, 300)),
        PhotoBoxes("dot.png", np.array([[0.0, 0, 1, 1]])),
    ]
    sizes = {**SIZES, "dot.png": (1, 1)}
    assert box_units.in_pixels(listing, sizes) == listing
    with pytest.raises(
        ValueError, match=r"all boxes of dot\.png end below 2: relative"
    ):
        box_units.in_pixels(listing, {**sizes, "dot.png": (90, 90)})


def test_faces_near_the_corner_of_a_small_photo_are_no_percents():
    photo = PhotoBoxes("b.png", np.array([[10.0, 10, 40, 50]]))
    assert box_units.in_pixels([photo], SIZES) == [photo]
    many = [photo._replace(filename=f"{n}.png") for n in range(3)]
    with pytest.raises(ValueError, match="percent"):  # but not on photo after photo
        box_units.in_pixels(many, {each.filename: SIZES["b.png"] for each in many})


@pytest.mark.parametrize("size", [(1000, 750), (1500, 2000)])
def test_another_size_is_refused_and_a_lying_photo_always(size):
    listing = listed((200, 150, 500, 300), size=size)
    (photo,) = box_units.in_pixels(listing, SIZES)
    swapped = size == SIZES["a.png"]
    with pytest.raises(ValueError, match="annotations say that") as error:
        checks.check_fit(photo, SIZES["a.png"], turned=False)
    assert ("--box_units=pixels" in str(error.value)) != swapped
    (photo,) = box_units.in_pixels(listing, SIZES, "pixels")
    if swapped:
        with pytest.raises(ValueError, match="annotations say that"):
            checks.check_fit(photo, SIZES["a.png"], turned=False)
    else:
        checks.check_fit(photo, SIZES["a.png"], turned=False)
