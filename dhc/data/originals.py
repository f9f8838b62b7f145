"""What the files of a data set's pictures are before they become 64×64 RGB: format, channels, size."""

from __future__ import annotations

import io
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dhc.data.files import stat_files
from dhc.data.formats import MAX_BYTES, MAX_PIXELS, Header, PictureError, read_header
from dhc.data.layout import Dataset

PREFIX = 1_000_000  # bytes in which a header stands, mostly; a file for which they do not do is read whole
# Pillow's modes in words; a mode that is not here is shown as it is.
CHANNELS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey, transparency",
    "La": "grey, transparency",
    "P": "palette",
    "PA": "palette, transparency",
    "RGB": "RGB",
    "RGBA": "RGB, transparency",
    "RGBa": "RGB, transparency",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "Lab",
    "I": "grey, 32 bits",
    "F": "floating point",
}
_SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Original:
    """A picture's file: format, channels in words, size in pixels and in bytes."""

    format: str
    channels: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True)
class Kind:
    """Files of one format with the same channels: how many in each split, and their sizes in pixels."""

    format: str
    channels: str
    counts: Mapping[str, int]
    sizes: Mapping[tuple[int, int], int]

    @property
    def span(self) -> str:
        """The sizes in words: ``64×64``, or ``16×16 to 640×480 (12 sizes)``."""
        small, large = (f"{width}×{height}" for width, height in (min(self.sizes, key=area), max(self.sizes, key=area)))
        return small if len(self.sizes) == 1 else f"{small} to {large} ({len(self.sizes):,} sizes)"

    @property
    def oblong(self) -> int:
        """How many of them are not square."""
        return sum(count for (width, height), count in self.sizes.items() if width != height)


def original(dataset: Dataset, file: str) -> Original:
    """What a picture's file is now; nothing is decoded. Raises PictureError for none of ours, OSError."""
    if stat_files(dataset.pictures, [file]) == [None]:  # gone, no file, or a link that leads out
        raise PictureError("the file is not there any more")
    return _read(dataset.pictures / file)


def kinds(dataset: Dataset) -> tuple[Kind, ...]:
    """The kinds of all listed files that have a picture's header, the commonest first. Takes 0.2 ms a file."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    sizes: dict[tuple[str, str], Counter[tuple[int, int]]] = defaultdict(Counter)
    for name, split in dataset.splits.items():
        for file, state in zip(split.files, stat_files(dataset.pictures, split.files), strict=True):
            if state is None:
                continue
            try:
                facts = _read(dataset.pictures / file)
            except (PictureError, OSError):  # listed with its reason among those that cannot be read
                continue
            counts[facts.format, facts.channels][name] += 1
            sizes[facts.format, facts.channels][facts.width, facts.height] += 1
    every = (Kind(*key, counts=counts[key], sizes=sizes[key]) for key in counts)
    return tuple(sorted(every, key=lambda kind: (-sum(kind.counts.values()), kind.format, kind.channels)))


def file_header(path: Path) -> Header:
    """The header of a picture's file, of which mostly only the beginning is read. Raises PictureError, OSError."""
    return _beginning(path)[0]


def _read(path: Path) -> Original:
    header, data, size = _beginning(path)
    return Original(header.format, _channels(data, header.width * header.height), header.width, header.height, size)


def _beginning(path: Path) -> tuple[Header, bytes, int]:
    """A file's header, the bytes that it was read from, and how many the file has."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(PREFIX)
        try:
            return read_header(data), data, size
        except PictureError:
            if not PREFIX < size <= MAX_BYTES:
                raise
        data += file.read(size - len(data))
        return read_header(data), data, size


def _channels(data: bytes, pixels: int) -> str:
    """The channels in words, "?" where Pillow does not take the file."""
    from PIL import Image  # as in `picture`: only where it is needed

    if pixels > MAX_PIXELS:
        return "?"
    try:
        with Image.open(io.BytesIO(data)) as image:
            mode, is_seen_through = image.mode, "transparency" in image.info
    except Exception:  # noqa: BLE001 - Pillow raises all kinds for what it does not like, and the rest is known
        return "?"
    words = "grey, 16 bits" if mode in _SIXTEEN else CHANNELS.get(mode, mode)
    if data.startswith(b"\x89PNG") and data[24:25] == b"\x10" and "16 bits" not in words:
        words += ", 16 bits"
    return f"{words}, transparency" if is_seen_through and "transparency" not in words else words


def area(size: tuple[int, int]) -> int:
    """Pixels of a (width, height)."""
    return size[0] * size[1]
