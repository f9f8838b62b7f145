"""Reading ``events.jsonl`` as it grows: only what is new, and never without a limit."""

from __future__ import annotations

import math
import os
import threading
from array import array
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from dhc.files.read import open_regular, reason
from dhc.runs.contract import MOST_BATCHES, MOST_PASSES
from dhc.runs.lenient import MAX_EPOCH, MAX_MOMENT, MAX_SPEED
from dhc.runs.records import (
    BATCH_COLUMNS,
    CHANGE_COLUMNS,
    CHANGEABLE,
    EPOCH_COLUMNS,
    GPU_COLUMNS,
    HEALTH_COLUMNS,
    HEALTH_FIGURES,
    LR_COLUMNS,
    SEARCH_COLUMNS,
    SOFTMAX_COLUMNS,
    History,
    empty_table,
)
from dhc.runs.rundir import parse

TABLES: Mapping[str, Mapping[str, str]] = {
    "batch": BATCH_COLUMNS,
    "epoch": EPOCH_COLUMNS,
    "lr": LR_COLUMNS,
    "gpu": GPU_COLUMNS,
    "search": SEARCH_COLUMNS,
    "change": CHANGE_COLUMNS,
    "layer": HEALTH_COLUMNS,  # a row a layer, all out of one event
    "health": SOFTMAX_COLUMNS,
}
MAX_MEMORY = 1e9  # MiB
SHARES = ("accuracy", "val_accuracy", "dead_share", "mean_largest", "share_certain")  # columns that are from 0 to 1
MOST = {  # what is beyond counts as missing
    "t": MAX_MOMENT,
    "seconds": MAX_MOMENT,
    "pictures_per_second": MAX_SPEED,
    "memory_used": MAX_MEMORY,
    "memory": MAX_MEMORY,
    "utilization": 100,
    "temperature": 200,
}
CODES = {"float64": "d", "int64": "q", "bool": "b"}  # of arrays: a quarter of a list's memory
BATCH = b'"kind": "batch"'  # as it begins in a line of ours; within a text its quotes would be escaped
OF_EPOCH = ("epoch", "checkpoint", "health")  # kinds of events that say what an epoch brought
MARKS = tuple(f'"kind": "{kind}"'.encode() for kind in OF_EPOCH)  # as in BATCH
CHUNK = 1 << 20  # bytes read at once
MAX_LINE = 100_000  # bytes; a longer line is no event of ours
MAX_BYTES = 500_000_000  # of a log; 50,000 epochs with ten batch events each have 100 MB
MAX_EVENTS = 1_000_000  # lines of a log
MOST_LAYERS, MOST_LETTERS = 256, 32  # of a network; in a layer's name
MOST_LOOKS = 20_000  # epochs whose layers are read; a training writes about 500
MOST_CLASSES = 100_000  # that a start event can name
MAX_TEXT = 1_000  # characters of a text in an event
MAX_OTHERS = 200  # latest events of other kinds
MAX_KINDS = 50  # kinds whose last event is remembered


