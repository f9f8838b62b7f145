"""What state a run is in: derived from its files and its process each time it is asked, never stored as a wish."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from dhc.runs.contract import Request
from dhc.runs.rundir import EXIT, PROCESS, STOP, read_json, worker_file


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


ENDED = frozenset({"finished", "stopped", "failed", "killed"})
CAUSES = (
    "done", "early", "stop", "cancelled", "median", "nan", "memory", "disk", "folder", "data", "settings", "device", "package", "state",
    "kill", "signal", "library", "restart", "elsewhere", "lost", "error",
)  # fmt: skip
LITTLE = 1_000_000  # bytes free below which a disk counts as full


@dataclass(frozen=True)
class Status:
    """A run's state; where it ended or something needs saying, why in plain words, and the cause in one word of CAUSES."""

    state: State
    reason: str = ""
    cause: str = ""


def status_of(folder: Path) -> Status:
    """The run's state: its exit record's word; else by its process; else queued; else crashed."""
    ended = read_json(folder / EXIT)
    if ended is not None and isinstance(how := ended.get("how"), str) and how in ENDED:
        cause = ended.get("cause")
        return Status(State(how), str(ended.get("reason") or ""), cause if cause in CAUSES else "")
    process = read_json(folder / PROCESS)
    request = Request.read(folder)
    if process is not None:
        if is_alive(process.get("child"), process.get("host")):
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
    record = read_json(worker_file(folder.parent, request.queue)) or {}
    return record.get("run") == folder.name and is_alive(record.get("worker"), record.get("host"))


def _why_crashed(folder: Path, process: Mapping[str, Any]) -> tuple[str, str]:
    """What can be known of an end that nobody recorded: a sentence and its cause."""
    host, child = process.get("host"), process.get("child")
    if host is not None and host != socket.gethostname():
        return f"it ran on another machine ({str(host)[:80]}); from here nobody can see how it ended", "elsewhere"
    then = child.get("boot") if isinstance(child, dict) else None
    if then is not None and then != boot_id():
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
    """Asked of the mode too: root is refused nothing, yet a folder without write permission was meant so."""
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def boot_id() -> str | None:
    """What tells this start of the machine from every other; None where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def identify(pid: int) -> dict[str, Any]:
    """What tells a process from a later one with the same number, as JSON.

    pid and start time (seconds since 1970); on Linux also the start in clock ticks since boot and the boot's id, which
    stay true when someone sets the clock and tell a reboot.
    """
    return {"pid": pid, "created": psutil.Process(pid).create_time(), **_since_boot(pid)}


def is_alive(process: Any, host: Any = None) -> bool:
    """Whether the process that `identify` described still runs, here. A zombie does not; nor does a reused pid."""
    if host is not None and host != socket.gethostname():
        return False
    try:
        pid = int(process["pid"])
        found = psutil.Process(pid)
        return _same(process, found) and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError, KeyError, TypeError, ValueError, OverflowError):
        return False


def _same(process: Mapping[str, Any], found: psutil.Process) -> bool:
    now = _since_boot(found.pid)
    if now and "ticks" in process and "boot" in process:
        return all(process[name] == now[name] for name in ("ticks", "boot"))
    return bool(abs(found.create_time() - float(process["created"])) < 1.0)


def _since_boot(pid: int) -> dict[str, Any]:
    boot = boot_id()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    ticks = int(stat.rpartition(")")[2].split()[19])  # field 22 of proc(5), counted after the name
    return {} if boot is None else {"ticks": ticks, "boot": boot}
