"""The read model: run folders → records. Never imports Keras; forgives missing, torn and foreign files, run by run."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhc.config import ConfigError, RunConfig
from dhc.runs import rundir
from dhc.runs.events import EventLog
from dhc.runs.labels import NO_LABELS, Labels, read_labels
from dhc.runs.records import History, Predictions
from dhc.runs.rundir import RunError
from dhc.runs.status import State, Status, status_of

CHATTER = re.compile(
    r"[IWE]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I |WARNING: All log messages before absl"
)
MAX_PREDICTIONS = 2_000_000_000  # bytes of a predictions.npz that is still read


@dataclass(frozen=True)
class RunInfo:
    """One line of a list of runs. `problem` says what in its folder could not be read, in one sentence.

    An `example` came with the dashboard: it was trained on another machine, without its network's weights.

    queued_at              Unix seconds; None where nobody noted it
    seconds                of training so far
    curve                  val_accuracy by epoch, 0 to 1, NaN where an epoch has none
    accuracy, val_accuracy of the last epoch, 0 to 1
    group                  name of the sweep that it belongs to, or ""
    parent                 id of the run that it is a changed copy of, or ""
    bet                    what a person expected: val_accuracy and accuracy of the end, 0 to 1, each or both
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
    example: bool = False
    labels: Labels = NO_LABELS
    curve: tuple[float, ...] = ()
    accuracy: float | None = None
    val_accuracy: float | None = None
    group: str = ""
    parent: str = ""
    bet: Mapping[str, float] | None = None

    @property
    def gap(self) -> float | None:
        """accuracy minus val_accuracy after the last epoch: how much better it does on what it has seen."""
        return None if self.accuracy is None or self.val_accuracy is None else self.accuracy - self.val_accuracy

    @property
    def title(self) -> str:
        """What a person calls it: the name that it was given, else its id."""
        return self.labels.name or self.id

    @property
    def state(self) -> State:
        """Its state."""
        return self.status.state

    @property
    def epochs_total(self) -> int | None:
        """How many epochs it was asked for; nearest neighbours count as one."""
        if self.config is None:
            return None
        return self.config.fit.epochs if self.config.uses("fit.epochs") else 1

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: plain values only."""
        config = None if self.config is None else self.config.model_dump()
        return {
            "id": self.id,
            "status": self.state.value,
            "reason": self.status.reason,
            "epoch": self.epochs_done,
            "epochs": self.epochs_total,
            "best_val_accuracy": self.best_val_accuracy,
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
            "pictures_per_second": self.pictures_per_second,
            "device": self.device,
            "queued_at": self.queued_at,
            "problem": self.problem or None,
            "example": self.example,
            "name": self.labels.name or None,
            "tags": list(self.labels.tags),
            "note": self.labels.note or None,
            "star": self.labels.star,
            "archived": self.labels.archived,
            "accuracy": self.accuracy,
            "val_accuracy": self.val_accuracy,
            "group": self.group or None,
            "parent": self.parent or None,
            "bet": None if self.bet is None else dict(self.bet),
            "config": config,
        }


class Store:
    """Reads one folder of runs, keeping each event log's position so that asking again costs only what is new.

    Safe to share between threads.
    """

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._logs: dict[str, EventLog] = {}
        self._outlines: dict[str, EventLog] = {}
        self._ended: dict[str, tuple[tuple[int, ...], RunInfo]] = {}
        self._lock = threading.Lock()

    def ids(self) -> list[str]:
        """Names of the run folders, newest first; whatever else lies there is passed over."""
        if not self.runs_dir.is_dir():
            return []
        return sorted(
            (p.name for p in self.runs_dir.iterdir() if rundir.RUN_ID.fullmatch(p.name) and p.is_dir()), reverse=True
        )

    def runs(self) -> list[RunInfo]:
        """Every run, newest first."""
        found = []
        for run_id in self.ids():
            try:
                found.append(self.run(run_id))
            except RunError:
                continue  # deleted between listing and reading
        return found

    def run(self, run_id: str) -> RunInfo:
        """One run. Raises RunError when there is none of that name."""
        folder = rundir.run_dir(self.runs_dir, run_id)
        signature = _signature(folder)
        with self._lock:
            known = self._ended.get(run_id)
            if known is not None and known[0] == signature:
                return known[1]
        info = self._read(folder)
        if not info.state.alive:
            with self._lock:
                self._ended[run_id] = (signature, info)
        return info

    def log(self, run_id: str) -> EventLog:
        """The run's events, read up to now. Raises RunError when there is no such run."""
        folder = rundir.run_dir(self.runs_dir, run_id)
        with self._lock:
            log = self._logs.setdefault(run_id, EventLog(folder / rundir.EVENTS))
            log.refresh()
            return log

    def history(self, run_id: str) -> History:
        """The run's curves, up to now."""
        log = self.log(run_id)
        with self._lock:
            return log.history()

    def outline(self, run_id: str) -> tuple[History, Mapping[str, Any]]:
        """The run's history without its batches, and what it told when it started, both quickly read for a hundred runs.

        Raises RunError when there is no such run.
        """
        folder = rundir.run_dir(self.runs_dir, run_id)
        with self._lock:
            log = self._outlines.setdefault(run_id, EventLog(folder / rundir.EVENTS, batches=False))
            log.refresh()
            return log.history(), log.last.get("start", {})

    def _read(self, folder: Path) -> RunInfo:
        config, problem = read_config(folder)
        request = rundir.read_json(folder / rundir.REQUEST) or {}
        summary = rundir.read_json(folder / rundir.SUMMARY)
        figures = (
            summary if summary is not None and "curve" in summary else self._figures(folder.name) | (summary or {})
        )
        curve = figures.get("curve")
        return RunInfo(
            id=folder.name,
            folder=folder,
            config=config,
            status=status_of(folder),
            queued_at=_number(request.get("queued_at")),
            epochs_done=int(_number(figures.get("epochs")) or 0),
            best_val_accuracy=_number(figures.get("best_val_accuracy")),
            best_epoch=None if (best := _number(figures.get("best_epoch"))) is None else int(best),
            seconds=_number(figures.get("seconds")),
            pictures_per_second=_number(figures.get("pictures_per_second")),
            device=str(request.get("device") or ""),
            problem=problem,
            example=request.get("example") is True,
            labels=read_labels(folder),
            curve=tuple(_or_nan(value) for value in curve) if isinstance(curve, list) else (),
            accuracy=_number(figures.get("accuracy")),
            val_accuracy=_number(figures.get("val_accuracy")),
            group=_line(request.get("group"), 80),
            parent=parent if rundir.RUN_ID.fullmatch(parent := _line(request.get("parent"), 100)) else "",
            bet=_bet(request.get("bet")),
        )

    def _figures(self, run_id: str) -> dict[str, Any]:
        history = self.history(run_id)
        if history.epochs.empty:
            return {"epochs": 0}
        best = history.best_epoch
        accuracy = history.epochs["val_accuracy"].max()
        last = history.epochs.iloc[-1]
        return {
            "curve": history.epochs["val_accuracy"].tolist(),
            "accuracy": float(last["accuracy"]),
            "val_accuracy": float(last["val_accuracy"]),
            "epochs": int(history.epochs["epoch"].max()),
            "best_epoch": best,
            "seconds": float(history.epochs["seconds"].sum()),
            "pictures_per_second": float(history.epochs["pictures_per_second"].median()),  # NaN skipped
            "best_val_accuracy": None if best is None else float(accuracy),
        }


