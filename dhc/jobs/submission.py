"""Writing a run's submission in the background, and whether it is done: `python -m dhc predict` into the run's folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from dhc.jobs.process import detach, last_error, python
from dhc.runs.contract import Job
from dhc.runs.status import identify, is_alive

FILE = "submission.csv"
JOB, LOG = ".submission.job.json", ".submission.log"


@dataclass(frozen=True)
class Submission:
    """How a submission stands: being written for so many `seconds`, or there as `file`, or `failed` for a reason."""

    seconds: float = 0.0
    file: Path | None = None
    failed: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still being written."""
        return self.file is None and not self.failed


def ask(folder: Path) -> None:
    """Start answering the test pictures with the run in `folder`; does nothing while that is being done."""
    now = submission(folder)
    if now is not None and now.pending:
        return
    for name in (FILE, LOG):
        (folder / name).unlink(missing_ok=True)
    arguments = ("predict", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test", "--force")
    out = ("--out", str(folder.resolve() / FILE))
    process = detach(python("-m", "dhc", *arguments, *out), log=folder / LOG)
    Job(**identify(process.pid).model_dump(exclude_unset=True), asked_at=time.time()).save(folder / JOB)


def submission(folder: Path) -> Submission | None:
    """How the submission of the run in `folder` stands; None when nobody asked for one."""
    job = Job.load(folder / JOB)
    if job is None:
        return None
    if is_alive(job):
        return Submission(0.0 if job.asked_at is None else max(0.0, time.time() - job.asked_at))
    if (folder / FILE).is_file():  # it appears whole, as the last thing that the process does
        return Submission(file=folder / FILE)
    return Submission(failed=last_error(folder / LOG))
