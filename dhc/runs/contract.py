"""The JSON files of a run's folder: their keys, who writes them, what they may hold.

The tables in ``runs/README.md`` are made of these models (``make docs``). Outside `dhc.runs` nobody reads or writes the files
but by their models.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from dhc.files import remove
from dhc.runs import pulse, rundir
from dhc.runs.lenient import (
    MAX_NAME,
    MAX_NOTE,
    Amount,
    Bet,
    Count,
    Curve,
    Duration,
    Host,
    Moment,
    Options,
    Place,
    Record,
    RunFile,
    RunId,
    Share,
    Speed,
    Table,
    Tags,
    Versions,
    cut_at,
    line,
)

FARTHEST = 1e11  # a place farther off is no time in seconds since 1970, and next to it a step would be lost
LEAST_RATE, MOST_RATE, FEWEST_BATCHES, MOST_BATCHES = 1e-12, 100.0, 20, 1000  # of a search for a learning rate
MOST_PASSES = 10  # of such a search
SEARCH_BATCHES, SEARCH_PASSES = 40, 3  # of a new one: as steady as it gets in a few seconds, see docs/measured.md
MOST_LOST = 5  # machines that a run may be lost with before it is given up
SEARCH_NAME = "learning-rate search"  # what such a search is called in the queue
MEDIAN_GRACE = 5  # epochs that the median rule leaves every run
MEDIAN_ENOUGH = 3  # runs that must have gone to their end before the rule judges any by them
How = Literal["finished", "stopped", "failed", "killed"]
Cause = Literal[
    "done",  # it did everything it was asked for
    "early",  # val_accuracy did not improve for as many epochs as it was given
    "stop",  # a person asked it to stop
    "cancelled",  # a person took it out of the queue
    "median",  # the median rule found it hopeless
    "nan",  # the loss became NaN
    "memory",  # the machine, or the GPU, ran out of it
    "disk",  # it is full
    "folder",  # the run's folder cannot be written to
    "data",  # the pictures cannot be used
    "settings",  # they are invalid
    "device",  # it is not here
    "package",  # it is not installed
    "state",  # the saved state cannot be resumed from
    "kill",  # a person killed it
    "signal",  # something else killed it
    "library",  # its process crashed inside one
    "restart",  # the machine restarted
    "elsewhere",  # it ran on another machine
    "start",  # its process could not be started
    "hung",  # its worker hung, so nobody saw how it ended
    "renamed",  # its folder has another name than while it trained
    "node",  # its machine was lost, again and again
    "limit",  # the cluster's time limit
    "scancel",  # somebody cancelled it by Slurm's own command
    "engine",  # the cluster refused it, or knows nothing of it any more
    "unread",  # its end was recorded, and that record cannot be read
    "lost",  # nobody recorded its end, and nothing explains it
    "error",  # any other exception
]
CAUSES: tuple[str, ...] = get_args(Cause)


class RateSearch(Record):
    """Between which learning rates a search goes, in how many batches, and how often."""

    low: Annotated[float, Field(ge=LEAST_RATE, le=MOST_RATE)] = 1e-7
    """The learning rate of the first batch."""

    high: Annotated[float, Field(ge=LEAST_RATE, le=MOST_RATE)] = 10.0
    """The one that the last batch would come to."""

    batches: Annotated[int, Field(ge=FEWEST_BATCHES, le=MOST_BATCHES)] = 100
    """How many batches a pass has, unless the loss blows up before."""

    passes: Annotated[int, Field(ge=1, le=MOST_PASSES)] = 1
    """How many networks are trained so, one after the other, each with weights and an order of pictures of its own."""


def _search(value: Any) -> Any:
    """A search that somebody may have edited stays one, with the default for what cannot be true: it must not train to its end."""
    if value is None or value is False:
        return None
    if isinstance(value, RateSearch):
        return value
    search, _ = RateSearch.sift(value if isinstance(value, Mapping) else {})
    return search if search.low < search.high else RateSearch(batches=search.batches, passes=search.passes)


Design = Literal["", "grid", "random", "sobol"]


class Request(RunFile):
    """What the run was queued for. Written by whoever queues, moves or resumes it."""

    FILE: ClassVar[str] = rundir.REQUEST

    queued_at: Moment | None = None
    """When it was queued or last resumed, in seconds since 1970."""

    device: Annotated[str, line(40)] = ""
    """The device it waits for: ``cpu``, ``gpu:0``, …"""

    place: float | None = None
    """Its place in that device's queue, lower is earlier; without one, ``queued_at`` counts."""

    group: Annotated[str, line(80)] = ""
    """The name of its sweep, at most 80 characters."""

    design: Design = ""
    """How the settings of its sweep were chosen: every combination, at random, or evenly by a Sobol sequence."""

    parent: RunId = ""
    """The id of the run it is a changed copy of."""

    bet: Bet = None
    """The last ``accuracy``, the best ``val_accuracy`` or both that a person bet on."""

    rule: Literal["", "median"] = ""
    """``median`` stops the run early if it does worse than its group's ended runs (``dhc.training.median``)."""

    search: Annotated[RateSearch | None, BeforeValidator(_search)] = None
    """For a search for a learning rate, which is no run of the list: its bounds (``dhc.training.search``)."""

    sought: RunId = ""
    """The id of the search from which its learning rate was taken."""

    classes: Count | None = None
    """How many classes its pictures had when it was queued: a run that asks for more gets as many."""

    example: bool = False
    """Whether it came with the dashboard: trained elsewhere, and stored without its network."""

    @property
    def queue(self) -> str:
        """The device in whose queue it waits: the CPU where it names none, or what cannot be one."""
        return rundir.queue_of(self.device)

    @property
    def turn(self) -> float:
        """Where in that queue it stands: lower is earlier."""
        for value in (self.place, self.queued_at):
            if value is not None and abs(value) < FARTHEST:  # a hand-edited one must not stop the whole queue
                return value
        return 0.0


