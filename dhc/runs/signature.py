"""By what a run's line in a list is known to hold still: which files decide on it, and when each was changed."""

from __future__ import annotations

import os
import struct
import time

from dhc.runs import rundir

COARSE = 2_000_000_000  # nanoseconds; the coarsest clock of a file system (FAT)
DECISIVE = (  # for an ended run's line
    rundir.EXIT,
    rundir.SUMMARY,
    rundir.CONFIG,
    rundir.REQUEST,
    rundir.PROCESS,
    rundir.EVENTS,
    rundir.LABELS,
    rundir.STOP,
    rundir.COURSE,
    rundir.ENVIRONMENT,
    rundir.HANDED,
)
NONE = (0, 0, 0, 0)
_PACKED = struct.Struct(f"={4 * len(DECISIVE)}Q")
_LARGEST = 2**64 - 1


def signature(folder: str) -> bytes:
    """Changes whenever a file that decides on an ended run's line does; of text, since a page asks this for every run."""
    numbers: list[int] = []
    for name in DECISIVE:
        try:
            stat = os.lstat(f"{folder}/{name}")
        except OSError:
            numbers += NONE
        else:
            numbers += (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    try:
        return _PACKED.pack(*numbers)
    except struct.error:  # a time before 1970, or an inode of 128 bits
        return _PACKED.pack(*(number & _LARGEST for number in numbers))


def has_end(signature: bytes) -> bool:
    """Whether there is a file that records the run's end."""
    return any(signature[:8])  # its inode


def is_settled(signature: bytes) -> bool:
    """Whether a later change is sure to show: by a coarse clock, two changes may have one time."""
    changes: tuple[int, ...] = _PACKED.unpack(signature)[3::4]
    return abs(time.time_ns() - max(changes)) > COARSE
