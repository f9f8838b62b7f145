"""Learning rates through the epochs: lowered when a curve stands still, or by a timetable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Watched:
    """What ReduceLROnPlateau makes of an epoch.

    is_better: than every epoch before. waited: epochs in a row that were not. rate: of the next epoch. has_dropped: whether that
    is lower than this epoch's.
    """

    is_better: bool
    waited: int
    rate: float
    has_dropped: bool


def plateau(
    values: Sequence[float], *, first: float, factor: float, patience: int, min_lr: float, min_delta: float = 1e-4
) -> list[Watched]:
    """ReduceLROnPlateau over a curve that should rise, epoch by epoch.

    After `patience` epochs in a row that are not better than the best one by more than `min_delta`, the rate is multiplied by
    `factor`, but goes no lower than `min_lr`. A NaN is never better. Everything is kept in float32, as Keras does.
    """
    best, waited, rate = -math.inf, 0, np.float32(first)
    epochs = []
    for value in values:
        is_better = bool(np.float32(value - min_delta) > np.float32(best))
        best, waited = (value, 0) if is_better else (best, waited + 1)
        has_dropped = waited >= patience and bool(rate > np.float32(min_lr))
        if has_dropped:
            rate = np.float32(max(float(rate) * factor, min_lr))
        epochs.append(Watched(is_better, waited, float(rate), has_dropped))
        waited = 0 if has_dropped else waited
    return epochs


def exponential(first: float, decay: float, epochs: int) -> list[float]:
    """Each epoch's rate is `decay` times the one before."""
    return [first * decay**epoch for epoch in range(epochs)]


def warm_up(first: float, decay: float, epochs: int, rising: int) -> list[float]:
    """It rises evenly for so many epochs to `first`, then falls as `exponential` does."""
    rise = [first * (epoch + 1) / (rising + 1) for epoch in range(min(rising, epochs))]
    return rise + exponential(first, decay, epochs - len(rise))


def cosine(first: float, last: float, epochs: int) -> list[float]:
    """From `first` towards `last` along half a wave: slowly, fast, slowly."""
    return [last + (first - last) * (1 + math.cos(math.pi * epoch / epochs)) / 2 for epoch in range(epochs)]


def drops_until(share: float, factor: float) -> int:
    """How many drops by `factor` leave less than this share of the rate."""
    return math.floor(math.log(share) / math.log(factor)) + 1