class Environment(RunFile):
    """The circumstances of the training. Written by the training process before its first epoch."""

    FILE: ClassVar[str] = rundir.ENVIRONMENT

    backend: str | None = None
    """The Keras backend; null for nearest neighbours."""

    versions: Versions = Field(default_factory=dict)
    """The versions of Python and of the packages that matter, by name."""

    device: str = ""
    """What it was trained on, in words."""

    precision: str = ""
    """The network's dtype policy; ``uint8`` for nearest neighbours."""

    host: str = ""
    """The machine's name."""

    system: str = ""
    """The operating system."""

    commit: str | None = None
    """The code's git commit, with ``+`` if files had changed since; null outside a checkout."""

    seed: int | None = None
    """The random seed."""

    data_fingerprint: str | None = None
    """The data set's fingerprint; another one means other pictures or other labels."""

    data_classes: Count | None = None
    """How many classes the data set has, of which the run may use the first."""

    data_prints: Versions = Field(default_factory=dict)
    """Sixteen hex digits for each of train and val that change when a name, a label or a pixel of it does."""

    data_review: Versions = Field(default_factory=dict)
    """Sixteen hex digits for each of train and val of which a review, ``review.jsonl``, changed labels or left pictures out."""

    data_recipe: Options = Field(default_factory=dict)
    """What the pictures were drawn from, if they are a stand-in set's: the options of ``dhc data make``, by name."""


class PictureSet(Record):
    """The pictures of one split that a run used."""

    files: list[str] = Field(default_factory=list)
    """Their paths below the data set's folder, in the table's order."""

    labels: list[int] = Field(default_factory=list)
    """Their classes, as places in ``classes``."""

    reading: str = ""
    """How the split's table was read: which column is what."""


class UsedPictures(RunFile):
    """What the run learned from and was judged by. Written by the training process before its first epoch."""

    FILE: ClassVar[str] = rundir.PICTURES
    LIMIT: ClassVar[int] = 30_000_000  # bytes; half a million pictures with names of 50 letters

    classes: list[str] = Field(default_factory=list)
    """The names of the classes that it knows."""

    train: PictureSet = Field(default_factory=PictureSet)
    """What it learned from."""

    val: PictureSet = Field(default_factory=PictureSet)
    """What it was judged by."""

    def labels(self, pictures: PictureSet) -> dict[str, str]:
        """The class of each file of one of its splits; a file whose label is no class's place is left out."""
        pairs = zip(pictures.files, pictures.labels, strict=False)
        return {file: self.classes[place] for file, place in pairs if 0 <= place < len(self.classes)}


