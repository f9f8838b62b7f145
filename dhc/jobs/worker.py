"""``python -m dhc.jobs.worker RUNS_DIR DEVICE``: drains one device's queue, run by run.

It waits for each child and records how it ended where the child could not. Two workers of one device exclude each other
by a file lock, which the system lets go when its holder dies; a queue that outlives its worker waits for the next one. When the queue is
empty it stays for a while, with a process ready for the next run (`dhc.jobs.ready`).

No run stops the queue. One that cannot be started fails with the reason; one that cannot even be told so is passed over; a child
that has ended its run but not itself is killed. Where the machine or the disk lacks something, the next run would fare no better,
so the queue waits and says for what.
"""

from __future__ import annotations

import contextlib
import errno
import re
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import psutil

from dhc.config import DeviceConfig
from dhc.errors import RunError, sentence
from dhc.files import remove
from dhc.files.folder import RealFolder, UnfitError
from dhc.files.lock import Timeout, hold_lock
from dhc.files.write import temporary_names
from dhc.jobs import webhook
from dhc.jobs.announcement import BEAT, Announcement
from dhc.jobs.ends import place_now, record_end
from dhc.jobs.process import python, spawn
from dhc.jobs.queue import queue, training_run
from dhc.jobs.ready import Ready, make_way, seconds_to_stay
from dhc.machine import hardware
from dhc.machine.memory import oom_kills
from dhc.runs import room, rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Cause, Request
from dhc.runs.fit import require_fit
from dhc.runs.identity import identify
from dhc.runs.status import State, can_write, is_on, status_of
from dhc.text import one_line

FAILED_TO_START = "its process could not be started"
POLL_SECONDS = 0.5  # between two checks of what it waits for
# bytes that must be free before a run is started: a night's queue must not fail on a full disk, run by run
FREE_BYTES = 50_000_000
FREE_FILES = 20  # that a disk must take before a run is started: a run makes some fifteen
PATIENCE = 3.0  # seconds that another worker's child may take to say that it has a run
LINGER = 20.0  # seconds that a child may live on when its run is over: tearing a backend down can take some
BUSY = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)  # the system starts no process just now


@dataclass
class Progress:
    """What one worker has done.

    passed_over   the runs that it could neither start nor fail, by folder, with when they were queued
    orphan        the run that another worker left training, and whose end it waits for
    latest        the device's settings of the last run that trained a network, and the device
    """

    ready: Ready
    passed_over: dict[Path, float | None] = field(default_factory=dict)
    orphan: Path | None = None
    latest: tuple[DeviceConfig, str] | None = None


def main(arguments: list[str], *, stay: float = 0.0) -> int:
    """Work until the device's queue is empty, and `stay` seconds longer; returns the exit status."""
    runs_dir, device = Path(arguments[0]).resolve(), arguments[1]
    record = rundir.worker_file(runs_dir, device)
    progress = Progress(Ready(stay, record))
    # The queue is read once more after the lock is let go: no run that came after the last reading is left behind.
    while _next(runs_dir, device, progress) is not None:
        try:
            with hold_lock(record.with_suffix(".lock"), 0):
                remove.leftovers(runs_dir, temporary_names(re.escape(record.name)))
                announcement = Announcement(record)
                try:
                    drain(runs_dir, device, announcement, progress)
                    while progress.ready.await_run(progress.latest, announcement):
                        drain(runs_dir, device, announcement, progress)
                finally:
                    progress.ready.end()
                    announcement.withdraw()
        except Timeout:
            if not make_way(record, runs_dir, device):
                return 0  # another worker is at it
        except OSError as error:
            print(f"the queue of {device} cannot be worked on: {sentence(error)}", file=sys.stderr)
            return 1
    return 0


def drain(runs_dir: Path, device: str, announcement: Announcement, progress: Progress) -> None:
    """Run whatever is queued for the device, in order, until nothing is that can be run."""
    while _next(runs_dir, device, progress) is not None:
        while hindrance := _hindrance(runs_dir, device, progress):
            announcement.write(waits=hindrance)
            time.sleep(POLL_SECONDS)
        folder = _next(runs_dir, device, progress)
        if folder is None:
            return
        if progress.orphan is not None:
            webhook.announce(progress.orphan)  # its own worker is gone
            progress.orphan = None
        queued_at = _queued_at(folder)
        announcement.write(run=folder.name)
        if lack := run_child(folder, device, announcement, progress):
            announcement.write(waits=f"{lack}: run {folder.name} cannot be started")
            time.sleep(BEAT)
        elif _queued_at(folder) == queued_at and status_of(folder).state is State.QUEUED:
            progress.passed_over[folder] = queued_at  # nothing could be written: it must not be started again and again
        elif folder.is_dir():
            webhook.announce(folder)


def _hindrance(runs_dir: Path, device: str, progress: Progress) -> str:
    """Why no run can be started now, or ""."""
    training = training_run(runs_dir, device)  # a run whose own worker was killed goes on alone
    if training is not None:
        progress.orphan = training
        return f"run {training.name} still trains on this device"
    return room.shortage(runs_dir, size=FREE_BYTES, files=FREE_FILES, purpose="to start the next run")


