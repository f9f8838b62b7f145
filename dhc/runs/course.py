"""What became of a run's settings on its way: where it branched off another run, what was changed while it trained.

``config.json`` says what holds from the last branch on; a change holds from its epoch on, until the next one.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dhc.runs import rundir
from dhc.runs.lenient import Place, Record, RunFile, RunId

ScheduleFrom = Literal["continue", "hold", "restart"]
Rate = Annotated[float, Field(gt=0, le=10)]
Factor = Annotated[float, Field(gt=0, lt=1)]
Patience = Annotated[int, Field(ge=1, le=10_000)]


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


class Course(RunFile):
    """Branches and changes, in their order. Written when the run is queued, and by the training process at each change."""

    FILE: ClassVar[str] = rundir.COURSE

    branches: list[Branch] = Field(default_factory=list)
    """Where it took over the network of another run, oldest first."""

    changes: list[Change] = Field(default_factory=list)
    """What was set while it trained, oldest first."""


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
