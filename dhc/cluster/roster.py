"""Which runs of an engine have not ended, looked up every second in a folder of ten thousand that have.

A run that has ended is asked again only once somebody has put a run into the queue, or after a while. One that only waits is read
again when one of its files has changed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dhc.runs import pulse, rundir
from dhc.runs.contract import Handed, Request
from dhc.runs.status import State, Status, status_of

AGAIN = 60.0  # seconds after which runs that have ended are asked again: somebody may have done something by hand
DECISIVE = (rundir.EXIT, rundir.REQUEST, rundir.HANDED, rundir.PROCESS, rundir.STOP, rundir.KILL)  # of one that waits
Signature = tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Entry:
    """A run that has not ended: its folder, request and status, and to which engine it was handed out, "" for none."""

    folder: Path
    request: Request
    status: Status
    engine: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.status.state is State.QUEUED


class Roster:
    """The runs of one engine in a folder of runs that have not ended."""

    def __init__(self, runs_dir: Path, engine: str) -> None:
        self._runs_dir, self._engine = runs_dir, engine
        self._over: set[str] = set()
        self._waiting: dict[str, tuple[Signature, Entry]] = {}
        self._nudge: object = None
        self._asked = -AGAIN

    def entries(self) -> list[Entry]:
        """All of them, in the order of the queue."""
        nudge, now = _date(rundir.nudge_file(self._runs_dir, self._engine)), pulse.clock()
        if nudge != self._nudge or now - self._asked >= AGAIN:
            self._nudge, self._asked, self._over, self._waiting = nudge, now, set(), {}
        try:
            with os.scandir(self._runs_dir) as files:
                names = {file.name for file in files if rundir.RUN_ID.fullmatch(file.name)}
        except OSError:  # there is no such folder, or no more
            return []
        self._over &= names
        entries = [entry for name in names - self._over if (entry := self._entry(name)) is not None]
        self._waiting = {entry.folder.name: self._waiting[entry.folder.name] for entry in entries if entry.waits}
        return sorted(entries, key=lambda entry: (entry.request.turn, entry.folder.name))

    def _entry(self, name: str) -> Entry | None:
        folder = self._runs_dir / name
        signature = tuple(_date(folder / file) for file in DECISIVE)
        earlier = self._waiting.get(name)
        if earlier is not None and earlier[0] == signature and not earlier[1].engine:
            return earlier[1]
        entry = None if signature[0] is not None else self._read(folder)
        if entry is None:
            self._over.add(name)
        elif entry.waits:
            self._waiting[name] = signature, entry
        return entry

    def _read(self, folder: Path) -> Entry | None:
        """The run's entry; None where it has ended, or is none of this engine's."""
        request = Request.read(folder)
        if request is None or request.queue != self._engine:
            return None
        status, engine = status_of(folder, request), Handed.of(folder).engine
        is_open = status.state.alive or (status.cause == "cancelled" and engine)
        return Entry(folder, request, status, engine) if is_open else None


def nudge(runs_dir: Path, engine: str) -> None:
    """Have the worker that is at work look at every run anew. Raises OSError."""
    pulse.put(rundir.nudge_file(runs_dir, engine), b".")


def _date(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
