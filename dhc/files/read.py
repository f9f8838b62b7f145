"""Opening files with distrust: regular ones only, no links, no waiting, within a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

# Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever, and the whole web server with it.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class StrangeFileError(OSError):
    """A file that this product did not write: its name, and its fault, which goes on after the name."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__(f"{name} {fault}")
        self.fault = fault


class NotRegularError(StrangeFileError):
    """What has the file's name is a folder, a link, a pipe or a device."""


class TooLargeError(StrangeFileError):
    """The file is larger than anything that this product writes under that name."""


def reason(error: OSError) -> str:
    """Why a file cannot be read, for a sentence that has named it already."""
    return f"it {error.fault}" if isinstance(error, StrangeFileError) else error.strerror or str(error)


def open_regular(path: Path, buffering: int = -1) -> IO[bytes]:
    """Open a regular file for reading. Raises OSError, for anything else NotRegularError."""
    if not stat.S_ISREG(os.lstat(path).st_mode):  # first, since opening some devices does something
        raise NotRegularError(path.name, "is not a regular file")
    file: IO[bytes] = os.fdopen(os.open(path, FLAGS), "rb", buffering)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # exchanged in between
        file.close()
        raise NotRegularError(path.name, "is not a regular file")
    return file


def read_regular(path: Path, limit: int) -> bytes:
    """The whole of a regular file. Raises OSError, for more than `limit` bytes TooLargeError."""
    with open_regular(path, buffering=0) as file:  # a buffer would cost as much as the reading
        if os.fstat(file.fileno()).st_size > limit:
            raise TooLargeError(path.name, f"is larger than {limit:,} bytes")
        return file.read()


def tail(path: Path, size: int) -> bytes:
    """The last `size` bytes of a regular file. Raises OSError."""
    with open_regular(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read(size)
