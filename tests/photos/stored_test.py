"""Odd photo files of data sets come out as RGB, and untouched where that is known."""

import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from safefakes_tf.photos import stored, writer


@pytest.fixture
def pixels():
    """A smooth colour gradient, uint8 [24, 32, 3]."""
    rows, columns = np.mgrid[0:24, 0:32]
    return np.stack([rows * 10, columns * 7, 255 - rows * 5], axis=-1).astype(np.uint8)


def _decoded(photo):
    return tf.io.decode_image(photo.encoded, channels=3).numpy()


def _file(tmp_path, image, name, **options):
    path = tmp_path / name
    image.save(path, **options)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["grey.jpg", "grey.png"])
def test_a_greyscale_file_stays_and_decodes_to_rgb(tmp_path, pixels, name):
    encoded = _file(tmp_path, PIL.Image.fromarray(pixels).convert("L"), name)
    photo = stored.check(encoded, name)
    assert photo == (encoded, 24, 32, True, zlib.crc32(encoded))
    image = _decoded(photo)
    assert image.shape == (24, 32, 3)
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_a_cmyk_jpeg_stays_and_decodes_to_its_colours(tmp_path, pixels):
    cmyk = PIL.Image.fromarray(pixels).convert("CMYK")
    encoded = _file(tmp_path, cmyk, "cmyk.jpg", quality=100)
    photo = stored.check(encoded, "cmyk.jpg")
    assert photo.untouched
    difference = np.abs(_decoded(photo).astype(int) - pixels)
    assert difference.max() <= 12  # JPEG's own loss on this gradient


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_of_16_bits_stays_and_decodes_to_8(pixels, channels):
    deep = pixels[..., :channels].astype(np.uint16) * 257
    encoded = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    photo = stored.check(encoded, "deep.png")
    assert photo.untouched
    np.testing.assert_array_equal(
        _decoded(photo), np.broadcast_to(pixels[..., :channels], pixels.shape)
    )


@pytest.mark.parametrize("suffix", [".tiff", ".bmp"])
def test_other_formats_are_stored_as_png(pixels, suffix):
    encoded = cv2.imencode(suffix, pixels[..., ::-1])[1].tobytes()
    photo = stored.check(encoded, "photo" + suffix)
    assert photo[1:4] == (24, 32, False)
    np.testing.assert_array_equal(_decoded(photo), pixels)


def test_a_tiff_of_16_bits_is_stored_as_png_of_8(pixels):
    deep = pixels[..., ::-1].astype(np.uint16) * 257
    photo = stored.check(cv2.imencode(".tiff", deep)[1].tobytes(), "deep.tiff")
    np.testing.assert_array_equal(_decoded(photo), pixels)


def test_one_pixel_is_a_photo():
    encoded = tf.io.encode_jpeg(np.zeros((1, 1, 3), np.uint8)).numpy()
    assert stored.check(encoded, "dot.jpg")[:4] == (encoded, 1, 1, True)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_boxes_for_what_is_shown_are_not_laid_on_what_is_stored(
    suffix, tmp_path, pixels
):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to view"
    image = PIL.Image.fromarray(pixels)
    encoded = _file(tmp_path, image, f"turned{suffix}", exif=exif)
    with pytest.raises(ValueError, match=r"^photo a\.b is stored turned, [^\n]*$"):
        stored.check(encoded, "a.b")
    assert stored.check(encoded, "a.b", upright=True)[1:4] == (32, 24, False)


def test_what_is_erased_does_not_come_back_where_photos_are_upright(tmp_path, pixels):
    alpha = np.full([24, 32, 1], 255, np.uint8)
    alpha[:12] = 0
    image = PIL.Image.fromarray(np.concatenate([pixels, alpha], axis=2))
    photo = stored.check(_file(tmp_path, image, "a.png"), "a.png", upright=True)
    assert (_decoded(photo)[:12] == 255).all()
    np.testing.assert_array_equal(_decoded(photo)[12:], pixels[12:])


def test_a_jpeg_without_its_end_gets_one(tmp_path, pixels):
    encoded = _file(tmp_path, PIL.Image.fromarray(pixels), "a.jpg")
    photo = stored.check(encoded[:-2], "a.jpg")
    assert photo == (encoded, 24, 32, False, zlib.crc32(encoded[:-2]))


def test_a_photo_that_is_stored_turned_is_upright_where_boxes_are(tmp_path, pixels):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    encoded = _file(tmp_path, PIL.Image.fromarray(pixels), "turned.png", exif=exif)
    photo = stored.check(encoded, "turned.png", upright=True)
    assert photo[1:4] == (32, 24, False)
    np.testing.assert_array_equal(_decoded(photo), np.rot90(pixels, -1))
    plain = _file(tmp_path, PIL.Image.fromarray(pixels), "plain.png")
    photo = stored.check(plain, "plain.png", upright=True)
    assert photo[:4] == (plain, 24, 32, True)
    with pytest.raises(ValueError, match=r"^photo a\.png does not decode[^\n]*$"):
        stored.check(encoded[:50], "a.png", upright=True)


@pytest.mark.parametrize(
    "damage", [lambda e: e[: len(e) // 2], lambda e: b"", bytes.lower]
)
def test_a_damaged_file_is_an_error_with_its_name(pixels, damage):
    encoded = damage(tf.io.encode_jpeg(pixels).numpy())
    with pytest.raises(ValueError, match=r"^photo a/b\.jpg does not decode[^\n]*$"):
        stored.check(encoded, "a/b.jpg")


def test_files_are_read_in_order_and_conversions_counted(tmp_path, pixels, caplog):
    paths = []
    for index in range(20):
        paths.append(tmp_path / f"{index}{'.bmp' if index % 5 == 0 else '.png'}")
        cv2.imwrite(str(paths[-1]), pixels[: index + 1])
    heights = [photo.height for photo in stored.read_all(paths)]
    assert heights == list(range(1, 21))
    assert "4 of 20 photos were neither JPEG nor PNG, turned," in caplog.text


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"photo .*gone\.jpg is missing"):
        list(stored.read_all([tmp_path / "gone.jpg"]))


def test_encoding_knows_two_formats(pixels):
    png = writer.encode(pixels, "png", 95)
    np.testing.assert_array_equal(tf.io.decode_image(png), pixels)
    assert writer.encode(pixels, "jpeg", 95).numpy().startswith(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match="must be jpeg or png; got 'gif'"):
        writer.encode(pixels, "gif", 95)
