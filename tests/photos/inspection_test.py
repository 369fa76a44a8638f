"""What is found of photos before anything is made of them."""

import numpy as np
import pytest
from PIL import Image

from safefakes_tf.photos import inspection


def test_the_bad_ones_are_found_among_many(tmp_path, capsys):
    names = [f"{index}.png" for index in range(40)]
    for index, name in enumerate(names):
        Image.new("RGB", (index + 1, 5)).save(tmp_path / name)
    encoded = (tmp_path / "7.png").read_bytes()
    for name in ("7.png", "30.png"):
        (tmp_path / name).write_bytes(encoded[: len(encoded) // 2])
    seen, unreadable = inspected = inspection.inspect(tmp_path, names, 300)
    assert list(unreadable) == ["7.png", "30.png"]
    assert {name: found.size[1] for name, found in seen.items()} == {
        f"{index}.png": index + 1 for index in range(40) if index not in (7, 30)
    }
    assert "lack" not in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"^2 of 40 photos cannot be read \(7\.png: "):
        inspection.refuse_unreadable(inspected)


def test_shades_of_unknown_range_are_found_out_before_the_run(tmp_path):
    Image.fromarray(np.full([4, 5], 70000, np.int32)).save(tmp_path / "a.tif")
    _, unreadable = inspection.inspect(tmp_path, ["a.tif"], 300)
    assert "save 8 bits" in unreadable["a.tif"]


def test_a_reason_is_one_line(tmp_path):
    pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    Image.new("RGB", (60, 40), "red").save(path)
    path.write_bytes(path.read_bytes()[:-20])
    _, unreadable = inspection.inspect(tmp_path, ["a.heic"], 300)
    assert "\n" not in unreadable["a.heic"]


def test_no_name_commands_the_terminal():
    assert inspection.named(["\x1b[2J\x07ü.jpg", "b"]) == r"\x1b[2J\x07ü.jpg, b"
