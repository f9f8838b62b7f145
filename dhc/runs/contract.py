"""What stands in the JSON files of a run's folder: which keys, who writes them, what they may hold.

The tables in ``runs/README.md`` are made of these models by ``python tests/test_contract.py``. Nobody else reads or writes
the files, and nobody else knows their keys.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from dhc.runs import rundir
from dhc.runs.lenient import (
    MAX_NAME,
    MAX_NOTE,
    Amount,
    Bet,
    Count,
    Curve,
    Place,
    Record,
    RunFile,
    RunId,
    Share,
    Table,
    Tags,
    Versions,
    cut,
    line,
)

MEDIAN_GRACE = 5  # epochs that the median rule leaves every run
MEDIAN_ENOUGH = 3  # runs that must have gone to their end before the rule judges any by them
How = Literal["finished", "stopped", "failed", "killed"]
Cause = Literal[
    "done",  # all that was asked for
    "early",  # no better val_accuracy for as many epochs as were allowed
    "stop",  # a person asked it to stop
    "cancelled",  # a person took it out of the queue
    "median",  # the median rule found it hopeless
    "nan",  # the loss became NaN
    "memory",  # the machine's, or the GPU's, ran out
    "disk",  # it is full
    "folder",  # the run's own cannot be written to
    "data",  # the pictures cannot serve
    "settings",  # they are not sound
    "device",  # it is not here
    "package",  # it is not installed
    "state",  # the saved one cannot be gone on from
    "kill",  # a person killed it
    "signal",  # from outside
    "library",  # crashed
    "restart",  # of the machine
    "elsewhere",  # on another machine
    "lost",  # nobody recorded the end, and nothing else explains it
    "error",  # any other
]
CAUSES: tuple[str, ...] = get_args(Cause)


class Request(RunFile):
    """What was asked for when the run was queued. Written by whoever queues, moves or resumes it."""

    FILE: ClassVar[str] = rundir.REQUEST

    queued_at: Amount | None = None
    """When it was queued, or resumed last, in seconds since 1970."""

    device: Annotated[str, line(40)] = ""
    """The device that it waits for: ``cpu``, ``gpu:0``, …"""

    place: float | None = None
    """Where it stands in that device's queue, lower is earlier; without it, ``queued_at`` counts."""

    group: Annotated[str, line(80)] = ""
    """Name of the sweep that it belongs to."""

    parent: RunId = ""
    """Id of the run that it is a changed copy of."""

    bet: Bet = None
    """What a person expected of the end: ``accuracy``, ``val_accuracy``, or both."""

    rule: Literal["", "median"] = ""
    """``median`` stops the run early where it does worse than the ended runs of its group (`dhc.training.median`)."""

    example: bool = False
    """Whether it came with the dashboard: trained on another machine, and without its network's weights."""

    @property
    def queue(self) -> str:
        """The device in whose queue it waits: the CPU where it names none, or what cannot be one."""
        return rundir.queue_of(self.device)


class Environment(RunFile):
    """The circumstances that the run was trained in. Written by the training process before it begins."""

    FILE: ClassVar[str] = rundir.ENVIRONMENT

    backend: str | None = None
    """The Keras backend; null for nearest neighbours."""

    versions: Versions = Field(default_factory=dict)
    """Versions of Python and of the packages that count, by their names."""

    device: str = ""
    """What it was trained on, in words."""

    precision: str = ""
    """The dtype policy of the network, or of the pictures that are compared."""

    host: str = ""
    """The machine's name."""

    system: str = ""
    """The operating system."""

    commit: str | None = None
    """The git commit of this code, with ``+`` where files were changed since; null outside a checkout."""

    seed: int | None = None
    """The seed of all that is drawn by chance."""

    data_fingerprint: str | None = None
    """The fingerprint of the pictures: another one means other files or other labels."""


class Summary(RunFile):
    """The run's figures. Written by the training process at the very end, of a run that went to its end only."""

    FILE: ClassVar[str] = rundir.SUMMARY
    LIMIT: ClassVar[int] = 4_000_000  # a curve of 50,000 epochs has 1.2 MB

    epochs: Count | None = None
    """How many epochs ended."""

    best_epoch: Count | None = None
    """The epoch of the highest val_accuracy, from 1, the earliest of equals."""

    best_val_accuracy: Share | None = None
    """Its val_accuracy."""

    seconds: Amount | None = None
    """How long it trained."""

    pictures_per_second: Amount | None = None
    """Training pictures a second, the median over its epochs."""

    curve: Curve = ()
    """val_accuracy by epoch; null where an epoch has none, which is read as NaN."""

    accuracy: Share | None = None
    """accuracy of the last epoch; null for nearest neighbours."""

    val_accuracy: Share | None = None
    """val_accuracy of the last epoch."""

    knn: Table = Field(default_factory=dict)
    """Of nearest neighbours only: val_accuracy by metric and number of neighbours."""


