"""A run evaluated on the labelled test pictures in the background: plainly, or with the test-time mirror.

Each has its own file, and none is ever taken for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dhc.files import remove
from dhc.jobs.task import Task
from dhc.runs import rundir
from dhc.runs.contract import Score

FILE, MIRROR_FILE = rundir.SCORE, rundir.MIRROR_SCORE
JOB, LOG = ".evaluation.job.json", ".evaluation.log"
MIRROR_JOB, MIRROR_LOG = ".evaluation-mirror.job.json", ".evaluation-mirror.log"


@dataclass(frozen=True)
class Evaluation:
    """How it stands: pending for so many `seconds`, or `correct` of `pictures`, or a `failure`."""

    seconds: float = 0.0
    pictures: int = 0
    correct: int = 0
    failure: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still at work."""
        return not self.pictures and not self.failure

    @property
    def accuracy(self) -> float | None:
        """The share of right answers, 0 to 1; None while it is pending and where it failed."""
        return self.correct / self.pictures if self.pictures else None


def start(folder: Path, mirror: bool = False) -> None:
    """Start evaluating the run in `folder`, unless that is pending or done. Raises OSError."""
    current = evaluation(folder, mirror)
    if current is not None and not current.failure:
        return
    file = _file(folder, mirror)
    remove.file(file)
    arguments = ("evaluate", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test")
    out = ("--out", str(folder.parent.resolve() / folder.name / file.name))
    _task(folder, mirror).start(*arguments, *out, *(("--mirror",) if mirror else ()))


def evaluation(folder: Path, mirror: bool = False) -> Evaluation | None:
    """How the evaluation of the run in `folder` stands; None when nobody asked for one.

    A result of an earlier network does not count: where the network was written anew since, the run counts as not evaluated.
    """
    result = _result(folder, mirror)
    if result is not None:
        return result
    task = _task(folder, mirror)
    standing = task.standing()
    if standing is None:
        return None
    if standing.pending:
        return Evaluation(standing.seconds)
    result = _result(folder, mirror)  # it may have ended between the two checks
    if result is not None:
        return result
    return None if _file(folder, mirror).is_file() else Evaluation(failure=task.last_error())


def cancel(folder: Path, mirror: bool = False) -> None:
    """End the evaluation of the run in `folder`, at once. Raises OSError."""
    _task(folder, mirror).cancel()


def _file(folder: Path, mirror: bool) -> Path:
    return folder / (MIRROR_FILE if mirror else FILE)


def _task(folder: Path, mirror: bool) -> Task:
    return Task(folder / MIRROR_JOB, folder / MIRROR_LOG) if mirror else Task(folder / JOB, folder / LOG)


def _result(folder: Path, mirror: bool) -> Evaluation | None:
    """What the run's file says, where it is sound, of today's network, and asked in that way."""
    file = _file(folder, mirror)
    score = Score.load(file) or Score()
    if (
        score.split != "test"
        or score.mirror != mirror
        or not score.pictures
        or score.correct is None
        or score.correct > score.pictures
    ):
        return None
    return None if _older(file, folder / rundir.BEST) else Evaluation(0.0, score.pictures, score.correct)


def _older(result: Path, network: Path) -> bool:
    try:
        return result.stat().st_mtime < network.stat().st_mtime
    except OSError:
        return False  # an example's network is not there: its result stands