class Summary(RunFile):
    """The run's figures. Written by the training process, and only by one that reached its end."""

    FILE: ClassVar[str] = rundir.SUMMARY
    LIMIT: ClassVar[int] = 4_000_000  # a curve of 50,000 epochs has 1.2 MB

    epochs: Count | None = None
    """The number of finished epochs."""

    best_epoch: Count | None = None
    """The epoch of the highest val_accuracy, from 1; the earliest of equals."""

    best_val_accuracy: Share | None = None
    """That epoch's val_accuracy."""

    curve: Curve = ()
    """val_accuracy by epoch; null where an epoch has none."""

    accuracy: Share | None = None
    """The last epoch's accuracy; null for nearest neighbours."""

    val_accuracy: Share | None = None
    """The last epoch's val_accuracy."""

    seconds: Duration | None = None
    """Training time in seconds."""

    pictures_per_second: Speed | None = None
    """Training speed, the median over its epochs."""

    knn: Table = Field(default_factory=dict)
    """For nearest neighbours only: val_accuracy by metric and number of neighbours."""


class Labels(RunFile):
    """What a person says of the run. Written by the pages and the command line."""

    FILE: ClassVar[str] = rundir.LABELS

    name: Annotated[str, line(MAX_NAME)] = ""
    """Its name, at most 80 characters."""

    tags: Tags = ()
    """Words to find it by: at most 20, none twice, each of at most 30 characters."""

    note: Annotated[str, cut_at(MAX_NOTE)] = ""
    """What was tried and what came of it, at most 4,000 characters."""

    star: bool = False
    """Whether it is marked to be found again."""

    archived: bool = False
    """Whether it is put aside, out of lists and pickers."""


class Exit(RunFile):
    """How the run ended. Written by the training process, or by its worker if that could not."""

    FILE: ClassVar[str] = rundir.EXIT

    how: How | None = None
    """How, in one word."""

    reason: str = ""
    """Why, in a sentence, of which screens show the first 500 characters."""

    code: int | None = None
    """The training process's exit status, if it had one."""

    signal: int | None = None
    """The number of the signal that ended it, if one did."""

    t: Moment | None = None
    """When this was written, in seconds since 1970."""

    cause: Cause | Literal[""] = ""
    """Why, in one word; screens choose their advice by it."""

    epoch: Place | None = None
    """The epoch it ended in, from 1, if that matters."""

    batch: Place | None = None
    """The batch of that epoch it ended in, from 1."""

    def write(self, folder: Path) -> None:
        """Write it; on a full disk the room reserved for it is given up. Raises OSError."""
        try:
            super().write(folder)
        except OSError as error:
            if not rundir.is_full(error):
                raise
            remove.file(folder / rundir.RESERVE)
            super().write(folder)
        remove.file(folder / rundir.RESERVE)


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
    """Record that the run has just ended; `where` may name epoch and batch. Raises OSError."""
    Exit(how=how, reason=reason, code=code, signal=signal, t=time.time(), cause=cause, **where).write(folder)


class Identity(Record):
    """What tells a process from a later one with the same id."""

    pid: int | None = None
    """The process id."""

    created: Amount | None = None
    """When it started, in seconds since 1970."""

    ticks: int | None = None
    """On Linux, the same in clock ticks since boot, which setting the clock does not change."""

    boot: str | None = None
    """On Linux and macOS, the id of the machine's boot."""

    space: int | None = None
    """On Linux, which space of process ids its own is of: each container has one."""

    machine: str | None = None
    """A hash of the machine's id."""


def _row(value: Any) -> Any:
    """JSON's rows are lists."""
    return tuple(value) if isinstance(value, list) else value


Fence = Annotated[int, Field(ge=0, le=10**12)]


