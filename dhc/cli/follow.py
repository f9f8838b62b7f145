"""Following a run from a terminal: what it is busy with, then a line an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from dhc.runs.status import State
from dhc.runs.store import Store


def follow(store: Store, run_id: str, say: Callable[[str], None], *, every: float = 0.5) -> State:
    """Say what happens in a run until it has ended; returns its last state."""
    told_phase, told_epochs = "", 0
    while True:
        info = store.run(run_id)
        log, history = store.log(run_id), store.history(run_id)
        phase = "queued" if info.state is State.QUEUED else str(log.last.get("phase", {}).get("phase", ""))
        if phase and phase != told_phase:
            say(f"{phase} …")
            told_phase = phase
        for row in history.epochs.iloc[told_epochs:].to_dict("records"):
            say(_line(row, info.epochs_total))
        told_epochs = len(history.epochs)
        if not info.state.alive:
            best = (
                ""
                if info.best_val_accuracy is None
                else f", best val_accuracy {info.best_val_accuracy:.4f} at epoch {info.best_epoch}"
            )
            say(f"{info.state}: {info.status.reason}{best}")
            return info.state
        time.sleep(every)


def _line(row: Mapping[Any, Any], total: int | None) -> str:
    """One epoch; figures that it does not have (nearest neighbours have no loss on the training pictures) are left out."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    figures = "".join(f"  {name} {row[name]:.4f}" for name in names if math.isfinite(row[name]))
    return f"epoch {row['epoch']}/{total}  {row['seconds']:.1f} s{figures}{'  best' if row['best'] else ''}"
