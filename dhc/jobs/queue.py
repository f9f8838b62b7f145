"""The queues of a folder of runs, one a device: who waits, in which order, who works, and changing the order."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.runs import rundir
from dhc.runs.rundir import RunError
from dhc.runs.status import State, is_alive, status_of

STEP = 1e-3  # between two places


@dataclass(frozen=True)
class Worker:
    """The process that drains a device's queue: the run that it has in hand, and what it waits for, if anything."""

    run: str = ""
    waits: str = ""


def worker_of(runs_dir: Path, device: str) -> Worker | None:
    """The device's worker; None when none is at work."""
    record = rundir.read_json(rundir.worker_file(runs_dir, device)) or {}
    if not is_alive(record.get("worker"), record.get("host")):
        return None
    return Worker(str(record.get("run") or ""), str(record.get("waits") or ""))


def queue(runs_dir: Path, device: str) -> list[Path]:
    """The folders queued for a device, in the order in which they will run."""
    waiting = [
        (place_of(request), folder.name, folder)
        for folder, request in _requests(runs_dir)
        if request.get("device") == device and status_of(folder).state is State.QUEUED
    ]
    return [folder for *_, folder in sorted(waiting)]


def busy(runs_dir: Path, device: str) -> Path | None:
    """The folder of a run that trains on the device now, whoever started it; None when the device is free."""
    for folder, request in _requests(runs_dir):
        if request.get("device") == device and (folder / rundir.PROCESS).exists():
            process = rundir.read_json(folder / rundir.PROCESS) or {}
            if is_alive(process.get("child"), process.get("host")):
                return folder
    return None


def devices(runs_dir: Path) -> list[str]:
    """The devices for which runs wait."""
    asked = (
        str(request.get("device") or "")
        for folder, request in _requests(runs_dir)
        if status_of(folder).state is State.QUEUED
    )
    return sorted({device for device in asked if device})


def last_place(runs_dir: Path) -> float:
    """A place behind all that wait, also when the clock was set back since."""
    waiting = [place_of(request) for folder, request in _requests(runs_dir)]
    return max([time.time(), *(place + STEP for place in waiting)])


def move(runs_dir: Path, run_id: str, to: int) -> None:
    """Give a queued run another place in its device's queue, from 0, the next to run. Raises RunError for one that does not wait."""
    folder = rundir.run_dir(runs_dir, run_id)
    request = rundir.read_json(folder / rundir.REQUEST) or {}
    waiting = queue(runs_dir, str(request.get("device") or ""))
    if folder not in waiting:
        raise RunError(f"run {run_id} does not wait in a queue: it is {status_of(folder).state.value}")
    waiting.remove(folder)
    waiting.insert(max(0, min(to, len(waiting))), folder)
    _renumber(waiting)


def _renumber(waiting: Iterable[Path]) -> None:
    """Places anew in the given order, from the first place that was taken on."""
    told = [(folder, rundir.read_json(folder / rundir.REQUEST) or {}) for folder in waiting]
    first = min(place_of(request) for _, request in told)
    for number, (folder, request) in enumerate(told):
        rundir.write_json(folder / rundir.REQUEST, request | {"place": first + number * STEP})


def place_of(request: dict[str, Any]) -> float:
    """Where in its queue a request stands: lower is earlier."""
    for name in ("place", "queued_at"):
        value = request.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return 0.0


def _requests(runs_dir: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    """Folder and request of each run that has not recorded its end."""
    if not runs_dir.is_dir():
        return
    for folder in runs_dir.iterdir():
        if rundir.RUN_ID.fullmatch(folder.name) and not (folder / rundir.EXIT).exists():
            request = rundir.read_json(folder / rundir.REQUEST)
            if request is not None:
                yield folder, request
