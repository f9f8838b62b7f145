"""A run evaluated on the labelled test pictures in the background."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dhc.files import remove
from dhc.jobs.task import Task
from dhc.runs import rundir
from dhc.runs.contract import Score

FILE = rundir.SCORE
JOB, LOG = ".evaluation.job.json", ".evaluation.log"


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


def start(folder: Path) -> None:
    """Start evaluating the run in `folder`, unless that is pending or done. Raises OSError."""
    current = evaluation(folder)
    if current is not None and not current.failure:
        return
    remove.file(folder / FILE)
    arguments = ("evaluate", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test")
    _task(folder).start(*arguments, "--out", str(folder.parent.resolve() / folder.name / FILE))


def evaluation(folder: Path) -> Evaluation | None:
    """How the evaluation of the run in `folder` stands; None when nobody asked for one.

    A result of an earlier network does not count: where the network was written anew since, the run counts as not evaluated.
    """
    result = _result(folder)
    if result is not None:
        return result
    task = _task(folder)
    standing = task.standing()
    if standing is None:
        return None
    if standing.pending:
        return Evaluation(standing.seconds)
    result = _result(folder)  # it may have ended between the two checks
    if result is not None:
        return result
    return None if (folder / FILE).is_file() else Evaluation(failure=task.last_error())


def cancel(folder: Path) -> None:
    """End the evaluation of the run in `folder`, at once. Raises OSError."""
    _task(folder).cancel()


def _task(folder: Path) -> Task:
    return Task(folder / JOB, folder / LOG)


def _result(folder: Path) -> Evaluation | None:
    """What the run's file says, where it is sound and of today's network."""
    score = Score.load(folder / FILE) or Score()
    if score.split != "test" or not score.pictures or score.correct is None or score.correct > score.pictures:
        return None
    return None if _older(folder / FILE, folder / rundir.BEST) else Evaluation(0.0, score.pictures, score.correct)


def _older(result: Path, network: Path) -> bool:
    try:
        return result.stat().st_mtime < network.stat().st_mtime
    except OSError:
        return False  # an example's network is not there: its result stands
