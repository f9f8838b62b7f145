"""Reading ``events.jsonl`` as it grows: each call reads only what is new."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dhc.runs.records import BATCH_COLUMNS, EPOCH_COLUMNS, LR_COLUMNS, History, empty_table

TABLES: Mapping[str, Mapping[str, str]] = {"batch": BATCH_COLUMNS, "epoch": EPOCH_COLUMNS, "lr": LR_COLUMNS}
MAX_LINE = 100_000  # characters; a longer line is no event of ours


class EventLog:
    """The events of one run, read on from where the last `refresh` stopped.

    A torn last line waits for its other half; a damaged line elsewhere is counted in `damaged` and passed over, so that one
    bad line never hides the epochs after it. A file that was replaced or cut is read anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start()

    def _start(self) -> None:
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._rows: dict[str, dict[str, list[Any]]] = {
            kind: {name: [] for name in columns} for kind, columns in TABLES.items()
        }
        self._history: History | None = None
        self.others: list[dict[str, Any]] = []
        self.last: dict[str, dict[str, Any]] = {}
        self.damaged = 0

    def refresh(self) -> bool:
        """Read what was appended since; True when there was something."""
        try:
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                if self._identity != (stat.st_dev, stat.st_ino) or stat.st_size < self._offset:
                    self._start()
                    self._identity = (stat.st_dev, stat.st_ino)
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return False
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(line)
        if whole:
            self._history = None
        return bool(whole)

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = json.loads(line) if len(line) <= MAX_LINE else None
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not isinstance(kind := event.get("kind"), str):
            self.damaged += 1
            return
        try:
            self._keep(kind, event)
        except (TypeError, ValueError, OverflowError):
            self.damaged += 1
            return
        self.last[kind] = event

    def _keep(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "resume":
            self._forget_from(_cell(event.get("epoch"), "int64"))
        if kind not in TABLES:
            self.others.append(event)
            return
        row = {name: _cell(event.get(name), dtype) for name, dtype in TABLES[kind].items()}
        for name, value in row.items():
            self._rows[kind][name].append(value)

    def _forget_from(self, epoch: int) -> None:
        """The run went on with this epoch: what an earlier process wrote of it and of later ones happens anew."""
        for rows in self._rows.values():
            kept = [number for number, other in enumerate(rows["epoch"]) if other < epoch]
            for name, values in rows.items():
                rows[name] = [values[number] for number in kept]

    def history(self) -> History:
        """All tables so far. A run that was resumed wrote some epochs twice: the later writing counts."""
        if self._history is None:
            tables = {kind: _table(self._rows[kind], columns) for kind, columns in TABLES.items()}
            epochs = tables["epoch"].drop_duplicates("epoch", keep="last").reset_index(drop=True)
            self._history = History(tables["batch"], epochs, tables["lr"])
        return self._history


def _cell(value: Any, dtype: str) -> Any:
    if dtype == "float64":
        return float("nan") if value is None else float(value)
    if dtype == "bool":
        return bool(value)
    return int(np.int64(value))


def _table(rows: dict[str, list[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    if not next(iter(rows.values())):
        return empty_table(columns)
    return pd.DataFrame({name: pd.Series(rows[name], dtype=dtype) for name, dtype in columns.items()})
