"""What a picture's header says: its size, and whether it holds more than eight bits of red, green and blue.

Headers are read here without decoding: a few kilobytes can claim a picture that takes all memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from struct import unpack_from

MAX_BYTES = 100 * 2**20
MAX_PIXELS = 50_000_000  # decoded 150 MB; a few kilobytes of PNG can claim 30,000 × 30,000 and take all memory
END_OF_JPEG = b"\xff\xd9"
_PNG, _JPEG, _GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", (b"GIF87a", b"GIF89a")
_TIFF = (b"II*\0", b"MM\0*")
_COLOUR_SAMPLES = {0: 1, 1: 1, 2: 3, 3: 1, 6: 3}  # of TIFF's grey, RGB, palette and YCbCr; beyond them there is alpha


class PictureError(ValueError):
    """Why a picture cannot be read: the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class Header:
    """A picture's format, its size in pixels, and what decoding it to RGB would drop.

    ``rich``: alpha or more than eight bits a channel. ``frames``: whether there are further pictures in the file.
    ``premultiplied``: whether the decoder gives colours that are multiplied by their alpha.
    """

    format: str
    width: int
    height: int
    rich: bool = False
    frames: bool = False
    premultiplied: bool = False


def read_header(data: bytes) -> Header:
    """The header of a PNG, JPEG, BMP, GIF, WebP or TIFF. Raises PictureError where there is none."""
    if not data:
        raise PictureError("the file is empty")
    try:
        header = _header(data)
    except (struct.error, IndexError) as error:
        raise PictureError("the file is damaged or incomplete") from error
    if header is None:
        raise PictureError("it is not a picture (PNG, JPEG, BMP, GIF, WebP or TIFF)")
    if min(header.width, header.height) < 1:
        raise PictureError("the file is damaged or incomplete")
    return header


def _header(data: bytes) -> Header | None:
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_JPEG):
        return Header("JPEG", *_jpeg_size(data))
    if data.startswith(_GIF):
        return _gif(data)
    if data.startswith(b"BM"):
        return _bmp(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return _tiff(data) if data.startswith(_TIFF) else None


def _png(data: bytes) -> Header:
    width, height = unpack_from(">II", data, 16)
    before_pixels = data[: data.find(b"IDAT") + 1 or len(data)]
    rich = data[24] == 16 or data[25] in (4, 6) or b"tRNS" in before_pixels
    return Header("PNG", width, height, rich, b"acTL" in before_pixels)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """From the frame header (SOF0–SOF15 but DHT, JPG, DAC), by walking the segments before it."""
    at = 2
    while True:
        marker, length = data[at + 1], unpack_from(">H", data, at + 2)[0]
        if data[at] != 0xFF:
            raise IndexError
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + length  # 0xFF may be repeated as filling


def _gif(data: bytes) -> Header:
    """Transparency and further pictures, by walking the blocks; a file that breaks off has none of them."""
    width, height = unpack_from("<HH", data, 6)
    at, pictures, rich = 13 + _palette(data[10]), 0, False
    while pictures < 2 and at < len(data) and data[at] in (0x21, 0x2C):
        if data[at] == 0x21:
            rich |= data[at + 1] == 0xF9 and bool(data[at + 3] & 1)
            at += 2
        else:
            pictures += 1
            at += 11 + _palette(data[at + 9])
        while at < len(data) and data[at]:  # sub-blocks, each with its length before it
            at += 1 + data[at]
        at += 1
    return Header("GIF", width, height, rich, pictures > 1)


def _palette(flags: int) -> int:
    """Bytes of the palette that a GIF's flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(data: bytes) -> Header:
    old = unpack_from("<I", data, 14)[0] == 12
    width, height = unpack_from("<HH" if old else "<ii", data, 18)
    rich = not old and unpack_from("<H", data, 28)[0] == 32
    return Header("BMP", abs(width), abs(height), rich)  # a negative height says that rows run from the top


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return Header("WebP", width, height, bool(data[20] & 0x10), bool(data[20] & 0x02))
    if kind == b"VP8L":
        bits = unpack_from("<I", data, 21)[0]
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, rich=bool(bits >> 28 & 1))
    width, height = unpack_from("<HH", data, 26)
    return Header("WebP", width & 0x3FFF, height & 0x3FFF)


def _tiff(data: bytes) -> Header:
    """From the tags of the first directory; a 16-bit number is of type 3, a 32-bit one of type 4."""
    order = "<" if data[:2] == b"II" else ">"
    at = unpack_from(order + "I", data, 4)[0]
    count = unpack_from(order + "H", data, at)[0]
    tags = dict(_tiff_tag(data, order, at + 2 + 12 * i) for i in range(count))
    more = len(data) >= at + 6 + 12 * count and unpack_from(order + "I", data, at + 2 + 12 * count)[0] != 0
    bits, colour, samples = tags.get(258, 1), tags.get(262, 2), tags.get(277, 1)
    alpha = samples > _COLOUR_SAMPLES.get(colour, 4)
    premultiplied = alpha and (tags.get(338) == 1 or (tags.get(338) == 2 and bits <= 8))  # the latter by the decoder
    return Header("TIFF", tags.get(256, 0), tags.get(257, 0), bits > 8 or alpha, more, premultiplied)


def _tiff_tag(data: bytes, order: str, at: int) -> tuple[int, int]:
    """A tag and its first number."""
    tag, kind, count = unpack_from(order + "HHI", data, at)
    number = order + ("H" if kind == 3 else "I")
    if kind == 3 and count > 2:  # too many for the tag itself, which then says where they are
        at = unpack_from(order + "I", data, at + 8)[0] - 8
    return tag, unpack_from(number, data, at + 8)[0]
