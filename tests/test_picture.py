"""Pictures as cameras, editors and the web write them: read as a person sees them, and what was converted is said."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from folders import picture
from PIL import Image

from dhc.data.formats import PictureError, read_header
from dhc.data.originals import file_header
from dhc.data.picture import decode

RGBA = np.dstack([picture(3)[..., ::-1], picture(4)[..., 0]])
WHITE, BLACK = "its transparent ground becomes white", "its transparent ground becomes black, since its figure is white"
LOSSLESS: Mapping[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "TIFF": {}}


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    """(h, w[, channels]) in cv2's order, of 8 or 16 bits, as a PNG."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def on(ground: int, rgba: np.ndarray) -> np.ndarray:
    """The oracle: Pillow's own composition on a ground of one brightness."""
    below = Image.new("RGBA", (rgba.shape[1], rgba.shape[0]), (ground, ground, ground, 255))
    return np.asarray(Image.alpha_composite(below, Image.fromarray(rgba)).convert("RGB"))


@pytest.mark.parametrize("format", LOSSLESS)
def test_a_transparent_ground_becomes_white(format: str) -> None:
    pixels, conversions = decode(encoded(Image.fromarray(RGBA), format, **LOSSLESS[format]))
    np.testing.assert_allclose(pixels.astype(int), on(255, RGBA), atol=1)
    assert conversions == (WHITE,)


def test_alpha_in_a_tiff_of_sixteen_bits_is_composed_too() -> None:
    deep = RGBA[..., [2, 1, 0, 3]].astype(np.uint16) * 257
    pixels = decode(cv2.imencode(".tiff", deep)[1].tobytes()).pixels
    np.testing.assert_allclose(pixels.astype(int), on(255, RGBA), atol=1)


def test_a_black_figure_on_a_transparent_ground_is_seen() -> None:
    icon = np.zeros((64, 64, 4), np.uint8)
    cv2.circle(icon, (32, 32), 20, (0, 0, 0, 255), -1)
    pixels = decode(png(icon)).pixels
    assert pixels[32, 32].tolist() == [0, 0, 0]
    assert pixels[2, 2].tolist() == [255, 255, 255]


def test_a_white_figure_stands_on_black() -> None:
    icon = np.full((64, 64, 4), 255, np.uint8)
    icon[..., 3] = 0
    cv2.rectangle(icon, (14, 14), (50, 50), (255, 255, 255, 255), -1)
    pixels, conversions = decode(png(icon))
    assert (pixels[32, 32].tolist(), pixels[2, 2].tolist()) == ([255, 255, 255], [0, 0, 0])
    assert conversions == (BLACK,)


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.fromarray(np.repeat(np.arange(8, dtype=np.uint8)[:, None] * 8, 64, axis=1).repeat(8, axis=0), "P")
    image.putpalette([v for i in range(256) for v in (i, 255 - i, 7)])
    for format in ("PNG", "GIF"):
        pixels, conversions = decode(encoded(image, format, transparency=0))
        assert pixels[2, 2].tolist() == [255, 255, 255]
        assert pixels[20, 2].tolist() != [255, 255, 255]
        assert conversions == (WHITE,)
        assert decode(encoded(image, format)).conversions == ()


def test_grey_with_alpha_is_composed_too() -> None:
    grey, alpha = RGBA[..., 0], RGBA[..., 3]
    image = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    pixels, conversions = decode(encoded(image, "PNG"))
    np.testing.assert_allclose(pixels.astype(int), on(255, np.dstack([grey, grey, grey, alpha])), atol=1)
    assert conversions == (WHITE,)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_an_opaque_alpha_changes_nothing_and_is_not_spoken_of(format: str) -> None:
    opaque = RGBA.copy()
    opaque[..., 3] = 255
    pixels, conversions = decode(encoded(Image.fromarray(opaque), format))
    np.testing.assert_array_equal(pixels, opaque[..., :3])
    assert conversions == ()


def test_a_bmp_whose_fourth_byte_is_not_used_is_opaque() -> None:
    unused = np.dstack([picture(5), np.zeros((64, 64), np.uint8)])
    pixels, conversions = decode(cv2.imencode(".bmp", unused)[1].tobytes())
    np.testing.assert_array_equal(pixels, picture(5)[..., ::-1])
    assert conversions == ()


def test_what_is_wholly_transparent_keeps_its_colours_and_says_so() -> None:
    pixels, conversions = decode(png(np.full((64, 64, 4), (0, 0, 255, 0), np.uint8)))
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert "wholly transparent" in conversions[0]


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_of_sixteen_bits_the_upper_eight_stay(ending: str) -> None:
    deep = picture(6).astype(np.uint16) * 256 + 200
    pixels, conversions = decode(cv2.imencode(ending, deep)[1].tobytes())
    np.testing.assert_array_equal(pixels, picture(6)[..., ::-1])
    assert conversions == ("of its 16 bits a channel the upper 8 stay",)


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("grey", [False, True])
def test_twelve_bits_kept_in_sixteen_are_not_nearly_black(ending: str, grey: bool) -> None:
    eight = picture(7)[..., 0] if grey else picture(7)
    pixels, conversions = decode(cv2.imencode(ending, eight.astype(np.uint16) * 16 + 9)[1].tobytes())
    np.testing.assert_array_equal(pixels, np.dstack([eight] * 3) if grey else eight[..., ::-1])
    assert conversions == ("it uses only 12 of its 16 bits a channel, of which the upper 8 stay",)