class EventLog:
    """The events of one run; each `refresh` reads on from where the last one stopped.

    Safe to share between threads. A torn last line waits for its other half; a damaged line elsewhere is counted in
    `damaged_lines` and skipped, so that one bad line never hides the epochs after it. A file that was replaced or cut is read
    anew. `problem` says in a sentence why the log, or the rest of it, is not read. Without `batches` theirs are skipped, which is
    ten times as quick.
    """

    def __init__(self, path: Path, *, batches: bool = True) -> None:
        self.path = path
        self.batches = batches
        self._lock = threading.RLock()
        self._start(None)

    def _start(self, identity: tuple[int, int] | None) -> None:
        self._identity = identity
        self._offset = self._lines = 0
        self._skipping = False  # inside a line that is too long
        self._rows = {kind: {name: array(CODES[c]) for name, c in columns.items()} for kind, columns in TABLES.items()}
        self._history: History | None = None
        self._layers: tuple[str, ...] = ()
        self.others: deque[dict[str, Any]] = deque(maxlen=MAX_OTHERS)
        self._last: dict[str, dict[str, Any]] = {}
        self.damaged_lines = 0
        self.problem = ""

    @property
    def last(self) -> dict[str, dict[str, Any]]:
        """The last event of each kind."""
        with self._lock:
            return {kind: _plain(event) for kind, event in self._last.items()}

    def refresh(self) -> bool:
        """Read what was appended since; True when there was something."""
        with self._lock:
            try:
                with open_regular(self.path) as file:
                    return self._read_on(file)
            except FileNotFoundError:
                return False
            except OSError as error:
                self.problem = f"{self.path.name} cannot be read: {reason(error)}"
                return False

    def _read_on(self, file: IO[bytes]) -> bool:
        stat = os.fstat(file.fileno())
        if self._identity != (stat.st_dev, stat.st_ino) or stat.st_size < self._offset:
            self._start((stat.st_dev, stat.st_ino))
        file.seek(self._offset)
        before, rest = self._offset, b""
        while self._has_room() and (chunk := file.read(CHUNK)):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                self._take(line)
            if len(rest) > MAX_LINE:
                self._skipping, rest = True, b""
            self._offset = file.tell() - len(rest)
        return self._offset != before

    def _has_room(self) -> bool:
        if self._offset < MAX_BYTES and self._lines < MAX_EVENTS:
            return True
        self.problem = (
            f"{self.path.name} is longer than any run's: what stands in it after {self._lines:,} lines was not read"
        )
        return False

    def _take(self, line: bytes) -> None:
        self._lines += 1
        try:
            if self._skipping or len(line) > MAX_LINE:
                raise ValueError("too long for an event")
            if line.strip() and (self.batches or BATCH not in line[:100]):
                self._keep(parse(line))
        except (TypeError, ValueError, OverflowError, RecursionError):
            self.damaged_lines += 1
        self._skipping = False

    def _keep(self, event: Any) -> None:
        """Raises ValueError, TypeError or OverflowError where it is no event of ours."""
        if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
            raise TypeError("an event is an object with a kind")
        kind = event["kind"]
        if kind in TABLES or kind == "resume":
            self._history = None  # and of nothing else: a hundred runs that train add little to it between two looks
        if kind == "resume":
            self._forget_from(_epoch(event.get("epoch")))
        if kind == "batch" and not self.batches:
            return
        if kind == "change":
            event = _flat(event)
        if kind == "search":
            event = {"pass": 1} | event  # of a search from before there were several
        if kind == "start" and not _is_class_count(event.get("classes")):
            event = {name: value for name, value in event.items() if name != "classes"}
        if kind in TABLES and kind != "layer":
            row = {name: _cell(name, event.get(name), dtype) for name, dtype in TABLES[kind].items()}
            if kind == "health":
                self._keep_layers(event)
            for name, value in row.items():
                self._rows[kind][name].append(value)
        else:
            self.others.append(_plain(event))
        if kind in self._last or len(self._last) < MAX_KINDS:
            self._last[kind] = event

    def _keep_layers(self, event: Mapping[str, Any]) -> None:
        """A row for each layer. Raises ValueError or TypeError, before any is kept."""
        columns = [_figures(event.get(name)) for name in HEALTH_FIGURES]
        epoch, count = _epoch(event.get("epoch")), len(columns[0])
        names = event.get("layers", list(self._layers))
        if not isinstance(names, list) or {len(names), *map(len, columns)} != {count}:
            raise ValueError("each layer has a name and every figure")
        if len(self._rows["health"]["epoch"]) >= MOST_LOOKS:
            raise ValueError("more looks than any training takes")
        rows = [
            [_cell(name, value, "float64") for name, value in zip(HEALTH_FIGURES, row, strict=True)]
            for row in zip(*columns, strict=True)
        ]
        for layer, row in enumerate(rows):
            for name, value in zip(HEALTH_COLUMNS, (epoch, layer, *row), strict=True):
                self._rows["layer"][name].append(value)
        self._layers = tuple(str(name)[:MOST_LETTERS] for name in names)

    def _forget_from(self, epoch: int) -> None:
        """Drop what an earlier process wrote from this epoch on: the run went on from here."""
        for rows in (rows for rows in self._rows.values() if "epoch" in rows):
            end = len(rows["epoch"])
            while end and rows["epoch"][end - 1] >= epoch:
                end -= 1
            for values in rows.values():
                del values[end:]

    def history(self) -> History:
        """All tables so far, epochs in order; of one that stands there twice, the later counts."""
        with self._lock:
            if self._history is None:
                tables = {kind: _table(self._rows[kind], columns) for kind, columns in TABLES.items()}
                self._history = History(
                    tables["batch"],
                    _last_of_each(tables["epoch"], "epoch"),
                    tables["lr"],
                    tables["gpu"],
                    _last_search(tables["search"]),
                    tables["change"].drop_duplicates("epoch", keep="last", ignore_index=True),
                    _last_of_each(tables["layer"], "epoch", "layer"),
                    _last_of_each(tables["health"], "epoch"),
                    self._layers,
                )
            return self._history


