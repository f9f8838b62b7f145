"""What state a run is in: derived from its files and its process each time it is asked, never stored as a wish."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from dhc.runs.rundir import EXIT, PROCESS, REQUEST, STOP, read_json


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
            return Status(State.CRASHED, CRASHED)
        return Status(State.STOPPING if (folder / STOP).exists() else State.RUNNING)
    if read_json(folder / REQUEST) is not None:
        if (folder / STOP).exists():
            return Status(State.STOPPED, "taken out of the queue before it started")
        return Status(State.QUEUED)
    return Status(State.CRASHED, "nothing in its folder says that it was ever started")


def identify(pid: int) -> dict[str, Any]:
    """What tells a process from a later one with the same number: pid and start time (seconds since 1970)."""
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def is_alive(process: Any, host: Any = None) -> bool:
    """Whether the process that `identify` described still runs, here. A zombie does not; nor does a reused pid."""
    if host is not None and host != socket.gethostname():
        return False
    try:
        found = psutil.Process(int(process["pid"]))
        same: bool = abs(found.create_time() - float(process["created"])) < 1.0
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return False
