"""HEIC and AVIF, where they are read and where they are not."""

import numpy as np
import pytest
from PIL import Image

from safefakes_tf.photos import formats, inspection, reader, stored

# How a phone's HEIC file begins.
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500)


@pytest.mark.parametrize("kind", formats.HEIF)
def test_they_are_read(kind, tmp_path):
    if kind not in formats.FORMATS:
        pytest.skip(f"{kind} is not read here")
    pixels = np.tile(np.arange(0, 240, 3, dtype=np.uint8)[:, None, None], [1, 60, 3])
    path = tmp_path / "a.jpg"  # the name tells nothing
    Image.fromarray(pixels).save(path, kind, quality=95)
    assert inspection.look(path).size == (80, 60)
    found, _ = reader.decode_upright(path.read_bytes())
    assert np.abs(found.astype(int) - pixels).max() < 12
    photo = stored.check(path.read_bytes(), "a.jpg", upright=True)
    assert photo[1:4] == (80, 60, False)


def test_the_size_is_that_of_the_pixels_where_the_library_turns_them(tmp_path):
    pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.heic"
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    seen = inspection.look(path)
    assert reader.decode_upright(path.read_bytes())[0].shape[:2] == seen.size
    assert seen.turned


def test_where_they_are_not_read_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(formats, "FORMATS", ("JPEG", "PNG"))
    monkeypatch.setattr(reader, "FORMATS", ("JPEG", "PNG"))
    hint = r"pip install 'safefakes-tf\[heif\]'"
    with pytest.raises(ValueError, match=hint):
        reader.decode_upright(HEIC)
    with pytest.raises(ValueError, match=f"^photo a does not decode: .*{hint}"):
        stored.check(HEIC, "a")
    for name in ("IMG_1.HEIC", "a.avif"):
        with pytest.raises(ValueError, match=hint):
            formats.check_name(name)
    with pytest.raises(ValueError, match=r"got a\.gif$"):
        formats.check_name("a.gif")


@pytest.mark.skipif("HEIF" not in formats.FORMATS, reason="HEIF is not read here")
def test_what_only_begins_like_them_is_refused():
    with pytest.raises(ValueError, match=r"it is none of JPEG, .*, or damaged"):
        reader.decode_upright(HEIC)
