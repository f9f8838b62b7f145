"""Overfitting seen in two curves: the epoch that a checkpoint keeps, and the one after which early stopping ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """How a training ends that watches a curve.

    last: the last epoch that is trained, from 1. best: the one that a checkpoint keeps of those. waited: after each epoch, how
    many in a row were not better. is_early: whether early stopping ended it before the curve does.
    """

    last: int
    best: int
    waited: tuple[int, ...]
    is_early: bool


def ending(values: Sequence[float], patience: int) -> Ending:
    """Early stopping over a curve that should rise, with a checkpoint of the best epoch: at least one value.

    It ends after `patience` epochs in a row that are not better than the best one, though not after the first epoch. A NaN is
    never better.
    """
    best, best_epoch, waits = -math.inf, 1, [0]
    for epoch, value in enumerate(values, start=1):
        is_better = value > best
        best, best_epoch = (value, epoch) if is_better else (best, best_epoch)
        waits.append(0 if is_better else waits[-1] + 1)
        if waits[-1] >= patience and epoch > 1:
            return Ending(epoch, best_epoch, tuple(waits[1:]), epoch < len(values))
    return Ending(len(values), best_epoch, tuple(waits[1:]), False)


def gaps(train: Sequence[float], val: Sequence[float]) -> list[float]:
    """How much better the network does on pictures that it has learned than on others, epoch by epoch."""
    return [seen - unseen for seen, unseen in zip(train, val, strict=True)]
