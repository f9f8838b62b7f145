"""What stands in the JSON files of a run's folder: which keys, who writes them, what they may hold.

The tables in ``runs/README.md`` are made of these models by ``python tests/test_contract.py``. Nobody else reads or writes
the files, and nobody else knows their keys.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

from dhc.runs import rundir
from dhc.runs.lenient import Amount, Place, Record, RunFile, Share, line

MEDIAN_GRACE = 5  # epochs that the median rule leaves every run
MEDIAN_ENOUGH = 3  # runs that must have gone to their end before the rule judges any by them
BETS = ("accuracy", "val_accuracy")


def _run_id(text: str) -> str:
    return text if rundir.RUN_ID.fullmatch(text) else ""


def _bet(value: Any) -> Any:
    """A foreign file's bet without what cannot be one; None where nothing is left."""
    if not isinstance(value, Mapping):
        return None
    return {name: value[name] for name in BETS if name in value and _is_share(value[name])} or None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


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

    parent: Annotated[str, line(100), AfterValidator(_run_id)] = ""
    """Id of the run that it is a changed copy of."""

    bet: Annotated[dict[str, Share] | None, BeforeValidator(_bet)] = None
    """What a person expected of the end: ``accuracy``, ``val_accuracy``, or both."""

    rule: Literal["", "median"] = ""
    """``median`` stops the run early where it does worse than the ended runs of its group (`dhc.training.median`)."""

    example: bool = False
    """Whether it came with the dashboard: trained on another machine, and without its network's weights."""

    @property
    def queue(self) -> str:
        """The device in whose queue it waits: the CPU where it names none, or what cannot be one."""
        return rundir.queue_of(self.device)


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
