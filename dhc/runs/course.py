"""What became of a run's settings on its way: where it branched off another run, what was changed while it trained.

``config.json`` says what holds from the last branch on; a change holds from its epoch on, until the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

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


class Values(Record):
    """What a person sets while a run trains: what is not given stays as it is."""

    learning_rate: Rate | None = None
    """The rate to go on with; the schedule goes on from it."""

    factor: Factor | None = None
    """ReduceLROnPlateau's factor to go on with."""

    patience: Patience | None = None
    """ReduceLROnPlateau's patience to go on with, in epochs."""

    asked_at: Moment | None = None
    """When it was asked for, in seconds since 1970: so one request is never made twice."""

    @property
    def values(self) -> dict[str, float]:
        """Those that are given, by the names of SETTINGS."""
        return {name: getattr(self, name) for name in SETTINGS if getattr(self, name) is not None}


class Change(Values):
    """What a person set while the run trained."""

    epoch: Place = 1
    """The first epoch that it holds for."""


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

    @property
    def beginning(self) -> int:
        """The epoch after which its schedule began: 0, or that of its last restart."""
        return max((branch.epoch for branch in self.branches if branch.schedule == "restart"), default=0)

    @property
    def holds(self) -> bool:
        """Whether a branch held the rate, and none since has begun the schedule anew or set any of it."""
        held = False
        for branch in self.branches:
            is_set = any(name.startswith("schedule.") for name in branch.before)
            held = branch.schedule == "hold" or (held and branch.schedule == "continue" and not is_set)
        return held

    def settings_after(self, epoch: int) -> dict[str, float]:
        """The schedule's factor and patience, by dotted name, where a change made them what they are after an epoch."""
        changes = {name: self.sets(name, epoch) for name in ("factor", "patience")}
        return {SETTINGS[name]: change.values[name] for name, change in changes.items() if change is not None}

    def schedule_after(self, epoch: int) -> dict[str, Any]:
        """How the schedule is counted after an epoch, as values of `dhc.models.junction.Standing`."""
        course = self.up_to(epoch)
        made = course.sets("learning_rate", epoch)
        change = None if made is None else (made.epoch - 1, made.values["learning_rate"])
        return {"beginning": course.beginning, "held": course.holds, "change": change}

    def up_to(self, epoch: int) -> Course:
        """The course of a run that takes over so many of its epochs."""
        branches = [branch for branch in self.branches if branch.epoch <= epoch]
        return Course(branches=branches, changes=[change for change in self.changes if change.epoch <= epoch])

    def with_branch(self, branch: Branch) -> Course:
        """The course with one more branch; one at the epoch of the last is one with it, since nothing was trained between."""
        if not (self.branches and self.branches[-1].epoch == branch.epoch):
            return Course(branches=[*self.branches, branch], changes=self.changes)
        earlier = self.branches[-1]
        schedule = earlier.schedule if branch.schedule == "continue" else branch.schedule
        network: Literal["state", "best"] = "best" if "best" in (earlier.network, branch.network) else "state"
        whole = Branch(
            run=branch.run,
            epoch=branch.epoch,
            schedule=schedule,
            network=network,
            before={**branch.before, **earlier.before},
        )
        return Course(branches=[*self.branches[:-1], whole], changes=self.changes)


UNDISTURBED = Course()


class ChangeRequest(RunFile, Values):
    """A change that a person asks for: it is made at the start of the next epoch. Written by Live and the command line."""

    FILE: ClassVar[str] = rundir.CHANGE


def changeable(config: RunConfig, course: Course) -> tuple[str, ...]:
    """Those of SETTINGS that have an effect while such a run trains, in their order; none for nearest neighbours."""
    if not config.trains_network:
        return ()
    return ("learning_rate",) if course.holds or not config.uses("schedule.factor") else tuple(SETTINGS)


def change_text(steps: Mapping[str, Sequence[float]]) -> str:
    """What was set, by the names of SETTINGS from one value to another: ``rate 0.001 → 0.0003, patience 22 → 5``."""
    return ", ".join(f"{WORDS[name]} {' → '.join(map(setting_number, step))}" for name, step in steps.items())


def next_change(course: Course, epoch: int) -> int:
    """The first epoch that a change asked for during an epoch (from 1; 0: before the first) can hold for.

    Those made already come first: a run that was resumed from an earlier epoch makes them again.
    """
    return max([epoch + 1, *(change.epoch for change in course.changes)])