def end_of_epoch(path: Path, epoch: int) -> int:
    """How many bytes of an event log tell of a run up to an epoch, and nothing of later ones that still counts.

    Of an epoch that stands there twice the later one counts. 0 where there is none. Raises OSError.
    """
    end = 0
    with open_regular(path) as file:
        while line := file.readline(MAX_LINE):
            if file.tell() > MAX_BYTES or not line.endswith(b"\n"):
                break
            if any(mark in line for mark in MARKS) and _tells_of(line, epoch):
                end = file.tell()
    return end


def _tells_of(line: bytes, epoch: int) -> bool:
    try:
        event = parse(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and event.get("kind") in OF_EPOCH and event.get("epoch") == epoch


def _last_search(search: pd.DataFrame) -> pd.DataFrame:
    """The batches of the search that began last: one that was broken off begins anew.

    As far as they can be true: at most as many as a search may have, each with a rate above 0 and not below those before it in
    its pass.
    """
    if search.empty:  # as of nearly every run, and what follows takes longer than all the rest of its history
        return search
    first = np.flatnonzero((search["batch"] == 1) & (search["pass"] == 1))
    rows = search.iloc[first[-1] if len(first) else 0 :]
    rows = rows[rows["pass"] <= MOST_PASSES].groupby("pass", sort=False).head(MOST_BATCHES)
    rates = rows["learning_rate"].fillna(0.0)
    is_rising = (rates > 0) & (rates >= rates.groupby(rows["pass"]).cummax())
    return rows[is_rising].reset_index(drop=True)


def _flat(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a change, whose values are pairs, with a value for each column. Raises TypeError for what is no pair."""
    flat: dict[str, Any] = {name: value for name, value in event.items() if name not in CHANGEABLE}
    for name in CHANGEABLE:
        pair = event.get(name, (None, None))
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise TypeError(f"{name} is a value before and one after")
        flat[f"{name}_old"], flat[f"{name}_new"] = pair
    return flat


def _last_of_each(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Of rows alike in these columns the last one, in their order."""
    if table.empty:
        return table
    last = table.drop_duplicates(list(columns), keep="last").sort_values(list(columns), kind="stable")
    return last.reset_index(drop=True)


def _figures(value: Any) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_LAYERS:
        raise TypeError("a figure of each layer is a list")
    return value


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in event.items()}


def _plain_value(value: Any) -> Any:
    """A value of an event as screens show it: texts cut, no infinity, nothing nested."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else None


def _cell(name: str, value: Any, dtype: str) -> Any:
    if dtype == "int64":
        return _epoch(value)
    if dtype == "bool":
        return value is True
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise TypeError(f"{name} is a number")
    number = float(value)
    if name in SHARES and not 0 <= number <= 1.001:  # what float32 makes of 1
        raise ValueError(f"{name} is a share")
    if name in MOST and not 0 <= number <= MOST[name]:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _is_class_count(value: Any) -> bool:
    return type(value) is int and 2 <= value <= MOST_CLASSES


def _epoch(value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= MAX_EPOCH:
        raise ValueError("an epoch, or a batch, is a number from 1")
    return value


def _table(rows: Mapping[str, array[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    if not next(iter(rows.values())):
        return empty_table(columns)
    return pd.DataFrame({name: np.array(rows[name], dtype=dtype) for name, dtype in columns.items()})
