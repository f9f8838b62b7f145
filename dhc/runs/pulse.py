"""The signs of life of a training on another machine, and whether they are fresh by the clock of the file system.

The training writes its `heartbeat` in place every few seconds. Whoever asks compares the time of that file with the time of a file
of its own in the same file system: both were set by the one clock of whoever keeps the files, so that no machine's clock is
compared with another's.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from dhc.files import write
from dhc.files.read import read_regular
from dhc.runs import rundir

BEAT = 2.0  # seconds between two signs of life
SILENCE = 12.0  # seconds without one after which a training is unheard of
AGAIN = 5.0  # seconds for which the file system's clock is counted on by our own
LIMIT = 100  # bytes


class FileClock:
    """The time by which a file system dates the files of a folder: looked at now and then, counted on by the monotonic clock."""

    def __init__(self) -> None:
        self._offsets: dict[Path, tuple[float, float]] = {}

    def now(self, folder: Path) -> float:
        """In seconds. Raises OSError where nothing can be written."""
        monotonic = time.monotonic()
        looked, offset = self._offsets.get(folder, (-AGAIN, 0.0))
        if monotonic - looked >= AGAIN:
            offset = _date(folder / rundir.CLOCK) - monotonic
            self._offsets[folder] = (monotonic, offset)
        return monotonic + offset


CLOCK = FileClock()


def _date(path: Path) -> float:
    """The time that the file system gives to a file that is written now. Raises OSError."""
    put(path, b".")
    return path.lstat().st_mtime


def put(path: Path, data: bytes) -> None:
    """Write a few bytes in place, so that the file's time is that of the file system. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        return write.overwrite(path, data)
    with contextlib.suppress(FileExistsError), write.create(path) as file:
        file.write(data)
    return None


def beat(folder: Path, fence: int, count: int) -> None:
    """Give a sign of life. Raises OSError."""
    put(folder / rundir.HEARTBEAT, f"{fence} {count}\n".encode())


def silence(folder: Path, fence: int) -> float | None:
    """Seconds since the last sign of life of the training with that number; None where it has given none."""
    path = folder / rundir.HEARTBEAT
    try:
        if read_regular(path, LIMIT).split()[:1] != [str(fence).encode()]:
            return None
        return max(0.0, CLOCK.now(folder.parent) - path.stat().st_mtime)
    except OSError:
        return None


def is_fresh(folder: Path, fence: int) -> bool:
    """Whether the training with that number has given a sign of life of late."""
    seconds = silence(folder, fence)
    return seconds is not None and seconds <= SILENCE
