"""NumPy arrays in files that anyone may have written: the header is judged before memory is taken.

A header is taken only letter for letter as NumPy writes it for plain numbers and texts, so that nothing is evaluated or
unpickled, and only where exactly so many bytes follow.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from dhc.files.archive import Archive, DamagedError

MAGIC = b"\x93NUMPY\x01\x00"
MAX_VALUES = 10**12
MAX_HEADER = 4096  # bytes; NumPy's own have 128
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<>|](?:b1|[iu][1248]|f[248]|U[1-9][0-9]{0,7}))', "
    rb"'fortran_order': (?P<fortran>False|True), "
    rb"'shape': \((?P<shape>[0-9]{1,12},|[0-9]{1,12}(?:, [0-9]{1,12}){1,7}|)\), \} *\n"
)


@dataclass(frozen=True)
class Header:
    """What an array's header says: its dtype and shape, and at which byte its values begin."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    fortran: bool
    start: int

    @property
    def end(self) -> int:
        """Bytes of header and values together."""
        return self.start + math.prod(self.shape) * self.dtype.itemsize


def parse_header(data: bytes) -> Header:
    """The header at the beginning of a .npy file's first MAX_HEADER bytes. Raises DamagedError."""
    begin = len(MAGIC) + 2
    start = begin + int.from_bytes(data[len(MAGIC) : begin], "little")
    match = _HEADER.fullmatch(data[begin:start])
    if not data.startswith(MAGIC) or match is None:
        raise DamagedError("holds an array whose header is none of ours")
    shape = tuple(int(side) for side in match["shape"].replace(b",", b"").split())
    if math.prod(max(1, side) for side in shape) > MAX_VALUES:  # of no values too, which have no bytes to show for it
        raise DamagedError("holds an array of impossible size")
    return Header(np.dtype(match["dtype"].decode()), shape, match["fortran"] == b"True", start)


class ArrayArchive(Archive):
    """A zip archive of arrays, as ``numpy.savez`` writes it. Each method raises DamagedError."""

    def header(self, name: str) -> Header:
        """What the array of that name claims to be; its claim is no larger than its member."""
        try:
            header = parse_header(self.read(f"{name}.npy", MAX_HEADER))
            if header.end != self.sizes[f"{name}.npy"]:
                raise DamagedError("claims other sizes than it has")
        except DamagedError as error:
            raise DamagedError(f"{error} ({name})") from None
        return header

    def array(self, name: str) -> np.ndarray:
        """The array of that name, read-only; texts hold whole characters only."""
        header = self.header(name)
        data = self.read(f"{name}.npy")
        if header.dtype.kind == "U" and not _whole_characters(data, header):
            raise DamagedError(f"holds what is no text ({name})")
        values: np.ndarray = np.ndarray(
            header.shape, header.dtype, data, header.start, order="F" if header.fortran else "C"
        )
        return values


def _whole_characters(data: bytes, header: Header) -> bool:
    """Whether no value is above the last character or half of one, which no screen can show."""
    codes = np.frombuffer(data, header.dtype.byteorder + "u4", offset=header.start)
    return not bool(((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes <= 0xDFFF))).any())
