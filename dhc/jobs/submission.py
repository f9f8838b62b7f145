"""A run's submission, written in the background into the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dhc.files import remove
from dhc.jobs.task import Task
from dhc.runs import rundir

FILE = rundir.SUBMISSION
JOB, LOG = ".submission.job.json", ".submission.log"


@dataclass(frozen=True)
class Submission:
    """How it stands: pending for so many `seconds`, or there as `file`, or a `failure`."""

    seconds: float = 0.0
    file: Path | None = None
    failure: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still being written."""
        return self.file is None and not self.failure


def start(folder: Path) -> None:
    """Start writing the submission of the run in `folder`, unless pending. Raises OSError."""
    current = submission(folder)
    if current is not None and current.pending:
        return
    remove.file(folder / FILE)
    arguments = ("predict", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test", "--force")
    _task(folder).start(*arguments, "--out", str(folder.parent.resolve() / folder.name / FILE))


def submission(folder: Path) -> Submission | None:
    """How the submission of the run in `folder` stands; None when nobody asked for one."""
    task = _task(folder)
    standing = task.standing()
    if standing is None:
        return None
    if standing.pending:
        return Submission(standing.seconds)
    if (folder / FILE).is_file():  # it appears whole, as the last thing that the process does
        return Submission(file=folder / FILE)
    return Submission(failure=task.last_error())


def cancel(folder: Path) -> None:
    """End writing the submission of the run in `folder`, at once. Raises OSError."""
    _task(folder).cancel()


def _task(folder: Path) -> Task:
    return Task(folder / JOB, folder / LOG)
