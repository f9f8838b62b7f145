"""Following a run from a terminal: what it is busy with, then a line an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable

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
            say(
                f"epoch {row['epoch']}/{info.epochs_total}  {row['seconds']:.1f} s  loss {row['loss']:.4f}  accuracy {row['accuracy']:.4f}  "
                f"val_loss {row['val_loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}{'  best' if row['best'] else ''}"
            )
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