class Labels(RunFile):
    """What a person says of the run. Written by the pages and the command line, never by the training."""

    FILE: ClassVar[str] = rundir.LABELS

    name: Annotated[str, line(MAX_NAME)] = ""
    """What it is called."""

    tags: Tags = ()
    """Words to find it by, at most 20 of at most 30 characters, none twice."""

    note: Annotated[str, cut(MAX_NOTE)] = ""
    """What was tried, what came of it."""

    star: bool = False
    """Whether it is one to find again."""

    archived: bool = False
    """Whether it is put aside: it leaves lists and pickers."""


class Exit(RunFile):
    """How the run ended. Written by the training process at its end, or by its worker where it could not."""

    FILE: ClassVar[str] = rundir.EXIT

    how: How | None = None
    """In one word."""

    reason: str = ""
    """In a sentence; the screens show its first 500 characters."""

    code: int | None = None
    """The exit status of the training process, where it had one."""

    signal: int | None = None
    """The number of the signal that ended it, where one did."""

    t: Amount | None = None
    """When that was recorded, in seconds since 1970."""

    cause: Cause | Literal[""] = ""
    """The cause in one word, by which the screens say what happened and what helps."""

    epoch: Place | None = None
    """The epoch in which it ended, from 1, where that matters."""

    batch: Place | None = None
    """The batch of that epoch in which it ended, from 1."""

    def write(self, folder: Path) -> None:
        """Record the end of the run in `folder`; on a full disk the room reserved for it is given up. Raises OSError."""
        try:
            super().write(folder)
        except OSError as error:
            if not rundir.is_full(error):
                raise
            (folder / rundir.RESERVE).unlink(missing_ok=True)
            super().write(folder)
        (folder / rundir.RESERVE).unlink(missing_ok=True)


def write_exit(
    folder: Path,
    how: How,
    reason: str,
    *,
    cause: Cause | Literal[""] = "",
    code: int | None = None,
    signal: int | None = None,
    **where: int,
) -> None:
    """Record that the run in `folder` ended just now; `where` may name the epoch and the batch. Raises OSError."""
    Exit(how=how, reason=reason, code=code, signal=signal, t=time.time(), cause=cause, **where).write(folder)


class Identity(Record):
    """What tells a process from a later one with the same number."""

    pid: int | None = None
    """Its number."""

    created: Amount | None = None
    """When it started, in seconds since 1970."""

    ticks: int | None = None
    """The same in clock ticks since the machine's start, which stays true when someone sets the clock; on Linux."""

    boot: str | None = None
    """What tells this start of the machine from every other; on Linux."""


class Process(RunFile):
    """Who trains the run. Written by the training process as soon as it has the run."""

    FILE: ClassVar[str] = rundir.PROCESS

    child: Identity | None = None
    """The training process."""

    worker: Identity | None = None
    """The process that started it and waits for its end."""

    host: str | None = None
    """The name of the machine that they run on."""


class Worker(Record):
    """The process that drains a device's queue. Written by it beside the runs, as ``.worker-<device>.json``, while it works."""

    worker: Identity | None = None
    """The process."""

    host: str | None = None
    """The name of the machine that it runs on."""

    run: str = ""
    """Id of the run that it has in hand."""

    waits: str = ""
    """What it waits for before it can start the next run, in plain words."""


class Job(Identity):
    """A detached process that does something for a run besides training it. Written by whoever starts it."""

    asked_at: Amount | None = None
    """When it was asked for, in seconds since 1970."""


class Score(Record):
    """How many pictures of a split the run gets right. Written by ``python -m dhc evaluate --out``; for the pages as ``test.json``."""

    run: str = ""
    """Id of the run."""

    split: str = ""
    """``train``, ``val`` or ``test``."""

    pictures: Annotated[int, Field(ge=0)] = 0
    """How many pictures of that split it was asked about."""

    correct: Annotated[int, Field(ge=0)] | None = None
    """How many of them it gets right."""