def test_twelve_bits_beside_an_alpha_of_sixteen() -> None:
    deep = np.dstack([picture(8).astype(np.uint16) * 16, np.full((64, 64), 65535, np.uint16)])
    np.testing.assert_array_equal(decode(png(deep)).pixels, picture(8)[..., ::-1])


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_known_white_are_refused_by_their_type(dtype: type) -> None:
    with pytest.raises(PictureError, match=rf"its pixels are of the type {dtype.__name__}, whose white is not known"):
        decode(encoded(Image.fromarray(picture(9)[..., 0].astype(dtype)), "TIFF"))


BIG = cv2.GaussianBlur(picture(0, 200, 160), (9, 9), 3)
JPEGS = {
    "baseline": cv2.imencode(".jpg", BIG)[1].tobytes(),
    "progressive": cv2.imencode(".jpg", BIG, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes(),
    "restarts": cv2.imencode(".jpg", BIG, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes(),
    "grey": cv2.imencode(".jpg", BIG[..., 0])[1].tobytes(),
    "444": encoded(Image.fromarray(BIG), "JPEG", subsampling=0),
}
ENDS = {"nothing": b"", "an end mark": b"\xff\xd9", "a web page": b"\xff\xd9<html></html>", "zeros": bytes(500)}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("whole", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_that_breaks_off_is_refused_however_it_ends(whole: bytes, share: float, end: bytes) -> None:
    with pytest.raises(PictureError, match=r"breaks off|damaged or incomplete"):
        decode(whole[: int(len(whole) * share)] + end)


@pytest.mark.parametrize("whole", JPEGS.values(), ids=JPEGS)
def test_a_whole_jpeg_is_read_with_and_without_its_end_mark_and_with_more_behind_it(whole: bytes) -> None:
    sound = decode(whole)
    assert sound.conversions == ()
    np.testing.assert_array_equal(decode(whole + b"more" * 99).pixels, sound.pixels)
    without = decode(whole[:-2])
    np.testing.assert_array_equal(without.pixels, sound.pixels)
    assert without.conversions == ("the mark at its end is missing, and nothing else",)


def test_a_whole_jpeg_with_a_flat_corner_is_read(capfd: pytest.CaptureFixture[str]) -> None:
    flat = BIG.copy()
    flat[120:] = 255
    for options in ([], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]):
        assert decode(cv2.imencode(".jpg", flat, options)[1].tobytes()).conversions == ()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_held_as_its_exif_data_says(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    image = Image.fromarray(cv2.GaussianBlur(picture(10), (15, 15), 5))
    data = encoded(image, format, exif=exif.tobytes(), **LOSSLESS.get(format, {"quality": 100, "subsampling": 0}))
    from PIL import ImageOps

    pixels, conversions = decode(data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")).astype(int)
    assert np.abs(pixels - expected).max() <= 3  # two decoders of JPEG round differently
    turned = orientation > 1 and format != "TIFF"
    assert conversions == (("it is turned as its EXIF data says",) if turned else ())


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_pictures_in_a_file_the_first_is_taken_and_that_is_said(format: str) -> None:
    frames = [Image.fromarray(np.full((20, 20, 3), value, np.uint8)) for value in (10, 200, 90)]
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    pixels, conversions = decode(data)
    assert abs(int(pixels[0, 0, 0]) - 10) < 4
    assert conversions == ("it holds several pictures, of which the first is taken",)
    assert not read_header(encoded(frames[0], format)).frames


def test_black_ink_is_no_transparency() -> None:
    cmyk = Image.fromarray(cv2.GaussianBlur(picture(11), (15, 15), 5)).convert("CMYK")
    for format in ("JPEG", "TIFF"):
        pixels, conversions = decode(encoded(cmyk, format, **({"quality": 98} if format == "JPEG" else {})))
        assert np.abs(pixels.astype(int) - np.asarray(cmyk.convert("RGB"))).mean() < 12
        assert conversions == ()


def test_of_a_file_that_is_no_picture_only_the_beginning_is_read(tmp_path: Path) -> None:
    for size, most in ((5 * 2**30, 4), (2_000_000, 8)):
        with (tmp_path / "x.png").open("wb") as file:
            file.truncate(size)  # all zeros, and no bytes on the disk
        tracemalloc.start()
        with pytest.raises(PictureError, match="it is not a picture"):
            file_header(tmp_path / "x.png")
        assert tracemalloc.get_traced_memory()[1] < most * 2**20
        tracemalloc.stop()