def next_queued(runs_dir: Path, device: str) -> Path | None:
    """The folder that is to run next, or None."""
    return next(iter(queue(runs_dir, device)), None)


def _next(runs_dir: Path, device: str, progress: Progress) -> Path | None:
    for folder in queue(runs_dir, device):
        if folder not in progress.passed_over or progress.passed_over[folder] != _queued_at(folder):
            return folder
    return None


def run_child(folder: Path, device: str, announcement: Announcement, progress: Progress) -> str:
    """Train one run in a child process and see it through to an exit record.

    Returns what the machine lacks to start it now, in words; "" where it was started, or cannot be.
    """
    try:
        with RealFolder(folder) as handle:
            return _run(folder, device, announcement, progress, handle)
    except OSError as error:  # its folder is gone, or a link
        print(f"{folder.name}: {sentence(error)}", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - the last net: whatever one run does, the next one is started
        traceback.print_exc()
        record_end(folder, 1, reason=f"{FAILED_TO_START}: {type(error).__name__}: {one_line(str(error), 300)}")
    return ""


def _run(folder: Path, device: str, announcement: Announcement, progress: Progress, handle: RealFolder) -> str:
    kills, queued_at = oom_kills(), _queued_at(folder)
    try:
        child = _start(folder, device, progress)
    except OSError as error:
        return _could_not_start(folder, error)
    if child is None:
        return ""
    code = _see_through(child, folder, announcement)
    place = place_now(handle)
    if place is None or _queued_at(place) != queued_at:
        return ""  # deleted; or resumed in the moment since its child wrote how it ended: it waits in the queue again
    if place.name != folder.name or place.parent != folder.parent:
        reason = (
            f"its folder was moved or renamed while it trained (it was {folder.name}), so the training could not go on"
        )
        record_end(place, code, reason=reason, cause="renamed")
        webhook.announce(place)
    elif code == rundir.TAKEN:
        _await_other(folder)
    elif status_of(folder).cause != "cancelled":  # a child that hung at its start, and that a person gave up
        record_end(folder, code, out_of_memory=oom_kills() > kills)
    return ""


def _start(folder: Path, device: str, progress: Progress) -> Popen[bytes] | None:
    """The run's process; None where its settings or its folder allow none. Raises OSError."""
    config, problem = read_config(folder)
    if config is None:
        record_end(folder, 1, reason=f"{FAILED_TO_START}: {problem}", cause="settings")
        return None
    try:
        require_fit(folder)
    except RunError as error:
        record_end(folder, 1, reason=f"{FAILED_TO_START}: {error}", cause="folder")
        return None
    rundir.reserve(folder)
    environment = hardware.environment(config.device, device)
    if config.trains_network:
        progress.latest = config.device, device
        if (spare := progress.ready.take()) is not None and (child := spare.give(folder, environment)) is not None:
            return child
    command = python("-m", "dhc.training", str(folder), "--queued")
    return spawn(command, log=folder / rundir.LOG, env=environment)


def _could_not_start(folder: Path, error: OSError) -> str:
    """What to wait for before a run is started once more, or "": then its end is recorded, where that can be."""
    if rundir.is_full(error) and is_on(folder, folder.parent):
        return room.words(error, folder)
    if error.errno in BUSY:
        return f"the system starts no more processes just now ({error.strerror})"
    is_ours = (
        isinstance(error, UnfitError) or str(error.filename or "").startswith(str(folder)) or not can_write(folder)
    )
    cause: Cause = "disk" if rundir.is_full(error) else "folder" if is_ours else "start"
    record_end(folder, 1, reason=f"{FAILED_TO_START}: {sentence(error)}", cause=cause)
    return ""


def _see_through(child: Popen[bytes], folder: Path, announcement: Announcement) -> int:
    """Wait for a child to end; returns its exit status. One that lives on when its run is over is killed."""
    with contextlib.suppress(psutil.Error):  # it may have ended already
        announcement.write(run=folder.name, child=identify(child.pid))
    codes: list[int] = []
    waiter = threading.Thread(target=lambda: codes.append(child.wait()), daemon=True)
    try:
        waiter.start()
    except RuntimeError:  # the system has no thread to spare
        return child.wait()
    over_since: float | None = None
    while waiter.is_alive():
        waiter.join(BEAT)
        announcement.beat()
        if status_of(folder).state.alive:
            over_since = None
            continue
        now = time.monotonic()
        over_since = now if over_since is None else over_since
        if now - over_since > LINGER and waiter.is_alive():
            child.kill()
            waiter.join(LINGER)
            break  # what not even that ends hangs in the system, and nobody can wait for it
    return codes[0] if codes else 1


def _await_other(folder: Path) -> None:
    """Wait until the child that holds this run, left by a killed worker, has said so.

    Until then the run still seems to wait.
    """
    deadline = time.monotonic() + PATIENCE
    while (state := status_of(folder).state) is State.QUEUED and time.monotonic() < deadline:
        time.sleep(0.05)
    if not state.alive:  # taken out of the queue in the moment in which it was to start
        with contextlib.suppress(OSError):
            remove.file(folder / rundir.RESERVE)


def _queued_at(folder: Path) -> float | None:
    request = Request.read(folder)
    return None if request is None else request.queued_at


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], stay=seconds_to_stay()))
