"""The curves of several runs on common axes: what stands on x, smoothing, and where each run was best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from dhc.runs.records import History

Against = Literal["epoch", "time", "pictures"]
Metric = Literal["loss", "accuracy", "learning_rate"]
METRICS: tuple[Metric, ...] = ("accuracy", "loss", "learning_rate")


@dataclass(frozen=True, eq=False)
class Curve:
    """One metric of one run, an entry an epoch.

    x        (E,) float64: epoch, seconds of training or pictures seen at the epoch's end; NaN where that is not known
    train    (E,) float64, the training pictures' figures; of the learning rate, the rate itself
    val      (E,) float64; empty for the learning rate
    best     index of the epoch of the highest val_accuracy, None where there is none
    """

    x: np.ndarray
    train: np.ndarray
    val: np.ndarray
    best: int | None


def curve(history: History, metric: Metric, against: Against, *, pictures: int | None = None) -> Curve:
    """A run's `metric` over its epochs. `pictures`: how many it trains on in an epoch, needed for against="pictures"."""
    epochs = history.epochs
    best = history.best_epoch
    at = [] if best is None else np.flatnonzero(epochs["epoch"].to_numpy() == best).tolist()
    return Curve(
        x=_positions(epochs, against, pictures),
        train=epochs[metric].to_numpy(dtype=np.float64),
        val=np.empty(0) if metric == "learning_rate" else epochs[f"val_{metric}"].to_numpy(dtype=np.float64),
        best=at[0] if at else None,
    )


def _positions(epochs: pd.DataFrame, against: Against, pictures: int | None) -> np.ndarray:
    """Where each epoch ends. An epoch that does not tell its seconds counts as none of them, so that later ones keep a place."""
    number = epochs["epoch"].to_numpy(dtype=np.float64)
    if against == "time":
        return np.nancumsum(epochs["seconds"].to_numpy(dtype=np.float64))
    if against == "pictures":
        return number * (np.nan if pictures is None else pictures)
    return number


def smooth(y: np.ndarray, weight: float) -> np.ndarray:
    """(E,) the exponential moving average of y, each older value counting `weight` (0 to below 1) times as much as the next.

    Corrected for its start (Kingma and Ba 2015, section 3): the first value is y's own. What is not finite stays a gap and
    is passed over. With weight 0.5, [0, 3] becomes [0, 2].
    """
    if not weight:
        return y
    finite = pd.Series(np.where(np.isfinite(y), y, np.nan))
    averaged = finite.ewm(alpha=1 - weight, adjust=True, ignore_na=True).mean()
    result: np.ndarray = averaged.where(finite.notna()).to_numpy()
    return result
