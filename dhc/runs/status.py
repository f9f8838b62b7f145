"""The state of a run, derived from its files and its process whenever someone asks."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

import psutil

from dhc.runs.contract import Cause, Exit, Identity, Process, Request, Worker
from dhc.runs.rundir import STOP, worker_file


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

    @property
    def alive(self) -> bool:
        """Whether the run still does something or waits to."""
        return self in (State.QUEUED, State.RUNNING, State.STOPPING)


LITTLE = 1_000_000  # bytes free below which a disk counts as full


@dataclass(frozen=True)
class Status:
    """A run's state, and where it needs saying, why: in plain words and in one word."""

    state: State
    reason: str = ""
    cause: Cause | Literal[""] = ""


def status_of(folder: Path, request: Request | None = None) -> Status:
    """The run's state: its exit record's word; else by its process; else queued; else crashed.

    `request` is its request where that was read already.
    """
    end = Exit.read(folder)
    if end is not None and end.how is not None:
        return Status(State(end.how), end.reason, end.cause)
    process = Process.read(folder)
    request = request or Request.read(folder)
    if process is not None:
        if is_alive(process.child, process.host):
            return Status(State.STOPPING if (folder / STOP).exists() else State.RUNNING)
        if _is_in_hand(folder, request or Request()):
            return Status(State.STOPPING)
        return Status(State.CRASHED, *_why_crashed(folder, process))
    if request is not None:
        if (folder / STOP).exists():
            return Status(State.STOPPED, "taken out of the queue while it waited", "cancelled")
        return Status(State.QUEUED)
    return Status(State.CRASHED, "nothing in its folder says that it was ever started", "lost")


def _is_in_hand(folder: Path, request: Request) -> bool:
    """Whether the child has only just died and its worker, still alive, is about to say how."""
    record = Worker.load(worker_file(folder.parent, request.queue)) or Worker()
    return record.run == folder.name and is_alive(record.worker, record.host)


def _why_crashed(folder: Path, process: Process) -> tuple[str, Cause]:
    """What can be known of an end that nobody recorded: a sentence and its cause."""
    host, child = process.host, process.child
    if host is not None and host != socket.gethostname():
        return f"it ran on another machine ({host[:80]}); from here nobody can see how it ended", "elsewhere"
    if child is not None and child.boot is not None and child.boot != boot_id():
        return "the machine restarted while it ran", "restart"
    if not _can_write(folder):
        return "its folder cannot be written to, so its end could not be recorded", "folder"
    if shutil.disk_usage(folder).free < LITTLE:
        return "the disk is full, so its end could not be recorded", "disk"
    return (
        "it and the worker that watched it ended at the same moment, without a word: killed from outside, or out of memory",
        "lost",
    )


def _can_write(folder: Path) -> bool:
    """By its mode too: root may write anywhere, even where nobody is meant to."""
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def boot_id() -> str | None:
    """What tells this start of the machine from every other; None where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def identify(pid: int) -> Identity:
    """What tells a process from a later one with the same id. Raises psutil.Error."""
    created = psutil.Process(pid).create_time()
    since_boot = _since_boot(pid)
    if since_boot is None:
        return Identity(pid=pid, created=created)
    ticks, boot = since_boot
    return Identity(pid=pid, created=created, ticks=ticks, boot=boot)


def is_alive(identity: Identity | None, host: str | None = None) -> bool:
    """Whether that very process still runs here; a zombie does not, nor does a reused pid."""
    if identity is None or identity.pid is None or (host is not None and host != socket.gethostname()):
        return False
    try:
        process = psutil.Process(identity.pid)
        return _same(identity, process) and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False


def _same(identity: Identity, process: psutil.Process) -> bool:
    since_boot = _since_boot(process.pid)
    if since_boot is not None and identity.ticks is not None and identity.boot is not None:
        return since_boot == (identity.ticks, identity.boot)
    return identity.created is not None and abs(process.create_time() - identity.created) < 1.0


def _since_boot(pid: int) -> tuple[int, str] | None:
    """A process's start in clock ticks since boot, and the boot's id; None where unknown."""
    boot = boot_id()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    ticks = int(stat.rpartition(")")[2].split()[19])  # field 22 of proc(5), counted after the name
    return None if boot is None else (ticks, boot)
