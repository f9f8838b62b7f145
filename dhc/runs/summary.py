"""A run's figures, by its summary as far as that can be true, and by its events."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from dhc.runs import rundir
from dhc.runs.contract import Summary
from dhc.runs.records import History

UNREADABLE = "{} cannot be read and was passed over: it is damaged, too large or no plain file"


def read_summary(folder: Path) -> tuple[Summary, str]:
    """The summary as far as it can be true, and in a sentence what cannot, or "".

    Without a file the summary is empty.
    """
    path = folder / rundir.SUMMARY
    value = rundir.read_json(path, Summary.LIMIT)
    if value is None:
        return Summary(), UNREADABLE.format(path.name) if os.path.lexists(path) else ""
    summary, wrong = Summary.sift(value)
    wrong.sort(key=lambda name: name != "curve")  # the one that decides whether the events are read
    return summary, f"{path.name} was edited or is damaged: its {', '.join(wrong)} cannot be true" if wrong else ""


@lru_cache(maxsize=256)  # a history stays the same object until something is added to it
def of_history(history: History) -> Summary:
    """The same figures by the events; an empty summary before the first epoch."""
    if history.epochs.empty:
        return Summary()
    last = history.epochs.iloc[-1]
    best = history.best_epoch
    accuracies = history.epochs["val_accuracy"]
    figures, _ = Summary.sift(
        {
            "accuracy": float(last["accuracy"]),
            "val_accuracy": float(last["val_accuracy"]),
            "epochs": int(last["epoch"]),
            "best_epoch": best,
            "seconds": float(history.epochs["seconds"].sum()),
            "pictures_per_second": float(history.epochs["pictures_per_second"].median()),  # NaN skipped
        }
    )
    highest = None if best is None else float(accuracies.max())
    return figures.model_copy(update={"curve": tuple(accuracies.tolist()), "best_val_accuracy": highest})
