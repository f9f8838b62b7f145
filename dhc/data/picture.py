"""One file's bytes → one 64×64 RGB picture, and what had to be converted on the way."""

from __future__ import annotations

import io
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import cv2
import numpy as np

from dhc.data import jpeg
from dhc.data.cache import SIZE
from dhc.data.formats import END_OF_JPEG, MAX_BYTES, MAX_PIXELS, Header, PictureError, read_header

MAX_PIXELS_OF_MANY = 10_000_000  # of a file of several pictures, whose decoder holds some of them at once
TWELVE_BITS = 2**12  # below that in all of a 16-bit picture, only twelve are used, as cameras and microscopes do
ORIENTATION = 0x112  # the EXIF tag that says which side is up
TURNS: Mapping[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda picture: np.rot90(picture, 2),
    4: np.flipud,
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: np.rot90(picture, -1),
    7: lambda picture: np.rot90(picture.swapaxes(0, 1), 2),
    8: np.rot90,
}
LARGE = 25_000_000  # pixels of a picture that is decoded alone, however many cores there are: it may take 800 MB
BAND = 256  # rows that are put on a ground together
ZEROS = bytes(16)
MAX_SCANS = 100  # parts of a progressive JPEG; encoders make about ten, and each costs a walk over all pixels
START_OF_SCAN = b"\xff\xda"
NEAR_WHITE = 240  # mean brightness of a figure that would not be seen on white
_ONE_LARGE = threading.Lock()


class Decoded(NamedTuple):
    """A picture, (64, 64, 3) uint8 RGB in 0–255, and what was converted: the ends of sentences, mostly none."""

    pixels: np.ndarray
    conversions: tuple[str, ...] = ()


