"""A run's submission, written in the background into the run's folder."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from dhc.data.files import stat_files
from dhc.data.layout import Dataset
from dhc.files import remove
from dhc.files.read import read_regular
from dhc.jobs.task import Task
from dhc.runs import rundir
from dhc.runs.contract import SubmissionOrigin
from dhc.runs.predictions import read_predictions

FILE = rundir.SUBMISSION
MAX_BYTES = 200_000_000  # of a submission; a million pictures with names of 100 letters
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


def start(folder: Path, dataset: Dataset, *, mirror: bool = False) -> None:
    """Start writing the submission of the run in `folder`, unless pending; an earlier one is kept beside it.

    With `mirror` each picture is asked together with its mirror image. Raises RunError, OSError.
    """
    current = submission(folder)
    if current is not None and current.pending:
        return
    _keep_for_comparison(folder)
    _origin(folder, dataset, mirror).write(folder)
    arguments = ("predict", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test", "--force")
    out = ("--out", str(folder.parent.resolve() / folder.name / FILE))
    _task(folder).start(*arguments, *out, *(("--mirror",) if mirror else ()))


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


def origin(folder: Path) -> SubmissionOrigin:
    """What the submission was made of; of one that an older version wrote, nothing is known."""
    return SubmissionOrigin.of(folder)


def out_of_date(folder: Path, dataset: Dataset) -> str:
    """Why the submission is not of the run and the test pictures as they are now; "" where it is."""
    then = origin(folder)
    if not then.network:
        return "it does not say which network and which test pictures it is of"
    if then.network != network_mark(folder):
        return f"it is of epoch {then.epoch}, and the run has been trained since"
    return "" if then.test == test_mark(dataset) else "the test pictures or their table have changed since"


def answers(folder: Path, name: str = FILE) -> dict[str, str]:
    """The class by picture in the run's submission; empty where there is none that can be read."""
    try:
        rows = list(csv.reader(io.StringIO(read_regular(folder / name, MAX_BYTES).decode("utf-8"))))
    except (OSError, ValueError, csv.Error):
        return {}
    return {row[0]: row[1] for row in rows[1:] if len(row) == 2}


def _origin(folder: Path, dataset: Dataset, mirror: bool) -> SubmissionOrigin:
    """What a submission that was asked for now would be of. Raises RunError."""
    epoch, before = read_predictions(folder).best_epoch, origin(folder).mirror
    marks = {"network": network_mark(folder), "test": test_mark(dataset)}
    return SubmissionOrigin(epoch=epoch, mirror=mirror, mirror_before=before, **marks)


def network_mark(folder: Path) -> str:
    """Size and time of the file that answers. Raises OSError."""
    status = (folder / (rundir.BEST if (folder / rundir.BEST).is_file() else rundir.PREDICTIONS)).stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def test_mark(dataset: Dataset) -> str:
    """Sixteen hex digits of the test pictures' names, sizes and times."""
    test = dataset.splits["test"]
    content = repr((test.table.names, stat_files(dataset.pictures, test.files))).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _keep_for_comparison(folder: Path) -> None:
    """Let the submission that is there be the one before."""
    if (folder / FILE).is_file():
        remove.file(folder / rundir.SUBMISSION_BEFORE)
        remove.move(folder / FILE, folder / rundir.SUBMISSION_BEFORE)


def cancel(folder: Path) -> None:
    """End writing the submission of the run in `folder`, at once. Raises OSError."""
    _task(folder).cancel()


def _task(folder: Path) -> Task:
    return Task(folder / JOB, folder / LOG)
