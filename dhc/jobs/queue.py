"""The queues of a folder of runs, one for each device: who waits, in which order, who works."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.contract import Process, Request, Worker
from dhc.runs.identity import is_alive, where_else
from dhc.runs.status import State, is_copy, status_of
from dhc.runs.workers import Standing, standing_of, worker_record

STEP = 1e-3  # between two places


def worker_of(runs_dir: Path, device: str) -> Worker | None:
    """The device's worker; None when none is at work."""
    worker = worker_record(runs_dir, device)
    return worker if standing_of(worker) is Standing.WORKS else None


def idle_reason(runs_dir: Path, device: str) -> str:
    """Why nobody works on the device's queue, in words; "" where somebody does."""
    worker = worker_record(runs_dir, device)
    standing = standing_of(worker)
    if standing is Standing.WORKS:
        return ""
    if standing is Standing.ELSEWHERE and worker.worker is not None:
        return f"its worker was started {where_else(worker.worker, worker.host)}"
    return str(standing.value)


def queue(runs_dir: Path, device: str) -> list[Path]:
    """The folders queued for a device, in the order in which they will run."""
    waiting = [
        (request.turn, folder.name, folder)
        for folder, request in _requests(runs_dir)
        if request.queue == device and status_of(folder).state is State.QUEUED
    ]
    return [folder for *_, folder in sorted(waiting)]


def training_run(runs_dir: Path, device: str) -> Path | None:
    """The folder of the run that trains on the device, whoever started it; None for none."""
    for folder, request in _requests(runs_dir):
        process = Process.read(folder) if request.queue == device else None
        if process is not None and is_alive(process.child, process.host) and not is_copy(folder, process):
            return folder
    return None


def devices(runs_dir: Path, *, training: bool = False) -> list[str]:
    """The devices for which runs wait; with `training` also those on which one trains."""
    pairs = [(request.queue, status_of(folder).state) for folder, request in _requests(runs_dir)]
    return sorted({device for device, state in pairs if state is State.QUEUED or (training and state.alive)})


def last_place(runs_dir: Path) -> float:
    """A place behind all that wait, also when the clock was set back since."""
    waiting = [request.turn for folder, request in _requests(runs_dir)]
    return max([time.time(), *(place + STEP for place in waiting)])


def move(runs_dir: Path, run_id: str, to: int) -> int:
    """Give a queued run another place in its device's queue; returns the one that it got.

    Places count from 0, the next to run. Raises RunError for a run that does not wait.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    request = Request.of(folder)
    waiting = queue(runs_dir, request.queue)
    if folder not in waiting:
        raise RunError(f"run {run_id} does not wait in a queue: it is {status_of(folder).state.value}")
    waiting.remove(folder)
    to = max(0, min(to, len(waiting)))
    place = _between(waiting[max(0, to - 1) : to], waiting[to : to + 1])
    if place is not None:
        Request.change(folder, place=place)
    else:
        _renumber([*waiting[:to], folder, *waiting[to:]])
    return to


def _between(before: list[Path], behind: list[Path]) -> float | None:
    """A place between two neighbours, or beside one; None where no number lies between them."""
    low, high = ([_place(folder) for folder in side] for side in (before, behind))
    first = low[0] if low else (high[0] if high else time.time()) - 2 * STEP
    last = high[0] if high else first + 2 * STEP
    middle = first + (last - first) / 2
    return middle if first < middle < last else None


def _renumber(waiting: Iterable[Path]) -> None:
    """New places in the given order, from the lowest old place on."""
    folders = list(waiting)
    first = min(_place(folder) for folder in folders)
    for steps, folder in enumerate(folders):
        Request.change(folder, place=first + steps * STEP)


def _place(folder: Path) -> float:
    return Request.of(folder).turn


def _requests(runs_dir: Path) -> Iterable[tuple[Path, Request]]:
    """Folder and request of each run that has not recorded its end."""
    try:
        folders = [folder for folder in runs_dir.iterdir() if rundir.RUN_ID.fullmatch(folder.name)]
    except OSError:  # there is no such folder, or no more
        return
    for folder in folders:
        if not os.path.lexists(folder / rundir.EXIT):
            request = Request.read(folder)
            if request is not None:
                yield folder, request
