"""Judging a run on the labelled test pictures in the background: `python -m dhc evaluate --split test` into the run's folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from dhc.jobs.process import detach, last_error, python
from dhc.runs.contract import Job, Score
from dhc.runs.rundir import BEST
from dhc.runs.status import identify, is_alive

FILE = "test.json"
JOB, LOG = ".evaluation.job.json", ".evaluation.log"


@dataclass(frozen=True)
class Evaluation:
    """How the judgement stands: at work for so many `seconds`; or done, so many `correct` of `pictures`; or `failed` for a reason."""

    seconds: float = 0.0
    pictures: int = 0
    correct: int = 0
    failed: str = ""

    @property
    def pending(self) -> bool:
        """Whether it is still at work."""
        return not self.pictures and not self.failed

    @property
    def accuracy(self) -> float | None:
        """The share of right answers, 0 to 1; None before it is known."""
        return self.correct / self.pictures if self.pictures else None


def ask(folder: Path) -> None:
    """Start judging the run in `folder` on test; does nothing while that is being done, nor where it is done."""
    now = evaluation(folder)
    if now is not None and not now.failed:
        return
    for name in (FILE, LOG):
        (folder / name).unlink(missing_ok=True)
    arguments = ("evaluate", folder.name, "--runs", str(folder.parent.resolve()), "--split", "test")
    process = detach(python("-m", "dhc", *arguments, "--out", str(folder.resolve() / FILE)), log=folder / LOG)
    Job(**identify(process.pid).model_dump(exclude_unset=True), asked_at=time.time()).save(folder / JOB)


def evaluation(folder: Path) -> Evaluation | None:
    """How the judgement of the run in `folder` stands; None when nobody asked for one.

    A result of an earlier network does not count: where the network was written anew since, the run counts as not judged.
    """
    done = _stored(folder)
    if done is not None:
        return done
    job = Job.load(folder / JOB)
    if job is None:
        return None
    if is_alive(job):
        return Evaluation(0.0 if job.asked_at is None else max(0.0, time.time() - job.asked_at))
    done = _stored(folder)  # it may have ended between the two looks
    if done is not None:
        return done
    return None if (folder / FILE).is_file() else Evaluation(failed=last_error(folder / LOG))


def _stored(folder: Path) -> Evaluation | None:
    score = Score.load(folder / FILE) or Score()
    if score.split != "test" or not score.pictures or score.correct is None or score.correct > score.pictures:
        return None
    return None if _older(folder / FILE, folder / BEST) else Evaluation(0.0, score.pictures, score.correct)


def _older(result: Path, network: Path) -> bool:
    try:
        return result.stat().st_mtime < network.stat().st_mtime
    except OSError:
        return False  # an example's network is not there: its result stands
