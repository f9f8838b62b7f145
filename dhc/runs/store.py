"""The read model: run folders → records; missing, torn and foreign files are forgiven."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from dhc.config import RunConfig
from dhc.config.phrase import brief
from dhc.errors import RunError
from dhc.files.read import tail
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Environment, Labels, RateSearch, Request, Summary
from dhc.runs.course import UNDISTURBED, Course
from dhc.runs.events import EventLog
from dhc.runs.labels import NO_LABELS
from dhc.runs.records import History
from dhc.runs.status import State, Status, status_of
from dhc.runs.summary import UNREADABLE, of_history, read_summary
from dhc.text import one_line

CHATTER = re.compile(
    r"[IWE]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I |WARNING: All log messages before absl"
)
SECOND = len("YYYYMMDD-HHMMSS")  # with which a run's id begins
MAX_REASON = 500  # characters of an end's reason
MAX_LOGS = {True: 32, False: 256}  # event logs to be read on, with batches and without
COARSE = 2_000_000_000  # nanoseconds; the coarsest clock of a file system (FAT)
DECISIVE = (  # for an ended run's line
    rundir.EXIT,
    rundir.SUMMARY,
    rundir.CONFIG,
    rundir.REQUEST,
    rundir.PROCESS,
    rundir.EVENTS,
    rundir.LABELS,
    rundir.STOP,
    rundir.COURSE,
)

Signature = tuple[tuple[int, ...] | None, ...]
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
    accuracy: float | None = None
    val_accuracy: float | None = None
    group: str = ""
    design: str = ""
    parent: str = ""
    bet: Mapping[str, float] | None = None
    search: RateSearch | None = None
    sought: str = ""
    course: Course = UNDISTURBED
    """Where it branched off other runs, and what was changed while it trained."""
    review: str = ""
    """What the marks of a review did to its pictures: equal digits for the same, "" for nothing."""
    turn: float = 0.0
    """Where it stands in its queue: lower is earlier."""

    @property
    def gap(self) -> float | None:
        """The last epoch's accuracy minus val_accuracy: how much better it does on known pictures."""
        return None if self.accuracy is None or self.val_accuracy is None else self.accuracy - self.val_accuracy

    @property
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
            **{name: value for name, value in vars(self).items() if name not in NOT_PLAIN},
            **self.labels.model_dump(mode="json"),
            **self.course.model_dump(mode="json"),
            "config": None if self.config is None else self.config.model_dump(),
        }
        return record | {name: None for name in NULL_IF_EMPTY if not record[name]}


FROM_RECORDS = frozenset(field.name for field in fields(RunInfo)) & {*Request.model_fields, *Summary.model_fields}
NOT_PLAIN = ("folder", "config", "status", "labels", "epochs_done", "curve", "course", "review", "turn")
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
        self._ended: dict[str, tuple[Signature, RunInfo]] = {}
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """Names of the run folders, newest first; whatever else lies there is skipped."""
        try:
            with os.scandir(self.runs_dir) as entries:
                return sorted((e.name for e in entries if rundir.RUN_ID.fullmatch(e.name) and e.is_dir()), reverse=True)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def runs(self, logs: Logs | None = None) -> list[RunInfo]:
        """Every run, newest first; searches for a learning rate are none."""
        return newest_first(info for info in self._infos(logs) if info.search is None)

    def searches(self, logs: Logs | None = None) -> list[RunInfo]:
        """Every search for a learning rate, newest first."""
        return newest_first(info for info in self._infos(logs) if info.search is not None)

    def _infos(self, logs: Logs | None) -> Iterator[RunInfo]:
        return (info for run_id in self.ids() if (info := self.find(run_id, logs)) is not None)

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

    def find(self, run_id: str, logs: Logs | None = None) -> RunInfo | None:
        """One of `ids`, read anew where one of its files changed; None where its folder is gone."""
        signature = _signature(f"{self.runs_dir}/{run_id}")
        entry = self._ended.get(run_id)
        if entry is not None and entry[0] == signature:
            return entry[1]
        folder = self.runs_dir / run_id
        if entry is None and not folder.is_dir():  # deleted between listing and reading
            return None
        info = self._read(folder, logs)
        if not info.state.alive and _settled(signature):
            self._ended[run_id] = (signature, info)
        return info

    def _read(self, folder: Path, logs: Logs | None) -> RunInfo:
        config, problem = read_config(folder)
        request = Request.read(folder)
        status = status_of(folder, request)
        request = request or Request()
        labels = Labels.read(folder)
        figures, doubt = self._figures(folder, logs, alive=status.state.alive)
        return RunInfo(
            id=folder.name,
            folder=folder,
            config=config,
            status=replace(status, reason=one_line(status.reason, MAX_REASON)),
            labels=labels or NO_LABELS,
            turn=request.turn,
            course=Course.of(folder),
            review=_review(folder, config),
            problem="; ".join(filter(None, (problem, doubt, _unreadable(folder, status, labels)))),
            epochs_done=figures.epochs or 0,
            **{
                name: value
                for record in (request, figures)
                for name, value in vars(record).items()
                if name in FROM_RECORDS
            },
        )

    def _figures(self, folder: Path, logs: Logs | None, *, alive: bool) -> tuple[Summary, str]:
        """The summary as far as it can be true, else the events; and in a sentence what cannot."""
        summary, doubt = read_summary(folder)
        if summary.curve and not doubt:
            return summary, ""
        values = {
            name: value for name, value in summary if name in summary.model_fields_set and value not in (None, ())
        }
        return self._events_figures(folder, logs, alive=alive).model_copy(update=values), doubt

    def _events_figures(self, folder: Path, logs: Logs | None, *, alive: bool) -> Summary:
        if alive:
            return of_history(self.outline(folder.name, logs)[0])
        # Not remembered: the logs of a thousand such runs would fill the memory.
        log = EventLog(folder / rundir.EVENTS, batches=False)
        log.refresh()
        return of_history(log.history())


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


def _signature(folder: str) -> Signature:
    """Changes whenever a file that decides on an ended run's line does; of text, since a page asks this for every run."""
    parts: list[tuple[int, ...] | None] = []
    for name in DECISIVE:
        try:
            stat = os.lstat(f"{folder}/{name}")
        except OSError:
            parts.append(None)
        else:
            parts.append((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(parts)


def _settled(signature: Signature) -> bool:
    """Whether a later change is sure to show: by a coarse clock, two changes may have one time."""
    latest = max((part[-1] for part in signature if part is not None), default=0)
    return abs(time.time_ns() - latest) > COARSE


def _review(folder: Path, config: RunConfig | None) -> str:
    """What a review did to the run's pictures; a file more to read, and only where one was asked for."""
    if config is None or not config.data.review:
        return ""
    return "-".join(f"{split}-{digest}" for split, digest in sorted(Environment.of(folder).data_review.items()))


def _unreadable(folder: Path, status: Status, labels: Labels | None) -> str:
    """A sentence on files that are there but cannot be read; "" where there is none."""
    names = [rundir.EXIT] if status.state in (State.CRASHED, State.QUEUED) else []
    names += [rundir.LABELS] if labels is None else []
    return "; ".join(UNREADABLE.format(name) for name in names if os.path.lexists(folder / name))
