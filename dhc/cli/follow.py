"""Following a run from a terminal: what it is busy with, then one line per epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store
from dhc.text import figure_text


def follow(store: Store, run_id: str, echo: Callable[[str], None], *, interval: float = 0.5) -> State:
    """Print what happens in a run until it has ended; returns its last state."""
    last_phase, last_epoch = "", 0
    while True:
        info = store.run(run_id)
        log, history = store.log(run_id), store.history(run_id)
        phase = str(log.last.get("phase", {}).get("phase", ""))
        if info.state in (State.QUEUED, State.UNHEARD):
            phase = ": ".join(filter(None, (info.state.value, info.status.reason)))
        if phase and phase != last_phase:
            echo(f"{phase} …")
            last_phase = phase
        for row in history.epochs.iloc[last_epoch:].to_dict("records"):
            echo(_line(row, info.epochs_total))
        last_epoch = len(history.epochs)
        if not info.state.alive:
            echo(f"{info.state}: {info.status.reason}{_best(info)}")
            return info.state
        time.sleep(interval)


def _best(info: RunInfo) -> str:
    if info.best_val_accuracy is None:
        return ""
    return f", best val_accuracy {info.best_val_accuracy:.4f} at epoch {info.best_epoch}"


def _line(row: Mapping[Any, Any], total: int | None) -> str:
    """One epoch, without the figures that it lacks, such as the neighbours' loss on train."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    figures = "".join(f"  {name} {figure_text(row[name])}" for name in names if math.isfinite(row[name]))
    return f"epoch {row['epoch']}/{total}  {row['seconds']:.1f} s{figures}{'  best' if row['best'] else ''}"
