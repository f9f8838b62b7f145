"""The curves of several runs on common axes: positions on x, smoothing, best epochs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dhc.runs.course import change_text
from dhc.runs.records import History

Against = Literal["epoch", "time", "pictures"]
Metric = Literal["loss", "accuracy", "learning_rate"]
METRICS: tuple[Metric, ...] = ("accuracy", "loss", "learning_rate")


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric of one run, an entry an epoch.

    x          (E,) float64: epoch, seconds of training or pictures seen at the epoch's end; NaN where that is not known
    train      (E,) float64, the training pictures' figures; of the learning rate, the rate itself
    val        (E,) float64; empty for the learning rate
    best       index of the epoch of the highest val_accuracy, None where there is none
    inherited  how many of the epochs, from the first on, were taken over from another run
    changes    what a person set while it trained: the index of the epoch at whose end it began, and the words
    """

    x: np.ndarray
    train: np.ndarray
    val: np.ndarray
    best: int | None
    inherited: int = 0
    changes: tuple[tuple[int, str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no figure at all, as of a loss of nearest neighbours."""
        return not (np.isfinite(self.train).any() or np.isfinite(self.val).any())


def curve(
    history: History, metric: Metric, against: Against, *, pictures: int | None = None, inherited: int = 0
) -> Curve:
    """A run's `metric` over its epochs.

    pictures: how many the run trains on in an epoch, needed for against="pictures". inherited: the last epoch that was taken
    over from another run, 0 for none.
    """
    epochs = history.epochs
    best = history.best_epoch
    at = [] if best is None else np.flatnonzero(epochs["epoch"].to_numpy() == best).tolist()
    return Curve(
        x=_positions(epochs, against, pictures),
        train=epochs[metric].to_numpy(dtype=np.float64),
        val=np.empty(0) if metric == "learning_rate" else epochs[f"val_{metric}"].to_numpy(dtype=np.float64),
        best=at[0] if at else None,
        inherited=int((epochs["epoch"] <= inherited).sum()),
        changes=tuple(_changes(history)),
    )


def _changes(history: History) -> Iterator[tuple[int, str]]:
    """Where each change began, at the end of the epoch before; one for the first epoch stands at that epoch's end."""
    index = {int(epoch): place for place, epoch in enumerate(history.epochs["epoch"])}
    for epoch, steps in history.steps.items():
        if (before := max(epoch - 1, 1)) in index:
            yield index[before], f"changed from epoch {epoch} on: {change_text(steps)}"


def _positions(epochs: pd.DataFrame, against: Against, pictures: int | None) -> np.ndarray:
    """Where each epoch ends; one without seconds counts as 0, so that later ones have a place."""
    number = epochs["epoch"].to_numpy(dtype=np.float64)
    if against == "time":
        return np.nancumsum(epochs["seconds"].to_numpy(dtype=np.float64))
    if against == "pictures":
        return number * (np.nan if pictures is None else pictures)
    return number


def smooth(y: np.ndarray, weight: float) -> np.ndarray:
    """The exponential moving average of y (E,): each older value counts `weight` times the next.

    weight: 0 to below 1. Corrected for its start (Kingma and Ba 2015, section 3): the first value is y's own. What is
    not finite stays a gap and is passed over. With weight 0.5, [0, 3] becomes [0, 2].
    """
    if not weight:
        return y
    finite = pd.Series(np.where(np.isfinite(y), y, np.nan))
    average = finite.ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean()
    result: np.ndarray = average.where(finite.notna()).to_numpy()
    return result
