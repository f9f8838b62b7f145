"""The read model: run folders → records; missing, torn and foreign files are forgiven."""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dhc.config import RunConfig
from dhc.config.phrase import brief
from dhc.errors import RunError
from dhc.files.read import tail
from dhc.runs import rundir
from dhc.runs.contract import Environment, Labels, RateSearch, Request, Summary
from dhc.runs.course import UNDISTURBED, Course
from dhc.runs.events import EventLog
from dhc.runs.garbage import no_search
from dhc.runs.index import WORTH, Index, Look
from dhc.runs.labels import NO_LABELS
from dhc.runs.line import Line, read_line
from dhc.runs.records import History
from dhc.runs.shared import Shared
from dhc.runs.signature import has_end, is_settled, signature
from dhc.runs.status import State, Status

CHATTER = re.compile(
    r"[IWE]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I |WARNING: All log messages before absl"
)
SECOND = len("YYYYMMDD-HHMMSS")  # with which a run's id begins
MAX_LOGS = {True: 32, False: 1_200}  # event logs to be read on, with batches and without: these take some 50 KB each
NOTHING_NOTED = Environment()

Logs = MutableMapping[str, EventLog]


@dataclass(frozen=True)
class RunInfo:
    """One line of a list of runs.

    What has the name of a field of `contract.Request` or `contract.Summary` is what that says; while there is no summary, or
    where it cannot be true, the figures come from the events.
    """

    id: str
    folder: Path
    config: RunConfig | None
    status: Status
    queued_at: float | None
    epochs_done: int
    best_val_accuracy: float | None
    best_epoch: int | None
    seconds: float | None
    pictures_per_second: float | None
    device: str
    problem: str = ""
    """What in its folder could not be read, in one sentence."""
    example: bool = False
    labels: Labels = NO_LABELS
    curve: tuple[float, ...] = ()
    """Of `Summary.curve` at most `line.POINTS`, the best and the last among them."""
    accuracy: float | None = None
    val_accuracy: float | None = None
    group: str = ""
    design: str = ""
    parent: str = ""
    bet: Mapping[str, float] | None = None
    search: RateSearch | None = None
    sought: str = ""
    classes: int | None = None
    """How many its pictures had when it was queued; what it met when it began is in `environment`."""
    course: Course = UNDISTURBED
    """Where it branched off other runs, and what was changed while it trained."""
    review: str = ""
    """What the marks of a review did to its pictures: equal digits for the same, "" for nothing."""
    environment: Environment = NOTHING_NOTED
    """What it noted of its pictures, and nothing else."""
    turn: float = 0.0
    """Where it stands in its queue: lower is earlier."""

    @property
    def gap(self) -> float | None:
        """The last epoch's accuracy minus val_accuracy: how much better it does on known pictures."""
        return None if self.accuracy is None or self.val_accuracy is None else self.accuracy - self.val_accuracy

    @functools.cached_property
    def shown_config(self) -> RunConfig | None:
        """Its settings as they are shown: whoever asked for more classes than there are has as many as there are."""
        present = self.environment.data_classes or self.classes
        if self.config is None or not present or self.config.data.classes <= present:
            return self.config
        return self.config.with_values({"data.classes": present})

    @functools.cached_property
    def title(self) -> str:
        """What it is called: the name that it was given, else what it tries, else its id."""
        return self.labels.name or (self.id if self.config is None else brief(self.config))

    @property
    def state(self) -> State:
        """Its state."""
        return self.status.state

    @property
    def trains_network(self) -> bool:
        """Whether it trains a network, or its config cannot be read: nearest neighbours do not."""
        return self.config is None or self.config.trains_network

    @property
    def has_epochs(self) -> bool:
        """Whether it trains a network epoch by epoch and keeps it: a search for a learning rate does not."""
        return self.trains_network and self.search is None

    @property
    def epochs_total(self) -> int | None:
        """How many epochs it was asked for; nearest neighbours count as one."""
        if self.config is None:
            return None
        return self.config.fit.epochs if self.config.uses("fit.epochs") else 1

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: plain values only, null for what nobody gave."""
        record = {
            "id": self.id,
            "status": self.state.value,
            "reason": self.status.reason,
            "cause": self.status.cause,
            "epoch": self.epochs_done,
            "epochs": self.epochs_total,
            **{name: getattr(self, name) for name in PLAIN},
            **self.labels.model_dump(mode="json"),
            **self.course.model_dump(mode="json"),
            "config": None if self.config is None else self.config.model_dump(),
        }
        return record | {name: None for name in NULL_IF_EMPTY if not record[name]}


FROM_RECORDS = frozenset(field.name for field in fields(RunInfo)) & {*Request.model_fields, *Summary.model_fields}
NOT_PLAIN = (
    *("folder", "config", "status", "labels", "epochs_done", "curve", "course", "review"),
    *("classes", "environment", "turn"),
)
PLAIN = tuple(field.name for field in fields(RunInfo) if field.name not in NOT_PLAIN)
NULL_IF_EMPTY = ("problem", "name", "note", "group", "design", "parent", "sought")


class Store:
    """Reads one folder of runs, and each run again only when one of its files has changed.

    Safe to share between threads. `logs`, by id, are event logs that the caller has had read on already: they are taken as they
    are, and those that are read on now are added.
    """

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        # With batches and without, each run in one of them, in each the log last asked for at the end.
        self._logs: dict[bool, dict[str, EventLog]] = {True: {}, False: {}}
        self._ended: dict[str, tuple[bytes, RunInfo]] = {}
        self._shared = Shared()
        self._index = Index(runs_dir, self._shared)
        self._lock = threading.Lock()
        self._first, self._listed = threading.Lock(), threading.Event()

    def ids(self) -> list[str]:
        """Names of the run folders, newest first; whatever else lies there is skipped."""
        try:
            with os.scandir(self.runs_dir) as entries:
                return sorted(
                    (e.name for e in entries if rundir.RUN_ID.fullmatch(e.name) and _is_folder(e)), reverse=True
                )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def runs(self, logs: Logs | None = None) -> list[RunInfo]:
        """Every run, newest first; searches for a learning rate are none."""
        return [info for info in self.all(logs) if info.search is None]

    def searches(self, logs: Logs | None = None) -> list[RunInfo]:
        """Every search for a learning rate, newest first."""
        return [info for info in self.all(logs) if info.search is not None]

    def all(self, logs: Logs | None = None, known: Mapping[str, RunInfo] | None = None) -> list[RunInfo]:
        """Every run and every search, newest first; those in `known`, by id, are taken as they are."""
        known, ids = known or {}, self.ids()
        if self._listed.is_set() or len(ids) < WORTH:
            return self._all(ids, logs, known)
        with self._first:  # who comes meanwhile waits and takes what was read, instead of reading it as well
            if self._listed.is_set():
                return self._all(ids, logs, known)
            with no_search():
                infos = self._all(ids, logs, known)
            self._listed.set()
            return infos

    def _all(self, ids: Sequence[str], logs: Logs | None, known: Mapping[str, RunInfo]) -> list[RunInfo]:
        with self._index.look(ids) as look:
            infos = [known.get(run_id) or self.find(run_id, logs, look) for run_id in ids]
        self._forget_others(ids)
        return newest_first(info for info in infos if info is not None)

    def _forget_others(self, ids: Sequence[str]) -> None:
        if len(self._ended) > len(ids):
            for run_id in set(self._ended).difference(ids):
                self._ended.pop(run_id, None)

    def run(self, run_id: str, logs: Logs | None = None) -> RunInfo:
        """One run. Raises RunError when there is none of that name."""
        info = self.find(rundir.run_dir(self.runs_dir, run_id).name, logs)
        if info is None:
            raise RunError(f"run {run_id} was deleted just now")
        return info

    def log(self, run_id: str, logs: Logs | None = None) -> EventLog:
        """The run's events, read up to now. Raises RunError when there is no such run."""
        return self._log(run_id, logs, batches=True)

    def history(self, run_id: str) -> History:
        """The run's curves, up to now."""
        return self.log(run_id).history()

    def outline(self, run_id: str, logs: Logs | None = None) -> tuple[History, Mapping[str, Any]]:
        """The run's history, perhaps without batches, and its start event: quick for many runs.

        Raises RunError when there is no such run.
        """
        log = self._log(run_id, logs, batches=False)
        return log.history(), log.last.get("start", {})

    def _log(self, run_id: str, logs: Logs | None, *, batches: bool) -> EventLog:
        """The run's log, read up to now; with `batches`, or if it has them already, with those."""
        logs = {} if logs is None else logs
        log = logs.get(run_id)
        if log is None or (batches and not log.batches):
            log = logs[run_id] = self._stored_log(run_id, batches=batches)
            log.refresh()
        return log

    def _stored_log(self, run_id: str, *, batches: bool) -> EventLog:
        folder = rundir.run_dir(self.runs_dir, run_id)
        with self._lock:
            full, brief = self._logs[True].pop(run_id, None), self._logs[False].pop(run_id, None)
            log = full or (None if batches else brief) or EventLog(folder / rundir.EVENTS, batches=batches)
            logs = self._logs[log.batches]
            logs[run_id] = log
            if len(logs) > MAX_LOGS[log.batches]:
                del logs[next(iter(logs))]
            return log

    def find(self, run_id: str, logs: Logs | None = None, look: Look | None = None) -> RunInfo | None:
        """One of `ids`, read anew where one of its files changed; None where its folder is gone.

        `look` is one at the index, for which it pays where many are asked for.
        """
        now = signature(f"{self.runs_dir}/{run_id}")
        entry = self._ended.get(run_id)
        if entry is not None and entry[0] == now:
            return entry[1]
        folder = self.runs_dir / run_id
        if entry is None and not any(now) and not folder.is_dir():  # deleted between listing and reading
            return None
        line = look.line(run_id, now) if look is not None and has_end(now) else None
        if line is None:
            line = read_line(folder, lambda alive: self._events(folder, logs, alive=alive))
            line = line.model_copy(update={"config": self._shared.config(line.config)})
            if look is not None and line.is_final and has_end(now) and is_settled(now):
                look.keep(run_id, now, line)
        info = _info(folder, line, self._shared)
        if not info.state.alive and is_settled(now):
            self._ended[run_id] = (now, info)
        return info

    def _events(self, folder: Path, logs: Logs | None, *, alive: bool) -> History:
        if alive:
            return self.outline(folder.name, logs)[0]
        # Not remembered: the logs of a thousand such runs would fill the memory.
        log = EventLog(folder / rundir.EVENTS, batches=False)
        log.refresh()
        return log.history()


