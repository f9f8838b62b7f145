"""What became of a run's settings on its way: where it branched off another run, what was changed while it trained.

``config.json`` says what holds from the last branch on; a change holds from its epoch on, until the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.lenient import Moment, Place, Record, RunFile, RunId
from dhc.text import setting_number

ScheduleFrom = Literal["continue", "hold", "restart"]
Rate = Annotated[float, Field(gt=0, le=10)]
Factor = Annotated[float, Field(gt=0, lt=1)]
Patience = Annotated[int, Field(ge=1, le=10_000)]
SETTINGS = {  # what can be changed while a network trains, and the setting that it was before
    "learning_rate": "optimizer.learning_rate",
    "factor": "schedule.factor",
    "patience": "schedule.patience",
}
WORDS = {"learning_rate": "rate", "factor": "factor", "patience": "patience"}


class Branch(Record):
    """Where a run took over the network of another one."""

    run: RunId = ""
    """The id of the run whose epochs it took over."""

    epoch: Place = 1
    """The last epoch that it took over."""

    schedule: ScheduleFrom = "continue"
    """``continue`` goes on with rate and counters as they stood, ``hold`` keeps the rate, ``restart`` begins the schedule anew."""

    network: Literal["state", "best"] = "state"
    """Whether it went on exactly, with the optimizer's state, or from the best network with a fresh optimizer."""

    before: dict[str, float | int | str | bool] = Field(default_factory=dict)
    """The settings that were others until then, by dotted name, with the values they had."""


class Change(Record):
    """What a person set while the run trained."""

    epoch: Place = 1
    """The first epoch that it holds for."""

    learning_rate: Rate | None = None
    """The rate of that epoch; the schedule goes on from it."""

    factor: Factor | None = None
    """ReduceLROnPlateau's factor from then on."""

    patience: Patience | None = None
    """ReduceLROnPlateau's patience from then on, in epochs."""

    asked_at: Moment | None = None
    """When it was asked for, in seconds since 1970: so one request is never made twice."""

    @property
    def values(self) -> dict[str, float]:
        """What it sets, by the names of SETTINGS."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}


class Course(RunFile):
    """Branches and changes, in their order. Written when the run is queued, and by the training process at each change."""

    FILE: ClassVar[str] = rundir.COURSE

    branches: list[Branch] = Field(default_factory=list)
    """Where it took over the network of another run, oldest first."""

    changes: list[Change] = Field(default_factory=list)
    """What was set while it trained, oldest first."""

    def sets(self, name: str, epoch: int) -> Change | None:
        """The change by which one of SETTINGS holds in an epoch (from 1); None where the run's own setting does.

        A branch that gave the setting another value, or began the schedule anew, ends what was changed before it.
        """
        earlier = [branch for branch in self.branches if branch.epoch < epoch]
        ends = [branch.epoch for branch in earlier if SETTINGS[name] in branch.before]
        if name == "learning_rate":
            ends += [branch.epoch for branch in earlier if branch.schedule == "restart"]
        first = max(ends, default=0) + 1
        made = [change for change in self.changes if first <= change.epoch <= epoch and name in change.values]
        return made[-1] if made else None

    def value(self, name: str, epoch: int, own: float) -> float:
        """What factor or patience an epoch (from 1) has; `own` is that of the run's settings, which hold from the last branch on."""
        change = self.sets(name, epoch)
        if change is not None:
            return change.values[name]
        before = [branch.before.get(SETTINGS[name]) for branch in self.branches if branch.epoch >= epoch]
        return next((value for value in before if isinstance(value, int | float)), own)

    def values_from(self, epoch: int) -> dict[str, float]:
        """What is set from an epoch (from 1) on, by the names of SETTINGS; of two changes for one epoch the later counts."""
        changes = [change.values for change in self.changes if change.epoch == epoch]
        return {name: value for values in changes for name, value in values.items()}


UNDISTURBED = Course()


class ChangeRequest(RunFile):
    """A change that a person asks for: it is made at the start of the next epoch. Written by Live and the command line."""

    FILE: ClassVar[str] = rundir.CHANGE

    learning_rate: Rate | None = None
    """The rate to go on with."""

    factor: Factor | None = None
    """ReduceLROnPlateau's factor to go on with."""

    patience: Patience | None = None
    """ReduceLROnPlateau's patience to go on with, in epochs."""

    asked_at: Moment | None = None
    """When it was asked for, in seconds since 1970."""

    @property
    def values(self) -> dict[str, float]:
        """What it asks for, by the names of SETTINGS."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}


def changeable(config: RunConfig, course: Course) -> tuple[str, ...]:
    """Those of SETTINGS that have an effect while such a run trains, in their order; none for nearest neighbours."""
    if not config.trains_network:
        return ()
    holds = bool(course.branches) and course.branches[-1].schedule == "hold"
    return ("learning_rate",) if holds or not config.uses("schedule.factor") else tuple(SETTINGS)


def change_text(steps: Mapping[str, Sequence[float]]) -> str:
    """What was set, by the names of SETTINGS from one value to another: ``rate 0.001 → 0.0003, patience 22 → 5``."""
    return ", ".join(f"{WORDS[name]} {' → '.join(map(setting_number, step))}" for name, step in steps.items())


def next_change(course: Course, epoch: int) -> int:
    """The first epoch that a change asked for during an epoch (from 1; 0: before the first) can hold for.

    Those made already come first: a run that was resumed from an earlier epoch makes them again.
    """
    return max([epoch + 1, *(change.epoch for change in course.changes)])
