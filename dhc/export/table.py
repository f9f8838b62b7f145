"""Runs as CSV for a spreadsheet: one row a run, and their histories in long form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dhc.config import fields
from dhc.files import target
from dhc.runs.store import RunInfo, Store

ENCODING = "utf-8-sig"  # with a byte order mark, without which spreadsheets take UTF-8 for the system's old encoding
HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), the full-width forms among them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(runs: Sequence[RunInfo], store: Store, out: Path, *, force: bool = False) -> list[Path]:
    """Write `runs_table` to `out` and `history_table` beside it; returns both paths.

    Raises RunError, before anything is written, where one of them is there already (and not `force`).
    """
    target.refuse(out, force=force)
    beside = out.with_name(f"{out.stem}-history{out.suffix or '.csv'}")
    target.refuse(beside, force=force)
    target.put(out, to_csv(runs_table(runs)))
    target.put(beside, to_csv(history_table(runs, store)))
    return [out, beside]


def runs_table(runs: Iterable[RunInfo]) -> pd.DataFrame:
    """One row a run, in the given order.

    Columns: id, name, status, figures (accuracies 0 to 1, NaN where unknown), labels, then every setting by its dotted
    name; a setting that has no effect in a run is empty there. queued_at is local time.
    """
    rows = [_figures(info.as_dict(), info.gap) | _settings(info) for info in runs]
    columns = [*_figures({}, None), *(field.name for field in fields())]
    return pd.DataFrame(rows, columns=columns, dtype="object").astype(_dtypes())


def history_table(runs: Iterable[RunInfo], store: Store) -> pd.DataFrame:
    """One row a finished epoch of each run: run (id), epoch (from 1) and `HISTORY`.

    Raises RunError for a run that is gone.
    """
    tables = [
        store.history(info.id).epochs[["epoch", *HISTORY]].assign(run=info.id)[["run", "epoch", *HISTORY]]
        for info in runs
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["run", "epoch", *HISTORY])


def to_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV with full digits, in `ENCODING`.

    Text that a spreadsheet would obey as a formula gets a ' before it.
    """
    guarded = table.map(lambda value: guard(value) if isinstance(value, str) else value)
    text: str = guarded.to_csv(index=False, lineterminator="\n")
    return text.encode(ENCODING, "backslashreplace")


def guard(text: str) -> str:
    """Text that a spreadsheet shows and never computes: ``=1+1`` → ``'=1+1``; ``-0.5`` stays."""
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text == text.strip()
    except ValueError:
        return False


def _dtypes() -> dict[str, str]:
    """Nullable ones, so that an unknown epoch does not turn the others into 12.0."""
    kinds = {"int": "Int64", "float": "Float64", "bool": "boolean"}
    figures = ("best_val_accuracy", "accuracy", "val_accuracy", "gap", "seconds", "pictures_per_second")
    dtypes = dict.fromkeys((*figures, "bet_accuracy", "bet_val_accuracy"), "Float64")
    dtypes |= dict.fromkeys(("best_epoch", "epoch", "epochs"), "Int64")
    return dtypes | {field.name: kinds[field.kind] for field in fields() if field.kind in kinds}


def _settings(info: RunInfo) -> dict[str, Any]:
    return {} if info.shown_config is None else info.shown_config.effective_settings()


def _figures(record: dict[str, Any], gap: float | None) -> dict[str, Any]:
    """A run's row but for its settings. record: `RunInfo.as_dict()`."""
    queued_at, bet = record.get("queued_at"), record.get("bet") or {}
    return {
        **_some(record, "id", "name", "status", "best_val_accuracy", "best_epoch", "accuracy", "val_accuracy"),
        "gap": gap,
        **_some(record, "epoch", "epochs", "seconds", "pictures_per_second", "device"),
        "queued_at": None if queued_at is None else f"{datetime.fromtimestamp(queued_at):%Y-%m-%d %H:%M:%S}",
        **_some(record, "group", "parent"),
        "tags": "; ".join(record.get("tags") or ()),
        **_some(record, "star", "archived", "note", "example", "reason", "problem"),
        "bet_accuracy": bet.get("accuracy"),
        "bet_val_accuracy": bet.get("val_accuracy"),
    }


def _some(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: record.get(name) for name in names}