def read_bytes(path: str) -> bytes:
    """All of the file.

    Raises PictureError where it is too large for a picture, OSError where it cannot be opened.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.open, and this runs 18,000 times
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise PictureError(f"the file is larger than {MAX_BYTES >> 20} MB")
        return file.read()


def decode(data: bytes) -> Decoded:
    """Decode a PNG, JPEG, BMP, GIF, WebP or TIFF.

    Grey is repeated in all three channels; transparency becomes white, or black behind a white figure; of 16 bits the
    upper 8 stay, of 12 bits kept in 16 the upper 8 of 12; of several pictures in a file the first is taken; and a JPEG
    is turned as its EXIF data says.

    Raises PictureError for anything else: not a picture, broken off, of floating-point numbers, too large.
    """
    header = read_header(data)
    most = MAX_PIXELS_OF_MANY if header.frames else MAX_PIXELS
    if header.width * header.height > most:
        raise PictureError(f"it claims {header.width:,} × {header.height:,} pixels, more than {most // 10**6} million")
    conversions = ["it holds several pictures, of which the first is taken"] if header.frames else []
    with _ONE_LARGE if header.width * header.height > LARGE else nullcontext():
        picture = resize(_upright(data, header, conversions))
    return Decoded(picture, tuple(conversions))


def _upright(data: bytes, header: Header, conversions: list[str]) -> np.ndarray:
    """The whole picture, (h, w, 3) uint8 RGB, as it is to be held."""
    if header.format == "JPEG":
        picture = _jpeg(data, conversions)
    elif header.rich:
        picture = _flatten(_eight_bits(_imdecode(data, cv2.IMREAD_UNCHANGED), conversions), header, conversions)
    else:
        picture = _imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if any(mark in data for mark in (b"Exif\0\0", b"eXIf", b"EXIF")) and header.format != "TIFF":  # which cv2 turns
        picture = _turned(picture, data, conversions)
    return picture


def _turned(picture: np.ndarray, data: bytes, conversions: list[str]) -> np.ndarray:
    """The picture as its EXIF data says that it is to be held."""
    from PIL import Image  # only for pictures with such data

    try:
        with Image.open(io.BytesIO(data)) as image:
            orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - whatever is wrong with a note beside the pixels, they are read
        return picture
    if orientation not in TURNS:
        return picture
    conversions.append("it is turned as its EXIF data says")
    return np.ascontiguousarray(TURNS[orientation](picture))


def _imdecode(data: bytes, flags: int) -> np.ndarray:
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error as error:
        raise PictureError("the file is damaged or incomplete") from error
    if picture is None:
        raise PictureError("the file is damaged or incomplete")
    return picture


def _jpeg(data: bytes, conversions: list[str]) -> np.ndarray:
    if (scans := data.count(START_OF_SCAN)) > MAX_SCANS:
        raise PictureError(f"it comes in {scans:,} parts, more than the {MAX_SCANS} that are decoded")
    if END_OF_JPEG not in data:
        if data.endswith(
            ZEROS
        ):  # room that was made for the rest of a download, which the decoder would take for pixels
            raise PictureError("the file breaks off: a part of the picture is missing")
        data += END_OF_JPEG
        conversions.append("the mark at its end is missing, and nothing else")
    picture = _imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if jpeg.ends_early(data, picture):
        raise PictureError("the file breaks off: a part of the picture is missing")
    return picture


def _eight_bits(picture: np.ndarray, conversions: list[str]) -> np.ndarray:
    """The picture in 8 bits a channel. Raises PictureError for numbers that have no fixed white."""
    if picture.dtype == np.uint8:
        return picture
    if picture.dtype != np.uint16:
        raise PictureError(f"its pixels are of the type {picture.dtype}, whose white is not known; save it in 8 bits")
    colours = picture[..., :3] if picture.ndim == 3 else picture
    if colours.max() >= TWELVE_BITS:
        conversions.append("of its 16 bits a channel the upper 8 stay")
        return (picture >> 8).astype(np.uint8)
    conversions.append("it uses only 12 of its 16 bits a channel, of which the upper 8 stay")
    eight = (picture >> 4).astype(np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 4:
        eight[..., 3] = picture[..., 3] >> 8
    return eight


def _flatten(picture: np.ndarray, header: Header, conversions: list[str]) -> np.ndarray:
    """(h, w), (h, w, 3) or (h, w, 4) uint8 BGR(A) → (h, w, 3) RGB, upright, without transparency."""
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if picture.shape[2] == 3:
        return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    colours, alpha = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGB), picture[..., 3:]
    if alpha.min() == 255 or (alpha.max() == 0 and header.format == "BMP"):  # whose fourth byte is mostly not used
        return colours
    if alpha.max() == 0:
        conversions.append("it is wholly transparent, and its colours are shown as if it were not")
        return colours
    bands = [slice(row, row + BAND) for row in range(0, len(colours), BAND)]  # floats of all of it would take gigabytes
    weight = np.full_like(alpha, 255) if header.premultiplied else alpha
    light = sum(float((colours[band].mean(axis=2, keepdims=True) * (weight[band] / 255)).sum()) for band in bands)
    ground = 0.0 if light / (float(alpha.sum(dtype=np.float64)) / 255) > NEAR_WHITE else 255.0
    conversions.append(f"its transparent ground becomes {'white' if ground else 'black, since its figure is white'}")
    for band in bands:
        share = alpha[band].astype(np.float32) / 255
        figure = colours[band] if header.premultiplied else colours[band] * share
        colours[band] = np.rint(np.minimum(figure + ground * (1 - share), 255)).astype(np.uint8)
    return colours


def encode_png(picture: np.ndarray) -> bytes:
    """(h, w, 3) uint8 RGB as a PNG, lightly compressed: 0.1 ms for 64×64."""
    success, png = cv2.imencode(".png", picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert success  # PNG takes any array of this shape and type
    return png.tobytes()


def png_base64(picture: np.ndarray) -> str:
    """``encode_png`` in base64, for HTML. Raises ValueError for anything but (h, w, 3) uint8."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"A picture must be (height, width, 3) uint8, not {picture.shape} {picture.dtype}.")
    return b64encode(encode_png(picture)).decode("ascii")


def resize(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) → (64, 64, 3) uint8: averaged where a side shrinks, linear where it grows."""
    height, width = picture.shape[:2]
    smaller = (min(width, SIZE), min(height, SIZE))
    if smaller != (width, height):
        picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA)
    if smaller != (SIZE, SIZE):
        picture = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return picture


@contextmanager
def single_threaded() -> Iterator[None]:
    """cv2 without threads and log lines of its own.

    The caller runs a thread a core, and reports what is wrong by name.
    """
    threads, level = cv2.getNumThreads(), cv2.utils.logging.getLogLevel()
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        cv2.utils.logging.setLogLevel(level)
