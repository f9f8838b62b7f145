"""Tars that anyone may have written: what comes between two files is bounded before memory is taken for it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import IO, Any

MAX_BETWEEN = 2**20  # bytes of headers before one file; long names and notes of its owner take some hundred


class Tape(tarfile.TarFile):
    """A tar, packed or not, for reading.

    Raises ValueError, whenever it looks for the next member, where more headers come than any file has.
    """

    def __init__(self, name: Any = None, mode: Any = "r", fileobj: IO[bytes] | None = None, **options: Any) -> None:
        self.plain = fileobj is None
        self.meter = Meter(fileobj or Path(name).open("rb"))  # noqa: SIM115 - closed with the tar
        try:
            super().__init__(name, mode, self.meter, **options)  # which looks for the first member
        except BaseException:
            if self.plain:
                self.meter.close()
            raise
        self._extfileobj = False  # so that closing closes the file, too

    def next(self) -> tarfile.TarInfo | None:
        """The next member, None after the last."""
        self.meter.left = MAX_BETWEEN
        try:
            return super().next()
        finally:
            self.meter.left = None


class Meter(io.RawIOBase):
    """A file of which at most `left` bytes more are read, any number where that is None."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left: int | None = MAX_BETWEEN

    def read(self, size: int = -1) -> bytes:
        """Raises ValueError for more than is left."""
        if self.left is not None:
            if not 0 <= size <= self.left:
                raise ValueError(f"more than {MAX_BETWEEN >> 20} MB of headers before a file")
            self.left -= size
        return self._file.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        """As of the file."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """As of the file."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file, too."""
        self._file.close()
        super().close()
