"""What a run's line in a list is made of, read from the files of its folder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Cause, Environment, Labels, Request, Summary
from dhc.runs.course import Course
from dhc.runs.records import History
from dhc.runs.status import State, Status, status_of
from dhc.runs.summary import UNREADABLE, of_history, read_summary
from dhc.text import one_line

MAX_REASON = 500  # characters of an end's reason
POINTS = 40  # of a curve
RECORDED = (State.FINISHED, State.STOPPED, State.FAILED, State.KILLED)
OF_PICTURES = ("data_classes", "data_fingerprint", "data_prints", "data_review")  # of an environment


class Line(BaseModel):
    """What one look at a run's folder says. Each record is as lenient as its file's."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    config: RunConfig | None = None
    problem: str
    """What in its folder could not be read, in one sentence."""
    state: State
    reason: str
    cause: Cause | Literal["", "unheard"]
    request: Request
    labels: Labels
    course: Course
    figures: Summary
    """As far as they can be true; of the curve POINTS."""
    environment: Environment
    """Only what is known of its pictures."""

    @property
    def status(self) -> Status:
        """How it stands."""
        return Status(self.state, self.reason, self.cause)

    @property
    def is_final(self) -> bool:
        """Whether its files alone say so: who calls a run crashed has looked at processes, machines and disks, too."""
        return self.state in RECORDED


def read_line(folder: Path, history: Callable[[bool], History]) -> Line:
    """Read a run's files; `history` gives that of its events, and is told whether the run is alive."""
    config, problem = read_config(folder)
    request = Request.read(folder)
    status = status_of(folder, request)
    labels = Labels.read(folder)
    figures, doubt = _figures(folder, lambda: history(status.state.alive))
    return Line.model_construct(
        config=config,
        problem="; ".join(filter(None, (problem, doubt, _unreadable(folder, status, labels)))),
        state=status.state,
        reason=one_line(status.reason, MAX_REASON),
        cause=status.cause,
        request=request or Request(),
        labels=labels or Labels(),
        course=Course.of(folder),
        figures=figures.model_copy(update={"curve": thinned(figures.curve), "knn": {}}),
        environment=_of_pictures(Environment.of(folder)),
    )


def thinned(curve: Sequence[float], points: int = POINTS) -> tuple[float, ...]:
    """At most `points` of a run's val accuracies, evenly spread, the best and the last included.

    What is not finite is left out.
    """
    values = tuple(value for value in curve if math.isfinite(value))
    if len(values) <= points:
        return values
    best = max(range(len(values)), key=values.__getitem__)
    even = {round(number * (len(values) - 1) / (points - 2)) for number in range(points - 1)}
    return tuple(values[place] for place in sorted(even | {best}))


def _of_pictures(environment: Environment) -> Environment:
    return Environment.model_construct(**{name: getattr(environment, name) for name in OF_PICTURES})


def _figures(folder: Path, history: Callable[[], History]) -> tuple[Summary, str]:
    """The summary as far as it can be true, else the events; and in a sentence what cannot."""
    summary, doubt = read_summary(folder)
    if summary.curve and not doubt:
        return summary, ""
    values = {name: value for name, value in summary if name in summary.model_fields_set and value not in (None, ())}
    return of_history(history()).model_copy(update=values), doubt


def _unreadable(folder: Path, status: Status, labels: Labels | None) -> str:
    """A sentence on files that are there but cannot be read; "" where there is none."""
    names = [rundir.EXIT] if status.state in (State.CRASHED, State.QUEUED) else []
    names += [rundir.LABELS] if labels is None else []
    return "; ".join(UNREADABLE.format(name) for name in names if os.path.lexists(folder / name))
