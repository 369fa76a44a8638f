"""A user's photos: upright, in sRGB, and written with nothing but pixels."""

import io
import os

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from safefakes_tf import atomic
from safefakes_tf.photos import formats, inspection, reader, stored, writer

GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F


@pytest.fixture
def picture():
    """Return a picture in four colours, wider than high."""
    pixels = np.zeros([40, 60, 3], np.uint8)
    pixels[:20, :30], pixels[:20, 30:] = (200, 0, 0), (0, 200, 0)
    pixels[20:, :30], pixels[20:, 30:] = (0, 0, 200), (200, 200, 200)
    return pixels


def read(path):
    with reader.reading(path):
        return reader.decode_upright(path.read_bytes())


def with_metadata(path, pixels, orientation=1, **options):
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "Secret"
    exif.get_ifd(GPS)[1] = "N"
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
def test_what_is_written_has_pixels_and_nothing_else(suffix, picture, tmp_path):
    source = with_metadata(tmp_path / "in.jpg", picture, comment=b"Secret", quality=95)
    pixels, turned = read(source)
    assert not turned
    path = tmp_path / "deep" / f"out{suffix}"
    writer.write(path, pixels, quality=95)
    assert b"Secret" in source.read_bytes()
    assert b"Secret" not in path.read_bytes()
    with Image.open(path) as image:
        assert not set(image.getexif()) & {GPS, ORIENTATION, MAKE}
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()
        assert image.size == (60, 40)
        difference = np.abs(np.asarray(image.convert("RGB")).astype(int) - picture)
    assert np.median(difference) <= 2
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["in.png", "in.tif", "grey.tif"])
@pytest.mark.parametrize("orientation", range(9))  # 0 is none, yet written
def test_photos_are_turned_as_viewers_turn_them(orientation, name, picture, tmp_path):
    if name == "grey.tif":  # of those that Pillow would map into memory
        picture = np.repeat(picture.sum(axis=2, keepdims=True) // 3, 3, axis=2)
        picture = picture.astype(np.uint8)
    stored = picture[..., 0] if name == "grey.tif" else picture
    path = with_metadata(tmp_path / name, stored, orientation)
    pixels, turned = read(path)
    assert turned == (orientation > 1)
    assert inspection.look(path) == (pixels.shape[:2], turned, True)
    rows = {
        0: picture,
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


def xmp_telling(orientation):
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/>'
        b"</x:xmpmeta>" % orientation
    )


def in_text(orientation):
    """Return EXIF as ImageMagick writes it into a text of PNG."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    encoded = exif.tobytes()
    return f"\nexif\n{len(encoded):8}\n{encoded.hex()}\n"


def options_telling(orientation, place):
    """Return what `save` takes to tell the orientation elsewhere than in EXIF."""
    if place == "xmp":
        return {"xmp": xmp_telling(orientation)}
    if place == "tag":  # of TIFF
        return {"tiffinfo": {0x02BC: xmp_telling(orientation)}}
    texts = PngImagePlugin.PngInfo()
    if place == "text":
        texts.add_text("Raw profile type exif", in_text(orientation), zip=True)
    else:
        texts.add_itxt("XML:com.adobe.xmp", xmp_telling(orientation).decode())
    return {"pnginfo": texts}


BESIDE_EXIF = [
    *(("in.jpg", "xmp"), ("in.webp", "xmp"), ("in.tif", "tag")),
    *(("in.png", "text"), ("in.png", "international text")),
]


@pytest.mark.parametrize(("name", "place"), BESIDE_EXIF)
@pytest.mark.parametrize("orientation", [3, 6])
def test_turned_by_something_else_than_exif_is_refused(
    orientation, name, place, picture, tmp_path
):
    """Viewers do not agree, so boxes may be meant either way."""
    path = tmp_path / name
    Image.fromarray(picture).save(path, **options_telling(orientation, place))
    refused = rf"viewers disagree.*XMP or a text.*orientation {orientation}.*save it"
    for reads in (
        lambda: reader.decode_upright(path.read_bytes()),
        lambda: inspection.look(path),
        lambda: stored.check(path.read_bytes(), "name", upright=True),
        lambda: stored.check(path.read_bytes(), "name"),
    ):
        with pytest.raises(ValueError, match=refused):
            reads()


@pytest.mark.parametrize(("name", "place"), BESIDE_EXIF)
@pytest.mark.parametrize(("told", "exif"), [(6, 1), (6, 0), (6, 3), (1, None)])
def test_exif_decides_where_it_tells_the_orientation(
    told, exif, name, place, picture, tmp_path
):
    path, options = tmp_path / name, options_telling(told, place)
    if exif is not None and "tiffinfo" in options:
        options["tiffinfo"][ORIENTATION] = exif
    elif exif is not None:
        options["exif"] = Image.Exif()
        options["exif"][ORIENTATION] = exif
    Image.fromarray(picture).save(path, **options)
    pixels, turned = read(path)
    assert turned == (exif == 3)
    assert inspection.look(path) == ((40, 60), turned, True)
    expected = picture[::-1, ::-1] if turned else picture
    assert np.median(np.abs(pixels.astype(int) - expected)) <= 4


def test_colours_of_another_profile_become_srgb(picture, tmp_path):
    profile = ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(
        Image.fromarray(picture), reader.SRGB, profile, outputMode="LAB"
    )
    path = tmp_path / "in.tif"
    lab.save(path, icc_profile=ImageCms.ImageCmsProfile(profile).tobytes())
    with Image.open(path) as stored:
        if stored.mode != "LAB" or not stored.info.get("icc_profile"):
            pytest.skip("this Pillow does not store LAB")
    pixels, _ = read(path)
    assert np.abs(pixels.astype(int) - picture).mean() < 40


def test_a_broken_profile_is_ignored(picture, tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(picture).save(path, icc_profile=b"no profile")
    np.testing.assert_array_equal(read(path)[0], picture)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_all_modes_become_rgb(mode, picture, tmp_path):
    image = Image.fromarray(picture).convert(mode)
    path = tmp_path / ("in.tif" if mode == "CMYK" else "in.png")
    image.save(path)
    pixels, _ = read(path)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, image.convert("RGB"))


@pytest.mark.parametrize(
    ("name", "dtype", "mode"),
    [
        ("in.png", "<u2", "I;16"),
        ("in.tif", "<u2", "I;16"),
        ("in.tif", ">u2", "I;16B"),
        ("in.tif", "<i4", "I"),
    ],
)
def test_grey_of_16_bits_keeps_its_shades(name, dtype, mode, tmp_path):
    shades = (np.arange(256) * 257).reshape(8, 32)
    image = Image.frombytes(mode, (32, 8), shades.astype(dtype).tobytes())
    image.save(tmp_path / name)
    pixels, _ = read(tmp_path / name)
    expected = np.arange(256).reshape(8, 32, 1)
    np.testing.assert_array_equal(pixels, np.repeat(expected, 3, axis=2))


@pytest.mark.parametrize("value", [np.float32(0.5), np.int32(-1), np.int32(70000)])
def test_shades_of_unknown_range_are_refused(value, tmp_path):
    path = tmp_path / "in.tif"
    Image.fromarray(np.full([4, 5], value)).save(path)
    with pytest.raises(ValueError, match=r"in\.tif does not decode: .*save 8 bits"):
        read(path)


@pytest.mark.parametrize("name", ["in.png", "in.webp", "in.tif"])
def test_what_is_erased_does_not_come_back(name, picture, tmp_path):
    alpha = np.full([40, 60, 1], 255, np.uint8)
    alpha[:20, :30] = 0
    path = tmp_path / name
    image = Image.fromarray(np.concatenate([picture, alpha], axis=2))
    image.save(path, **({"lossless": True, "exact": True} if "webp" in name else {}))
    picture[:20, :30] = 255
    np.testing.assert_array_equal(read(path)[0], picture)


def test_a_transparent_colour_does_not_come_back(picture, tmp_path):
    path = tmp_path / "in.png"
    Image.fromarray(picture).save(path, transparency=(200, 0, 0))
    picture[:20, :30] = 255
    np.testing.assert_array_equal(read(path)[0], picture)


@pytest.mark.parametrize("name", ["pages.tif", "camera.jpg"])
def test_of_several_pictures_the_first_is_all(name, picture, tmp_path):
    first, second = Image.fromarray(picture), Image.fromarray(255 - picture)
    kind = "TIFF" if name == "pages.tif" else "MPO"
    path = tmp_path / name
    first.save(path, format=kind, save_all=True, append_images=[second])
    pixels, _ = read(path)
    assert np.median(np.abs(pixels.astype(int) - picture)) <= 2
    writer.write(tmp_path / f"out-{name}", pixels, quality=95)
    with Image.open(tmp_path / f"out-{name}") as written:
        assert getattr(written, "n_frames", 1) == 1


@pytest.mark.parametrize("name", ["in.png", "in.webp"])
def test_an_animation_is_refused(name, picture, tmp_path):
    first, second = Image.fromarray(picture), Image.fromarray(255 - picture)
    first.save(tmp_path / name, save_all=True, append_images=[second])
    with pytest.raises(ValueError, match="it is an animation"):
        read(tmp_path / name)


def test_content_tells_the_format_among_those_of_photos(picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "jpeg.png", format="JPEG")
    assert read(tmp_path / "jpeg.png")[0].shape == picture.shape
    Image.fromarray(picture).save(tmp_path / "eps.png", format="EPS")
    with pytest.raises(ValueError, match="it is none of JPEG, PNG"):
        read(tmp_path / "eps.png")


def test_a_photo_too_large_is_refused(tmp_path):
    path = tmp_path / "in.png"
    Image.new("1", (20_000, 10_000)).save(path)  # 200 megapixels in 25 kB
    assert inspection.look(path).size == (10_000, 20_000)
    too_large = r"^it has 200 megapixels, and --max_megapixels is 199\.5$"
    for limited in (reader.decode_upright, lambda _, most: inspection.look(path, most)):
        with pytest.raises(ValueError, match=too_large):
            limited(path.read_bytes(), 199.5)
    with pytest.raises(ValueError, match=r"17000 x 2 px.* type WEBP.*name it \.png"):
        writer.write(tmp_path / "a.webp", np.zeros([2, 17000, 3], np.uint8), 95)


def test_a_photo_is_on_the_disk_before_it_has_its_name(picture, tmp_path, monkeypatch):
    seen = []

    def fsync(handle):
        seen.append([path.name for path in tmp_path.iterdir()])

    monkeypatch.setattr(os, "fsync", fsync)
    writer.write(tmp_path / "a.png", picture, 95)
    (names,) = seen
    assert len(names) == 1 and names[0].endswith(atomic.SUFFIX)


def test_mistakes_are_told(picture, tmp_path):
    with pytest.raises(ValueError, match="is missing"):
        read(tmp_path / "none.jpg")
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(ValueError, match="does not decode"):
        read(tmp_path / "text.jpg")
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[:-200])
    with pytest.raises(ValueError, match="does not decode"):
        read(tmp_path / "cut.jpg")
    with pytest.raises(ValueError, match=r"photos must be JPEG, .*; got a\.gif"):
        formats.check_name("a.gif")
