"""What state a run is in: derived from its files and its process each time it is asked, never stored as a wish."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from dhc.runs.rundir import EVENTS, EXIT, PROCESS, REQUEST, STOP, read_json


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
GRACE = 5.0  # seconds that a worker may take to record how its child ended
CRASHED = "its process ended without saying why (out of memory, a kill, or the machine restarted)"


@dataclass(frozen=True)
class Status:
    """A run's state and, where it ended or something needs saying, why in plain words."""

    state: State
    reason: str = ""


def status_of(folder: Path) -> Status:
    """The run's state: its exit record's word; else by its process; else queued; else crashed."""
    ended = read_json(folder / EXIT)
    if ended is not None and ended.get("how") in ENDED:
        return Status(State(ended["how"]), str(ended.get("reason") or ""))
    process = read_json(folder / PROCESS)
    if process is not None:
        if not is_alive(process.get("child"), process.get("host")):
            return Status(State.STOPPING) if _end_is_being_written(folder, process) else Status(State.CRASHED, CRASHED)
        return Status(State.STOPPING if (folder / STOP).exists() else State.RUNNING)
    if read_json(folder / REQUEST) is not None:
        if (folder / STOP).exists():
            return Status(State.STOPPED, "taken out of the queue before it started")
        return Status(State.QUEUED)
    return Status(State.CRASHED, "nothing in its folder says that it was ever started")


def _end_is_being_written(folder: Path, process: Mapping[str, Any]) -> bool:
    """Whether the child has only just died and its worker lives to say how."""
    try:
        last = max((folder / name).stat().st_mtime for name in (PROCESS, EVENTS) if (folder / name).exists())
    except (OSError, ValueError):
        return False
    return 0 <= time.time() - last < GRACE and is_alive(process.get("worker"), process.get("host"))


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
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return {}
    return {
        "ticks": int(stat.rpartition(")")[2].split()[19]),
        "boot": boot,
    }  # field 22 of proc(5), counted after the name
