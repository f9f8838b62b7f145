"""The features of a run's pictures, and their maps, made in the background into the run's folder."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from dhc.files import remove
from dhc.jobs.check import count
from dhc.jobs.task import Task
from dhc.runs.rundir import read_json, write_json

JOB, LOG, PROGRESS = ".features.job.json", ".features.log", ".features.progress.json"
VALUES, MAP, EPOCHS, END = "features", "map", "epochs", "end"  # its steps
PROGRESS_SECONDS = 0.3  # at most about three reports a second
_STARTING = threading.Lock()  # two tabs may ask at once


@dataclass(frozen=True)
class Making:
    """How it stands: `done` of `total` of the `step` that it is at, for so many `seconds`; or why it failed."""

    step: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    failure: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still at work."""
        return not self.failure

    @property
    def fraction(self) -> float:
        """Of the step, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


def start(folder: Path) -> None:
    """Start making the features of the run in `folder` and their map, unless that is pending. Raises OSError."""
    task, place = _task(folder), folder.parent.resolve()
    options = ("--low-priority", "--record", str(place / folder.name / PROGRESS))
    with _STARTING:
        standing = task.standing()
        if standing is not None and standing.pending:
            return
        remove.file(folder / PROGRESS)
        task.start("features", folder.name, "--runs", str(place), *options)


def cancel(folder: Path) -> None:
    """End making them, at once; what an earlier one made stays. Raises OSError."""
    _task(folder).cancel()


def making(folder: Path) -> Making | None:
    """How the making of a run's features stands; None where nobody asked for it, or it has ended well."""
    task = _task(folder)
    standing = task.standing()
    if standing is None:
        return None
    progress = read_json(folder / PROGRESS) or {}
    step = str(progress.get("step", ""))
    if standing.pending:
        return Making(step, count(progress.get("done")), count(progress.get("total")), standing.seconds)
    return None if step == END else Making(failure=task.last_error())


class Recorder:
    """Keeps the progress in a file."""

    def __init__(self, record: Path) -> None:
        self._record, self._last = record, 0.0

    def report(self, step: str, done: int, total: int) -> None:
        """Say that so much of a step is done."""
        if time.monotonic() - self._last >= PROGRESS_SECONDS:
            self._last = time.monotonic()
            write_json(self._record, {"step": step, "done": done, "total": total})

    def end(self) -> None:
        """Say that all is written."""
        write_json(self._record, {"step": END})


def _task(folder: Path) -> Task:
    return Task(folder / JOB, folder / LOG)
