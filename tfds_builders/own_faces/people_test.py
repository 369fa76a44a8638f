"""Whose faces they are."""

import numpy as np

from safefakes_tf.photos.box_files.photo_boxes import PhotoBoxes
from tfds_builders.own_faces import people

SMALL, LARGE = (0, 0, 9, 9), (20, 0, 30, 40)


def photo(name, *boxes, identities=()):
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    return PhotoBoxes(name, boxes, identities=identities)


def identities(*photos, folders=False):
    found = people.identities(photos, folders)
    return {name: of_faces.tolist() for name, of_faces in found.items()}


def test_annotated_names_are_numbered_in_their_order():
    first = photo("1.jpg", SMALL, LARGE, identities=("Zoe", "Ann"))
    second = photo("2.jpg", LARGE, identities=("Zoe",))
    third = photo("3.jpg", SMALL, LARGE, identities=("Bob", None))
    found = identities(first, second, third)
    assert found == {"1.jpg": [2, 0], "2.jpg": [2], "3.jpg": [1, -1]}


def test_a_folder_names_the_largest_face():
    photos = [
        photo("train/ann/1.jpg", SMALL, LARGE),
        photo("val/bob/2.jpg", LARGE),
        photo("ann/3.jpg", LARGE),
        photo("ann/none.jpg"),
        photo("4.jpg", LARGE),
        photo("train/5.jpg", LARGE),  # a split is nobody
    ]
    assert identities(*photos, folders=True) == {
        "train/ann/1.jpg": [-1, 0],
        "val/bob/2.jpg": [1],
        "ann/3.jpg": [0],
        "ann/none.jpg": [],
        "4.jpg": [-1],
        "train/5.jpg": [-1],
    }
    assert not any(
        identity + 1 for of in identities(*photos).values() for identity in of
    )


def test_annotated_names_go_before_folders():
    told = photo("ann/1.jpg", SMALL, LARGE, identities=("Zoe", None))
    assert identities(told, photo("ann/2.jpg", LARGE), folders=True) == {
        "ann/1.jpg": [0, -1],
        "ann/2.jpg": [1],
    }
