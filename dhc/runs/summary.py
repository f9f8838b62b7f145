"""A run's figures: from its summary as far as they can be true, from its events for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dhc.runs import rundir
from dhc.runs.events import MAX_EPOCH
from dhc.runs.records import History


def believed(summary: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """What a ``summary.json`` says that can be true, and a sentence on what cannot, or ""."""
    read = {name: take(summary[name]) for name, take in FIGURES.items() if summary.get(name) is not None}
    wrong = [name for name, value in read.items() if value is None]
    doubt = f"{rundir.SUMMARY} was edited or is damaged: its {', '.join(wrong)} cannot be true" if wrong else ""
    return {name: value for name, value in read.items() if value is not None}, doubt


def of_history(history: History) -> dict[str, Any]:
    """The same figures by the events; none before the first epoch."""
    if history.epochs.empty:
        return {}
    best = history.best_epoch
    last = history.epochs.iloc[-1]
    return {
        "curve": tuple(history.epochs["val_accuracy"].tolist()),
        "accuracy": share(float(last["accuracy"])),
        "val_accuracy": share(float(last["val_accuracy"])),
        "epochs": int(last["epoch"]),
        "best_epoch": best,
        "seconds": float(history.epochs["seconds"].sum()),
        "pictures_per_second": amount(float(history.epochs["pictures_per_second"].median())),  # NaN skipped
        "best_val_accuracy": None if best is None else float(history.epochs["val_accuracy"].max()),
    }


def number(value: Any) -> float | None:
    """A finite number, else None; no truth value is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def amount(value: Any) -> float | None:
    """A number from 0, else None."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def share(value: Any) -> float | None:
    """A number from 0 to 1, else None."""
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def count(value: Any) -> int | None:
    """A whole number that epochs can have, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_EPOCH else None


def curve(value: Any) -> tuple[float, ...] | None:
    """Shares, null being NaN; None where one is no share or there are more than any run has epochs."""
    if not isinstance(value, list) or len(value) > MAX_EPOCH:
        return None
    shares = tuple(
        item if type(item) is float and 0 <= item <= 1 else math.nan if item is None else share(item) for item in value
    )
    return None if None in shares else shares  # type: ignore[return-value]


FIGURES: Mapping[str, Callable[[Any], Any]] = {
    "curve": curve,
    "epochs": count,
    "best_epoch": count,
    "best_val_accuracy": share,
    "accuracy": share,
    "val_accuracy": share,
    "seconds": amount,
    "pictures_per_second": amount,
}
