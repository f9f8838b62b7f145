"""What stands in the JSON files of a run's folder: which keys, who writes them, what they may hold.

The tables in ``runs/README.md`` are made of these models by ``python tests/test_contract.py``. Nobody else reads or writes
the files, and nobody else knows their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator

from dhc.runs import rundir
from dhc.runs.lenient import Amount, Record, RunFile, Share, line

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