def read_config(folder: Path) -> tuple[RunConfig | None, str]:
    """The run's config, or None and a sentence that says why it cannot be read."""
    try:
        text = (folder / rundir.CONFIG).read_bytes()[:1_000_000]
        return RunConfig.from_json(text), ""
    except OSError:
        return None, f"{rundir.CONFIG} is missing or unreadable"
    except ConfigError as error:
        return None, f"{rundir.CONFIG} does not hold a run's settings: {error}"


def read_predictions(folder: Path) -> Predictions:
    """What the run's network said of val. Raises RunError in one sentence when there is nothing or nothing sound to read."""
    path = folder / rundir.PREDICTIONS
    try:
        if path.stat().st_size > MAX_PREDICTIONS:
            raise RunError(f"{path.name} is too large to be this run's predictions")
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            p = Predictions(
                ids=file["ids"],
                y_true=file["y_true"].astype(np.int64),
                y_pred=file["y_pred"].astype(np.int64),
                best_epoch=int(file["best_epoch"]),
                probabilities=file["probabilities"].astype(np.float32),
                classes=tuple(str(name) for name in file["classes"]),
            )
    except FileNotFoundError:
        if (folder / rundir.SUMMARY).exists():
            raise RunError(
                f"{path.name} of run {folder.name} is missing: its predictions cannot be shown any more"
            ) from None
        raise RunError("this run has not finished an epoch yet, so there are no predictions to show") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path.name} of run {folder.name} cannot be read ({type(error).__name__}): it is damaged"
        ) from None
    _check(p, path)
    return p


def _check(p: Predictions, path: Path) -> None:
    n, k = len(p.ids), len(p.classes)
    sound = (
        p.ids.ndim == 1
        and p.y_true.shape == (n,)
        and p.y_pred.ndim == 2
        and p.y_pred.shape[1] == n
        and p.probabilities.shape == (n, k)
        and 1 <= p.best_epoch <= len(p.y_pred)
        and n > 0
    )
    if not sound or min(p.y_true.min(), p.y_pred.min()) < 0 or max(p.y_true.max(), p.y_pred.max()) >= k:
        raise RunError(f"{path.name} of run {path.parent.name} does not fit together: it is damaged or was edited")


def log_tail(folder: Path, lines: int = 30, limit: int = 20_000) -> str:
    """The last lines of the run's ``train.log`` without the backend's own chatter; empty when there is none."""
    try:
        with (folder / rundir.LOG).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if not CHATTER.match(line)][-lines:])


def _signature(folder: Path) -> tuple[int, ...]:
    """Changes whenever a file that decides on an ended run's line does."""
    parts = []
    for name in (rundir.EXIT, rundir.SUMMARY, rundir.CONFIG, rundir.PROCESS, rundir.EVENTS, rundir.LABELS):
        try:
            stat = (folder / name).stat()
            parts += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            parts += [0, 0]
    return tuple(parts)


def _number(value: Any) -> float | None:
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value) else None
    )


def _or_nan(value: Any) -> float:
    found = _number(value)
    return float("nan") if found is None else found


def _line(value: Any, limit: int) -> str:
    return " ".join(value.split())[:limit] if isinstance(value, str) else ""


def _bet(value: Any) -> dict[str, float] | None:
    """What was expected of accuracy and val_accuracy, as far as it can be true."""
    told = value if isinstance(value, dict) else {}
    known = {name: _number(told.get(name)) for name in ("accuracy", "val_accuracy")}
    return {name: number for name, number in known.items() if number is not None and 0 <= number <= 1} or None
