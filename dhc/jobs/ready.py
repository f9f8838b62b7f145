"""A worker that stays when its queue is empty, with a process that is ready for the next run (`dhc.jobs.spare`).

It stays for as long as DHC_READY_SECONDS says, 600 by default, while memory allows it. Whoever queues a run wakes it by a mark; one that would
train in another environment than it was started in ends it, and works itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from dhc.config import DeviceConfig
from dhc.files import remove, write
from dhc.jobs.announcement import Announcement
from dhc.jobs.hung import await_end, process_of
from dhc.jobs.process import REPOSITORY
from dhc.jobs.spare import LITTLE, Spare, free_memory, prepare_spare
from dhc.runs import rundir
from dhc.runs.contract import Worker
from dhc.runs.workers import Standing, standing_of, worker_record
from dhc.text import duration_text, size_text

VARIABLE, DEFAULT = "DHC_READY_SECONDS", 600.0
POLL = 0.1  # seconds between two looks for the mark
LOOK = 3.0  # seconds between two looks at the memory
# what differs from terminal to terminal, or is no training's business
VOLATILE = ("_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "TERM", "TERM_PROGRAM", "COLORTERM", "WINDOWID", "TTY")
VOLATILE_FAMILIES = (
    "SSH_",
    "XDG_SESSION",
    "DBUS_",
    "GPG_",
    "TMUX",
    "STY",
    "VSCODE_",
    "TERM_SESSION",
    "DHC_PASSWORD",
    "STREAMLIT_",
)


def seconds_to_stay() -> float:
    """What DHC_READY_SECONDS says; 0 for never."""
    try:
        return max(0.0, float(os.environ.get(VARIABLE, DEFAULT)))
    except ValueError:
        return DEFAULT


class Ready:
    """What a worker has ready for the next run. `seconds` is how long it stays for it; `record` is the worker's file."""

    def __init__(self, seconds: float, record: Path) -> None:
        self._seconds, self._record = seconds, record
        self._spare: Spare | None = None
        self._setting = setting() if seconds else ""
        self._until = 0.0

    def take(self) -> Spare | None:
        """The process, if there is one; it is the caller's from now on."""
        spare, self._spare = self._spare, None
        return spare

    def await_run(self, after: tuple[DeviceConfig, str] | None, announcement: Announcement) -> bool:
        """Wait to be woken, with a process like that of the run before (its device's settings, the device).

        Returns whether the queue is to be read again: not once the time is over or memory is short.
        """
        if self._spare is None and after is not None and self._seconds > 0:
            self._spare = prepare_spare(*after)
            self._until = time.monotonic() + self._seconds
        if self._spare is not None and self._wait(self._spare, announcement):
            return True
        self.end()
        return False

    def end(self) -> None:
        """Give back what is ready."""
        if (spare := self.take()) is not None:
            spare.end()

    def _wait(self, spare: Spare, announcement: Announcement) -> bool:
        mark, next_look = wake_mark(self._record), 0.0
        while (now := time.monotonic()) < self._until and self._record.parent.is_dir():
            if os.path.lexists(mark):
                remove.file(mark)
                return True
            if now >= next_look:
                next_look = now + LOOK
                memory = spare.memory
                if memory == 0 or free_memory() < LITTLE:
                    return False
                announcement.write(
                    setting=self._setting, memory=round(memory, -7), until=round(time.time() + self._until - now)
                )
            announcement.beat()
            time.sleep(POLL)
        return False


def wake_mark(record: Path) -> Path:
    """The mark by which the worker of the record is woken."""
    return record.with_suffix(".wake")


def setting() -> str:
    """A digest of what a training has from whoever starts its worker: environment, Python, its packages, our own code."""
    environment = sorted(
        item for item in os.environ.items() if item[0] not in VOLATILE and not item[0].startswith(VOLATILE_FAMILIES)
    )
    return hashlib.blake2b(repr((sys.executable, environment, _code_state())).encode(), digest_size=8).hexdigest()


def _code_state() -> list[tuple[str, int]]:
    """Changes whenever our own code does, or a package is installed, updated or removed."""
    places = [Path(sysconfig.get_path("purelib")), *sorted((REPOSITORY / "dhc").rglob("*.py"))]
    return [(str(place), place.stat().st_mtime_ns) for place in places]


def wake(record: Path) -> None:
    """Wake the worker that stays, if one does that would train as we would."""
    worker = Worker.load(record)
    if worker is not None and worker.setting and worker.setting == setting():
        _wake(record)


@dataclass(frozen=True)
class Waiting:
    """A process that waits for a device's next run: the bytes of memory that it takes, and until when, in seconds since 1970."""

    device: str
    memory: float
    until: float

    @property
    def text(self) -> str:
        """``waits with its libraries loaded: 410 MB, 8 min more``."""
        left = duration_text(max(0.0, self.until - time.time()))
        return f"waits with its libraries loaded: {size_text(self.memory)}, {left} more"


def waiting_here(runs_dir: Path) -> tuple[Waiting, ...]:
    """Those that wait on this machine for a run in this folder, by device."""
    workers = ((device, worker_record(runs_dir, device)) for device in rundir.worker_devices(runs_dir))
    return tuple(
        Waiting(device, worker.memory or 0.0, worker.until or 0.0)
        for device, worker in workers
        if worker.setting and standing_of(worker) is Standing.WORKS
    )


def dismiss(runs_dir: Path, device: str) -> None:
    """End the one that waits for a device's next run, and its worker; nothing where none does."""
    worker = worker_record(runs_dir, device)
    if worker.setting:
        _end(worker, runs_dir, device)


def make_way(record: Path, runs_dir: Path, device: str) -> bool:
    """Wake the worker that stays, or end one that would train in another environment; returns whether one was ended."""
    worker = Worker.load(record)
    if worker is None or not worker.setting:
        return False
    if worker.setting != setting() and _end(worker, runs_dir, device):
        return True
    _wake(record)
    return False


def _end(worker: Worker, runs_dir: Path, device: str) -> bool:
    """End the process of the record; False where there is none of that worker, or it is another user's."""
    with contextlib.suppress(psutil.Error):
        if (process := process_of(worker, runs_dir, device)) is not None:
            process.terminate()
            await_end(worker)
            return True
    return False


def _wake(record: Path) -> None:
    with contextlib.suppress(OSError):
        write.mark(wake_mark(record))
