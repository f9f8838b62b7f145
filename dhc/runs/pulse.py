"""The signs of life of a training on another machine, and whether they are fresh by the clock of the file system.

The training writes its `heartbeat` in place every few seconds. Whoever asks compares the time of that file with the time of a file
of its own in the same file system: both were set by the one clock of whoever keeps the files, so that no machine's clock is
compared with another's. Where that cannot be, as in a view that only reads, a heartbeat is as old as it has looked the same.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from dhc.files import remove, write
from dhc.files.folder import UnfitError
from dhc.files.read import open_regular
from dhc.runs import rundir

BEAT = 2.0  # seconds between two signs of life
SILENCE = 12.0  # seconds without one after which a training is unheard of
FENCE, DEVICE = (
    "DHC_FENCE",
    "DHC_DEVICE",
)  # in a training's environment: the number of its handing out, the device that it may use
FRESH = 6.0  # seconds for which a training believes the number that it has read last
AGAIN = 5.0  # seconds for which the file system's clock is counted on by our own
LIMIT, DIGITS = 100, 12  # bytes of the file, and digits of a number in it
MOST_WATCHED = 10_000  # heartbeats that are remembered
# One that counts on while the machine sleeps, which Linux's CLOCK_MONOTONIC does not.
SLEEPLESS = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def clock() -> float:
    """Seconds by a clock that nobody can set, and that counts on while the machine sleeps."""
    return time.monotonic() if SLEEPLESS is None else time.clock_gettime(SLEEPLESS)


class FileClock:
    """The time by which a file system dates the files of a folder: looked at now and then, counted on by our own clock."""

    def __init__(self) -> None:
        self._offsets: dict[Path, tuple[float, float]] = {}

    def now(self, folder: Path) -> float:
        """In seconds. Raises OSError where nothing can be written."""
        now = clock()
        looked, offset = self._offsets.get(folder, (-AGAIN, 0.0))
        if now - looked >= AGAIN:
            offset = _date(folder.resolve() / rundir.CLOCK) - now
            self._offsets[folder] = (now, offset)
        return now + offset


class Watcher:
    """Since when each heartbeat has looked the same, by our own clock."""

    def __init__(self) -> None:
        self._looks: dict[Path, tuple[object, float]] = {}

    def seconds(self, path: Path, look: object) -> float:
        """For how long the file has looked so; 0 where it is seen for the first time."""
        now = clock()
        earlier, since = self._looks.get(path, (None, now))
        if earlier != look:
            if len(self._looks) >= MOST_WATCHED:
                self._looks.clear()
            self._looks[path] = (look, since := now)
        return now - since


CLOCK, WATCHER = FileClock(), Watcher()


def _date(path: Path) -> float:
    """The time that the file system gives to a file that is written now. Raises OSError."""
    put(path, b".")
    return path.lstat().st_mtime


def put(path: Path, data: bytes) -> None:
    """Write a few bytes in place, so that the file's time is that of the file system. Raises OSError."""
    try:
        write.overwrite(path, data)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError), write.create(path) as file:
            file.write(data)
    except UnfitError:  # a second name of it elsewhere, as in a copy made of links: that one stays as it is
        write.replace(path, lambda file: file.write(data), sync=False)


def beat(folder: Path, fence: int, count: int) -> None:
    """Give a sign of life. Raises OSError."""
    put(folder / rundir.HEARTBEAT, f"{fence} {count}\n".encode())


def silence(folder: Path, fence: int) -> float | None:
    """Seconds since the last sign of life of the training with that number; None where it has given none."""
    last, seconds = _last(folder)
    return seconds if last == fence else None


def silence_of_others(folder: Path, fence: int) -> float | None:
    """Seconds since the last sign of life of a training with another number; None where there is none."""
    last, seconds = _last(folder)
    return seconds if last not in (fence, 0) else None


def _last(folder: Path) -> tuple[int, float]:
    """The number of the training that gave the last sign of life, 0 for none, and the seconds since then."""
    path = folder / rundir.HEARTBEAT
    try:
        with open_regular(path, buffering=0) as file:  # opened anew: a file server's client asks for its time only then
            words, dated = file.read(LIMIT).split(), os.fstat(file.fileno()).st_mtime
    except OSError:
        return 0, 0.0
    if not words or not words[0].isdigit() or len(words[0]) > DIGITS:
        return 0, 0.0
    with contextlib.suppress(OSError):
        seconds = CLOCK.now(folder.parent) - dated
        if seconds > -SILENCE:  # else the file system's clock was set back
            return int(words[0]), max(0.0, seconds)
    return int(words[0]), WATCHER.seconds(path, (words, dated))


def cease(folder: Path, fence: int) -> None:
    """Take back the last sign of life of a training that has ended, so that the next one need not wait. Raises OSError."""
    if fence and last_fence(folder) == fence:
        remove.file(folder / rundir.HEARTBEAT)


def is_fresh(folder: Path, fence: int) -> bool:
    """Whether the training with that number has given a sign of life of late."""
    seconds = silence(folder, fence)
    return seconds is not None and seconds <= SILENCE


def last_fence(folder: Path) -> int:
    """The number of the training that gave the last sign of life; 0 for none."""
    return _last(folder)[0]
