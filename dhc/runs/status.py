"""The state of a run, derived from its files and its process whenever someone asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from dhc.runs import pulse, room, rundir
from dhc.runs.contract import Cause, Exit, Handed, Identity, Process, Request
from dhc.runs.exit_codes import ending
from dhc.runs.identity import Origin, is_alive, origin, where_else
from dhc.runs.rundir import STOP
from dhc.runs.workers import SHORT_SILENCE, Standing, standing_of, worker_record

CLOSED = "its folder can be neither read nor written to by this user, so nobody here can see how it ended"
HUNG = "its training has ended, but its worker hangs and cannot say how: Kill ends the worker, and the queue goes on"
LINK = "its folder is a link, so it is passed over: put the folder itself in its place, then resume the queue"
LOST = "neither it nor the worker that watched over it could say how it ended: both were killed from outside, or out of memory"
NEVER_QUEUED = "nothing in its folder says that it was ever queued or started"
RENAMED = "it trained under the name {}, and its end was not recorded in this folder"
UNHEARD = "its training{where} has given no sign of life for {seconds} s: it may go on, and is found again when its machine answers"
UNREAD = "its end was recorded, but the record cannot be read"
UNWRITABLE = "its folder cannot be written to, so it is passed over: make it writable, then resume the queue"


class State(StrEnum):
    """The states a run can be in."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    KILLED = "killed"
    CRASHED = "crashed"
    UNHEARD = "unheard"

    @property
    def alive(self) -> bool:
        """Whether the run still does something or waits to, as far as anybody knows."""
        return self in (State.QUEUED, State.RUNNING, State.STOPPING, State.UNHEARD)


@dataclass(frozen=True)
class Status:
    """A run's state, and where it needs saying, why: in plain words and in one word."""

    state: State
    reason: str = ""
    cause: Cause | Literal["", "unheard"] = ""


def status_of(folder: Path, request: Request | None = None) -> Status:
    """The run's state: its exit record's word; else by its process; else queued; else crashed.

    `request` is its request where that was read already.
    """
    if (status := _recorded(folder)) is not None:
        return status
    process = Process.read(folder)
    request = request or Request.read(folder)
    if request is not None and request.queue in rundir.ENGINES and (handed := Handed.of(folder)).fence:
        if process is not None and process.fence == handed.fence:
            return _on_a_cluster(folder, handed, process)
        process = None  # of an earlier handing out
    if process is not None and is_alive(process.child, process.host) and not is_copy(folder, process):
        return Status(State.STOPPING if os.path.lexists(folder / STOP) else State.RUNNING)
    if os.path.lexists(folder / rundir.EXIT):  # it may have been written since the first look
        return _recorded(folder) or Status(State.CRASHED, UNREAD, "unread")
    if process is not None:
        return _without_word(folder, process, request or Request())
    if request is None:
        closed = folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK)
        return Status(State.CRASHED, *((CLOSED, "folder") if closed else (NEVER_QUEUED, "start")))
    if os.path.lexists(folder / STOP):
        return Status(State.STOPPED, "taken out of the queue while it waited", "cancelled")
    return _waiting(folder)


def _on_a_cluster(folder: Path, handed: Handed, process: Process) -> Status:
    """The status of a run that an engine has begun: it runs only while its training gives signs of life."""
    if process.run not in ("", folder.name):  # renamed, or a copy: what trained it writes elsewhere, or not any more
        return Status(State.CRASHED, RENAMED.format(process.run), "renamed")
    if pulse.is_fresh(folder, handed.fence):
        return Status(State.STOPPING if os.path.lexists(folder / STOP) else State.RUNNING, handed.reason)
    if (status := _recorded(folder)) is not None:  # written since the first look
        return status
    where = f" on {handed.node}" if handed.node else ""
    return Status(State.UNHEARD, handed.reason or UNHEARD.format(where=where, seconds=round(pulse.SILENCE)), "unheard")


def _waiting(folder: Path) -> Status:
    """The status of a queued run, with what keeps it alone from being started."""
    if not can_write(folder):
        return Status(State.QUEUED, LINK if folder.is_symlink() else UNWRITABLE, "folder")
    if not is_on(folder, folder.parent) and (lack := room.shortage(folder)):
        return Status(State.QUEUED, f"{lack}: make room, then resume the queue", "disk")
    return Status(State.QUEUED, Handed.of(folder).reason if os.path.lexists(folder / rundir.HANDED) else "")


def _recorded(folder: Path) -> Status | None:
    """What the exit record says; where it lacks words, by the exit status in it. None where it says nothing."""
    end = Exit.read(folder)
    if end is None:
        return None
    code = end.code if end.signal is None else -end.signal
    by_code = None if not code or end.how in ("finished", "stopped") else ending(code)
    how = end.how or (None if by_code is None else by_code.how)
    if how is None:
        return None
    if by_code is not None and not end.reason:
        return Status(State(how), by_code.reason, end.cause or by_code.cause)
    return Status(State(how), end.reason, end.cause or ("signal" if how == "killed" else ""))


def _without_word(folder: Path, process: Process, request: Request) -> Status:
    """The state of a run whose training is over and has not said how."""
    worker = worker_record(folder.parent, request.queue)
    standing = standing_of(worker, SHORT_SILENCE) if worker.run == folder.name else Standing.GONE
    if standing is Standing.WORKS:  # it has only just died, and its worker is about to say how
        return Status(State.STOPPING)
    if standing is Standing.HANGS:
        return Status(State.CRASHED, HUNG, "hung")
    return Status(State.CRASHED, *_why_crashed(folder, process))


def _why_crashed(folder: Path, process: Process) -> tuple[str, Cause]:
    """What can be known of an end that nobody recorded: a sentence and its cause."""
    child, host = process.child or Identity(), process.host
    place = origin(child, host)
    if place is Origin.ELSEWHERE:
        return (
            f"it ran {where_else(child, host)}; from here nobody can see how it ended, or whether it has",
            "elsewhere",
        )
    if process.run and process.run != folder.name:
        return RENAMED.format(process.run), "renamed"
    if place is Origin.EARLIER:
        return "the machine restarted while it ran", "restart"
    if not can_write(folder):
        return "its folder cannot be written to, so its end could not be recorded", "folder"
    if lack := room.shortage(folder):
        return f"{lack}, so its end could not be recorded", "disk"
    return LOST, "lost"


def ends_after_epoch(folder: Path) -> bool:
    """Whether someone asked the run to stop with the epoch that runs."""
    return os.path.lexists(folder / rundir.STOP_AFTER_EPOCH)


def is_copy(folder: Path, process: Process) -> bool:
    """Whether the folder was copied while the training went on in the one that it names."""
    return process.run not in ("", folder.name) and (folder.parent / process.run).is_dir()


def is_on(folder: Path, parent: Path) -> bool:
    """Whether a folder lies on the disk of its parent; it may be a disk of its own. True for one that is gone."""
    try:
        return folder.lstat().st_dev == parent.stat().st_dev
    except OSError:
        return True


def can_write(folder: Path) -> bool:
    """By its mode too: root may write anywhere, even where nobody is meant to. Nothing is written through a link.

    One that is gone cannot be written to.
    """
    try:
        return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222) and not folder.is_symlink()
    except OSError:
        return False
