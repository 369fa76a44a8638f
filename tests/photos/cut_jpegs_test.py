"""JPEG files that lack their last bytes, and such as lack more."""

import io

import numpy as np
import pytest
from PIL import Image

from safefakes_tf.photos import cut_jpegs, inspection, reader

KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_rows": 1},
    "full chroma": {"subsampling": 0},
}


@pytest.fixture(scope="module")
def picture():
    noise = np.random.default_rng(0).integers(0, 256, [20, 30, 3], np.uint8)
    return Image.fromarray(noise).resize((300, 200), Image.Resampling.BICUBIC)


def jpeg(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2, 3, 0.03])  # bytes, or a share of them
def test_last_bytes_may_be_missing(kind, missing, picture, tmp_path):
    encoded = jpeg(picture, **KINDS[kind])
    cut = encoded[: -int(missing if missing >= 1 else missing * len(encoded))]
    pixels, turned = reader.decode_upright(cut)
    whole, _ = reader.decode_upright(encoded)
    assert not turned
    different = np.abs(pixels.astype(int) - whole).max(axis=2) > 20
    assert different.mean() <= (0.1 if missing < 1 else 0.01)
    (tmp_path / "cut.jpg").write_bytes(cut)
    assert inspection.look(tmp_path / "cut.jpg") == ((200, 300), False, False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_half_of_it_may_not(kind, share, picture, tmp_path):
    encoded = jpeg(picture, **KINDS[kind])
    (tmp_path / "cut.jpg").write_bytes(encoded[: int(share * len(encoded))])
    with pytest.raises(ValueError, match="cut short"):
        inspection.look(tmp_path / "cut.jpg")


def test_a_picture_of_one_colour_is_not_taken_for_nothing():
    encoded = jpeg(Image.new("RGB", (100, 80), "red"))
    assert cut_jpegs.mended(encoded[:-2]) == encoded


def test_what_has_an_end_is_not_mended(picture):
    with pytest.raises(ValueError, match="damaged"):
        cut_jpegs.mended(jpeg(picture))


def test_half_a_head_is_no_jpeg(picture):
    encoded = jpeg(picture)
    for size in range(2, encoded.index(cut_jpegs.SCAN) + 12):
        with pytest.raises(ValueError, match="cut short"):
            cut_jpegs.mended(encoded[:size])
