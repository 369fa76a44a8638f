"""A user's photos: upright, in sRGB, and written with nothing but pixels."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from safefakes_tf import user_photos

GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F


@pytest.fixture
def picture():
    """Return a picture in four colours, wider than high."""
    pixels = np.zeros([40, 60, 3], np.uint8)
    pixels[:20, :30], pixels[:20, 30:] = (200, 0, 0), (0, 200, 0)
    pixels[20:, :30], pixels[20:, 30:] = (0, 0, 200), (200, 200, 200)
    return pixels


def with_metadata(path, pixels, orientation=1, **options):
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "Secret"
    exif.get_ifd(GPS)[1] = "N"
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
def test_what_is_written_has_pixels_and_nothing_else(suffix, picture, tmp_path):
    source = with_metadata(tmp_path / "in.jpg", picture, comment=b"Secret", quality=95)
    pixels, turned = user_photos.read(source)
    assert not turned
    path = tmp_path / "deep" / f"out{suffix}"
    user_photos.write(path, pixels, quality=95)
    assert b"Secret" in source.read_bytes()
    assert b"Secret" not in path.read_bytes()
    with Image.open(path) as image:
        assert not set(image.getexif()) & {GPS, ORIENTATION, MAKE}
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()
        assert image.size == (60, 40)
        difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - picture)
    assert np.median(difference) <= 2
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_as_viewers_turn_them(orientation, picture, tmp_path):
    path = with_metadata(tmp_path / "in.png", picture, orientation)
    pixels, turned = user_photos.read(path)
    assert turned == (orientation != 1)
    rows = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.transpose(1, 0, 2),
        6: picture[::-1].transpose(1, 0, 2),
        7: picture[::-1, ::-1].transpose(1, 0, 2),
        8: picture[:, ::-1].transpose(1, 0, 2),
    }
    np.testing.assert_array_equal(pixels, rows[orientation])


def test_colours_of_another_profile_become_srgb(picture, tmp_path):
    profile = ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(
        Image.fromarray(picture), user_photos.SRGB, profile, outputMode="LAB"
    )
    path = tmp_path / "in.tif"
    lab.save(path, icc_profile=ImageCms.ImageCmsProfile(profile).tobytes())
    with Image.open(path) as stored:
        if stored.mode != "LAB" or not stored.info.get("icc_profile"):
            pytest.skip("this Pillow does not store LAB")
    pixels, _ = user_photos.read(path)
    assert np.abs(pixels.astype(int) - picture).mean() < 40


def test_a_broken_profile_is_ignored(picture, tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(picture).save(path, icc_profile=b"no profile")
    np.testing.assert_array_equal(user_photos.read(path)[0], picture)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_all_modes_become_rgb(mode, picture, tmp_path):
    image = Image.fromarray(picture)
    image = (
        image.convert("L").convert("I;16") if mode == "I;16" else image.convert(mode)
    )
    path = tmp_path / ("in.tif" if mode == "CMYK" else "in.png")
    image.save(path)
    pixels, _ = user_photos.read(path)
    assert pixels.shape == (40, 60, 3)
    assert pixels.dtype == np.uint8


def test_mistakes_are_told(picture, tmp_path):
    with pytest.raises(ValueError, match="is missing"):
        user_photos.read(tmp_path / "none.jpg")
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(ValueError, match="does not decode"):
        user_photos.read(tmp_path / "text.jpg")
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[:-200])
    with pytest.raises(ValueError, match="does not decode"):
        user_photos.read(tmp_path / "cut.jpg")
    with pytest.raises(ValueError, match=r"photos must be JPEG, .*; got a\.gif"):
        user_photos.check_name("a.gif")