class Process(RunFile):
    """Who trains the run. Written by the training process as soon as it has locked the run."""

    FILE: ClassVar[str] = rundir.PROCESS

    child: Identity | None = None
    """The training process."""

    worker: Identity | None = None
    """The process that started it and waits for it to end."""

    host: Host = None
    """The machine they run on."""

    run: RunId = ""
    """The run's id when it was written; another one means that the folder was renamed or copied."""

    fence: Fence = 0
    """On a cluster, the number of the handing out that it was started for; with any other number the record is void."""


class Handed(RunFile):
    """To which engine of a cluster the run was handed out, and how that stands. Written by the engine's worker."""

    FILE: ClassVar[str] = rundir.HANDED

    fence: Fence = 0
    """Rises with each handing out and each taking back: a training process with another number may not write here."""

    engine: Annotated[str, line(40)] = ""
    """``ray`` or ``slurm``; empty while it waits to be handed out again."""

    job: Annotated[str, line(80)] = ""
    """What the engine calls it."""

    node: Annotated[str, line(80)] = ""
    """The machine that it runs on."""

    reason: Annotated[str, line(300)] = ""
    """What it waits for, or what is wrong, in words."""

    lost: Annotated[tuple[str, ...], Field(max_length=MOST_LOST), BeforeValidator(_row)] = ()
    """The machines that it was lost with since it last finished an epoch."""

    epoch: Count | None = None
    """The epoch, from 1, with which it went on when it was lost last."""

    @classmethod
    def renew(cls, folder: Path, engine: str = "", **about: Any) -> int:
        """Raise the number, hand the run to an engine or to nobody, and return the number. Raises OSError.

        Whoever trains the run under a lower number ends. `about` is what else is to be said: ``lost``, ``epoch``.
        """
        before = cls.of(folder)
        # a record that was lost or damaged may not give a number that a training has already
        fence = max(before.fence, pulse.last_fence(folder), Process.of(folder).fence) + 1
        changes = {"fence": fence, "engine": engine, "job": "", "node": "", "reason": "", **about}
        before.model_copy(update=changes).write(folder)
        return fence


class Worker(Record):
    """What a device's worker is doing. Written by the worker, beside the runs, while it works."""

    worker: Identity | None = None
    """The worker's process."""

    host: Host = None
    """The machine it runs on."""

    run: str = ""
    """The id of the run it has started."""

    child: Identity | None = None
    """That run's process."""

    waits: str = ""
    """What it waits for before it starts the next run, in words."""

    setting: str = ""
    """Of one that stays when its queue is empty: a digest of the environment in which it would train the next run."""

    memory: Amount | None = None
    """The bytes that the process takes which it has ready for that run."""

    until: Amount | None = None
    """When it gives that up, in seconds since 1970."""

    beat: Amount | None = None
    """Its last sign of life, by the machine's clock that is never set, in seconds; it gives one every few seconds."""


class Job(Identity):
    """A background process that does something else for a run. Written by whoever starts it."""

    asked_at: Amount | None = None
    """When it was asked for, in seconds since 1970."""


class SubmissionOrigin(RunFile):
    """What the submission was made of. Written when it is asked for; another one today means that it is out of date."""

    FILE: ClassVar[str] = rundir.SUBMISSION_ORIGIN

    epoch: Place | None = None
    """The epoch whose network answers, from 1."""

    network: str = ""
    """Size and time of the file that answers: the network, or the predictions of nearest neighbours."""

    test: str = ""
    """Sixteen hex digits of the test pictures' names, sizes and times."""

    mirror: bool = False
    """Whether each picture was asked together with its mirror image."""

    mirror_before: bool = False
    """Whether those of the submission before were."""


class Score(Record):
    """How many pictures the run gets right. Written by ``python -m dhc evaluate --out``."""

    run: str = ""
    """The run's id."""

    split: str = ""
    """``train``, ``val`` or ``test``."""

    pictures: Annotated[int, Field(ge=0)] = 0
    """How many pictures it answered."""

    correct: Annotated[int, Field(ge=0)] | None = None
    """How many of them it got right."""

    mirror: bool = False
    """Whether each picture was asked together with its mirror image: such a score compares with its like alone."""
