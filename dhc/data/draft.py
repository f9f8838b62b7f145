"""A data set in the making: a folder beside its place that takes its name once it is whole, and else goes."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from dhc.data.about import PARTIAL, PROGRESS
from dhc.errors import DataError
from dhc.files import remove
from dhc.files import write as files
from dhc.files.folder import is_real_folder
from dhc.files.read import read_regular
from dhc.machine.priority import gives_way

MOST_PROGRESS = 10_000  # bytes
REPORT_EVERY = 0.2  # seconds
PACE_SECONDS = 10.0  # by which the time left is told: a training that begins beside it takes most of the processor


class Draft:
    """The folder to write into, and how far that is."""

    def __init__(self, path: Path, total: int) -> None:
        self.path, self.total, self._last, self._started = path, total, 0.0, time.time()
        self._gives_way = gives_way()
        self._recent = deque([(self._started, 0)])
        self._write(0)

    def report(self, count: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Say that so many pictures are done, at most a few times a second."""
        now = time.monotonic()
        if now - self._last < REPORT_EVERY and count < self.total:
            return
        self._last = now
        self._write(count)
        if progress is not None:
            progress(count, self.total)

    def _write(self, count: int) -> None:
        """Write how far it is: the pictures done, and those done at a moment some seconds before."""
        now = time.time()
        self._recent.append((now, count))
        while len(self._recent) > 2 and self._recent[1][0] < now - PACE_SECONDS:
            self._recent.popleft()
        since, before = self._recent[0]
        record = {"done": count, "total": self.total, "pid": os.getpid(), "started": self._started}
        record |= {"since": since, "before": before, "gives_way": self._gives_way}
        files.replace(self.path / PROGRESS, lambda file: file.write(json.dumps(record).encode()), sync=False)


@contextmanager
def whole_or_nothing(root: Path, total: int) -> Iterator[Draft]:
    """Yield the draft of the data set at `root`, `<root>.partial`; rename it when all went well, remove it when not.

    Raises DataError where there is something at `root` already, where another process makes it, where it cannot be written.
    """
    root = root.absolute()
    if os.path.lexists(root) and not (is_real_folder(root) and not any(root.iterdir())):
        raise DataError(f"{root} is already there and not empty: choose another name, or remove that one first.")
    with _writing(root):
        real_root = files.root(root.parent) / root.name
        partial = real_root.with_name(root.name + PARTIAL)
        clear_leftovers(partial)
        files.new_folder(partial)
        try:
            yield Draft(partial, total)
            remove.file(partial / PROGRESS)
            with contextlib.suppress(FileNotFoundError):
                remove.empty_folder(real_root)
            remove.move(partial, real_root)
        except BaseException:
            with contextlib.suppress(OSError):
                remove.tree(partial)
            raise


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Raise DataError for what the system refuses: no room, no right to write, no such drive."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{root} cannot be written ({reason}): make room for it or choose another folder.") from error


def is_being_made(partial: Path) -> bool:
    """Whether a process writes the draft at this moment, whoever started it."""
    try:
        return _is_maker_alive(json.loads(read_regular(partial / PROGRESS, MOST_PROGRESS)))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return False


def _is_maker_alive(record: Mapping[str, Any]) -> bool:
    """By the draft's own record. Raises what a foreign record may: ValueError, KeyError, TypeError, OverflowError."""
    pid, started = int(record["pid"]), float(record["started"])
    try:
        return pid != os.getpid() and psutil.pid_exists(pid) and bool(psutil.Process(pid).create_time() <= started + 1)
    except psutil.NoSuchProcess:  # it has only just ended
        return False


def clear_leftovers(partial: Path) -> None:
    """Remove what a killed maker left. Raises DataError when the maker is alive or the folder is none of ours."""
    if not os.path.lexists(partial):
        return
    try:
        if not is_real_folder(partial):
            raise ValueError
        record = json.loads(read_regular(partial / PROGRESS, MOST_PROGRESS))
        pid, alive = int(record["pid"]), _is_maker_alive(record)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(f"{partial} is in the way and was not made here: move or remove it, then try again.") from error
    if alive:
        raise DataError(f"{partial} is being made by process {pid} right now: wait for it, or stop it first.")
    remove.tree(partial)