def _info(folder: Path, line: Line, shared: Shared) -> RunInfo:
    return RunInfo(
        id=folder.name,
        folder=folder,
        config=line.config,
        status=line.status,
        labels=line.labels if line.labels.model_fields_set else NO_LABELS,
        turn=line.request.turn,
        course=line.course if line.course.branches or line.course.changes else UNDISTURBED,
        environment=shared.environment(line.environment),
        review=_review(line),
        problem=line.problem,
        epochs_done=line.figures.epochs or 0,
        **{
            name: value
            for record in (line.request, line.figures)
            for name, value in vars(record).items()
            if name in FROM_RECORDS
        },
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link in a circle, or to where nobody may look, hides no other run."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def newest_first(infos: Iterable[RunInfo]) -> list[RunInfo]:
    """Runs by the second they were made in; those of one second as they were queued."""
    return sorted(infos, key=lambda info: (info.id[:SECOND], info.queued_at or 0.0), reverse=True)


def by_activity(infos: Iterable[RunInfo]) -> list[RunInfo]:
    """Runs by what happens to them: those that train, those that wait in the order of their queues, then the newest."""

    def standing(info: RunInfo) -> tuple[int, float, str]:
        if info.state is State.QUEUED:
            return 1, info.turn, info.id
        return (0 if info.state.alive else 2), 0.0, ""

    return sorted(newest_first(infos), key=standing)


def log_tail(folder: Path, lines: int = 30, limit: int = 20_000) -> str:
    """The last lines of the run's ``train.log`` without the backend's chatter, or ""."""
    try:
        text = tail(folder / rundir.LOG, limit).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if not CHATTER.match(line)][-lines:])


def _review(line: Line) -> str:
    """What a review did to the run's pictures, where one was asked for."""
    if line.config is None or not line.config.data.review:
        return ""
    return "-".join(f"{split}-{digest}" for split, digest in sorted(line.environment.data_review.items()))
