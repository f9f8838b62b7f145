"""``python -m dhc.jobs.worker RUNS_DIR DEVICE``: drains one device's queue, run by run.

It waits for each child and records how it ended where the child could not. Two workers of one device exclude each other
by a file lock, which the system lets go when its holder dies; a queue that outlives its worker waits for the next one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dhc.errors import ConfigError
from dhc.files.read import tail
from dhc.jobs.process import python, spawn
from dhc.jobs.queue import queue, training_run
from dhc.machine import hardware
from dhc.runs import rundir
from dhc.runs.config_file import load_config
from dhc.runs.contract import Cause, Exit, How, Request, Worker, write_exit
from dhc.runs.status import State, identify, status_of
from dhc.text import size_text

FAILED_TO_START = "its process could not be started"
KILLED = "killed on request; what its finished epochs left is kept"
POLL_SECONDS = 0.5  # between two checks of what it waits for
# bytes that must be free before a run is started: a night's queue must not fail on a full disk, run by run
FREE_BYTES = 50_000_000
PATIENCE = 3.0  # seconds to go on trying to record an end
MEMORY_WORDS = re.compile(
    r"std::bad_alloc|out of memory|RESOURCE_EXHAUSTED|MemoryError|cannot allocate memory|mmap error: 12|pthread_create\(\) failed",
    re.IGNORECASE,
)


def main(arguments: list[str]) -> int:
    """Work until the device's queue is empty; returns the exit status."""
    runs_dir, device = Path(arguments[0]), arguments[1]
    record = rundir.worker_file(runs_dir, device)
    lock = FileLock(record.with_suffix(".lock"))
    # The queue is read once more after the lock is let go: no run that came after the last reading is left behind.
    while next_queued(runs_dir, device) is not None:
        try:
            with lock.acquire(timeout=0):
                try:
                    drain(runs_dir, device, Announcement(record))
                finally:
                    record.unlink(missing_ok=True)
        except Timeout:
            return 0  # another worker is at it
    return 0


class Announcement:
    """What the worker says of itself while it works; on a full disk less, which stops no queue."""

    def __init__(self, path: Path) -> None:
        self._path, self._identity = path, identify(os.getpid())
        self._last: dict[str, str] | None = None

    def write(self, **values: str) -> None:
        """Say which ``run`` is in hand, or what is waited for (``waits``)."""
        if values == self._last:
            return
        self._last = values
        try:
            Worker(worker=self._identity, host=socket.gethostname(), **values).save(self._path)
        except OSError:
            self._path.unlink(missing_ok=True)  # an old word would be wrong


def drain(runs_dir: Path, device: str, announcement: Announcement) -> None:
    """Run whatever is queued for the device, in order, until nothing is."""
    while next_queued(runs_dir, device) is not None:
        while hindrance := _hindrance(runs_dir, device):
            announcement.write(waits=hindrance)
            time.sleep(POLL_SECONDS)
        folder = next_queued(runs_dir, device)
        if folder is not None:
            announcement.write(run=folder.name)
            run_child(folder, device)


def _hindrance(runs_dir: Path, device: str) -> str:
    """Why no run can be started now, or ""."""
    training = training_run(runs_dir, device)  # a run whose own worker was killed goes on alone
    if training is not None:
        return f"run {training.name} still trains on this device"
    free = shutil.disk_usage(runs_dir).free
    if free < FREE_BYTES:
        return f"the disk is full: {size_text(free)} are free, {size_text(FREE_BYTES)} are needed to start the next run"
    return ""


def next_queued(runs_dir: Path, device: str) -> Path | None:
    """The folder that is to run next, or None."""
    return next(iter(queue(runs_dir, device)), None)


def run_child(folder: Path, device: str) -> None:
    """Train one run in a child process and see it through to an exit record."""
    kills, queued_at = oom_kills(), _queued_at(folder)
    try:
        code = _train(folder, device)
    except ConfigError as error:
        record_end(folder, 1, reason=f"{FAILED_TO_START}: {error}", cause="settings")
    except OSError as error:
        record_end(folder, 1, reason=f"{FAILED_TO_START}: {error}", cause="disk" if rundir.is_full(error) else "folder")
    else:
        if _queued_at(folder) != queued_at:
            return  # resumed in the moment since its child wrote how it ended: it waits in the queue again
        if code == rundir.TAKEN:
            _await_other(folder)
            return
        record_end(folder, code, out_of_memory=oom_kills() > kills)
    if status_of(folder).state is State.QUEUED:  # nothing could be written: it must not be started again and again
        raise SystemExit(1)


def _await_other(folder: Path) -> None:
    """Wait until the child that holds this run, left by a killed worker, has said so.

    Until then the run still seems to wait.
    """
    deadline = time.monotonic() + PATIENCE
    while (state := status_of(folder).state) is State.QUEUED and time.monotonic() < deadline:
        time.sleep(0.05)
    if not state.alive:  # taken out of the queue in the moment in which it was to start
        (folder / rundir.RESERVE).unlink(missing_ok=True)


def _queued_at(folder: Path) -> float | None:
    request = Request.read(folder)
    return None if request is None else request.queued_at


def _train(folder: Path, device: str) -> int:
    """Train the run in a process of its own; returns its exit status."""
    config = load_config(folder)
    rundir.reserve(folder)
    command = python("-m", "dhc.training", str(folder), "--queued")
    return spawn(command, log=folder / rundir.LOG, env=hardware.environment(config.device, device)).wait()


def record_end(
    folder: Path, code: int, *, reason: str = "", cause: Cause = "error", out_of_memory: bool = False
) -> None:
    """Write the exit record that a child could not write; one that the child wrote stays.

    `code` is the exit status, negative for a signal. Gives up where nothing can be written.
    """
    deadline = time.monotonic() + PATIENCE
    while (end := Exit.read(folder)) is None or end.how is None:
        how: How = "killed" if code < 0 or (folder / rundir.KILL).exists() else "failed"
        text, word = (reason, cause) if reason else _meaning(folder, code, out_of_memory)
        try:
            write_exit(folder, how, text, cause=word, code=max(code, 0) or None, signal=-code if code < 0 else None)
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)


def _meaning(folder: Path, code: int, out_of_memory: bool) -> tuple[str, Cause]:
    """What an exit status says, in words and in one word."""
    if (folder / rundir.KILL).exists():
        return KILLED, "kill"
    if code >= 0:
        if shutil.disk_usage(folder).free < FREE_BYTES / 50:
            return "the disk is full", "disk"
        return f"its process ended with status {code} and gave no reason; the log may say more", "error"
    number = -code
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if number == signal.SIGKILL and out_of_memory:
        return f"out of memory: the system killed it ({name}) to save the rest", "memory"
    if number == signal.SIGKILL:
        return f"killed from outside ({name}): by a person, or by the system because memory ran out", "signal"
    if number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL):
        if MEMORY_WORDS.search(_log_end(folder)):
            return f"out of memory: a library gave up ({name})", "memory"
        return f"its process crashed ({name}) inside a library", "library"
    return f"killed from outside ({name})", "signal"


def _log_end(folder: Path) -> str:
    try:
        return tail(folder / rundir.LOG, 4_000).decode("utf-8", "replace")
    except OSError:
        return ""


def oom_kills(counters: Path = Path("/proc/vmstat")) -> int:
    """How many processes the system has killed to free memory since its start; 0 where unknown."""
    try:
        lines = counters.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    values: dict[str, Any] = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return int(values.get("oom_kill", 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
