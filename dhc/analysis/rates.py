"""Reading a search for a learning rate: where the loss falls best, by fast.ai's two rules.

The rules are those of fast.ai 2 (`fastai.callback.schedule`): the same losses give the same suggestions, but for what its rules name in
noise: a rate where the loss hardly falls, or a steepest place long before it does. Ours name none there. `dhc.models.search` says how a
search goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dhc.config import ScheduleConfig
from dhc.models.search import smooth

SKIPPED_START = 0.1  # share of the batches asked for that no suggestion looks at: the average has hardly begun
SKIPPED_END = 5  # batches at the end, where the loss blows up
FEWEST = 3  # points from which something can be suggested
START = 1 / 3  # of the valley, for a schedule that begins at its highest rate
NOISE = 10.0  # times: a steepest place so far below the valley lies before the loss falls


@dataclass(frozen=True)
class RateSuggestions:
    """Learning rates to start from; both None where too few batches ran, or the loss hardly fell.

    valley   a good two thirds down the longest stretch in which the smoothed loss falls
    steep    where it falls fastest per decade of the rate; None where that is noise, before the loss falls
    """

    valley: float | None = None
    steep: float | None = None

    def start(self, schedule: ScheduleConfig) -> float | None:
        """The rate to take with a schedule.

        fast.ai's valley is the peak of a cycle that rises to it. A schedule that warms up does so, too; one that begins at its
        highest rate begins at a third (Smith, 2017, section 3.3: a third or a quarter of the largest one).
        """
        if self.valley is None:
            return None
        rises = schedule.name in ("warmup", "cosine") and schedule.warmup_epochs > 0
        return self.valley if rises else self.valley * START


@dataclass(frozen=True, eq=False)
class RateCurve:
    """A search so far: learning rate and loss of each batch, the running average of the losses, all (N,), and what they suggest."""

    rates: np.ndarray
    losses: np.ndarray
    averages: np.ndarray
    suggestions: RateSuggestions


def read_search(table: pd.DataFrame, batches: int) -> RateCurve:
    """The search of up to `batches` batches whose events are in `table` (`History.search`)."""
    rates, losses = table["learning_rate"].to_numpy(), table["loss"].to_numpy()
    averages = smooth(losses)
    return RateCurve(rates, losses, averages, suggestions(rates, averages, batches))


def suggestions(rates: np.ndarray, averages: np.ndarray, batches: int) -> RateSuggestions:
    """What the rules say of a search of up to `batches` batches.

    rates     (N,) ascending, above 0
    averages  (N,) smoothed losses, the last perhaps not finite
    """
    first = int(batches * SKIPPED_START)
    rates, averages = rates[first:-SKIPPED_END], averages[first:-SKIPPED_END]
    finite = np.isfinite(averages)
    end = len(averages) if finite.all() else int(np.argmin(finite))
    if end < FEWEST or falling(averages[:end]).max() < FEWEST:
        return RateSuggestions()
    deep, fast = valley(rates[:end], averages[:end]), steep(rates[:end], averages[:end])
    return RateSuggestions(deep, fast if fast * NOISE >= deep else None)


def valley(rates: np.ndarray, averages: np.ndarray) -> float:
    """The rate half way through the middle third of the longest falling subsequence of the losses."""
    lengths = falling(averages)
    end = int(np.argmax(lengths))
    start = end - int(lengths[end]) if lengths[end] > 1 else 0
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def falling(averages: np.ndarray) -> np.ndarray:
    """(N,) int: how many losses the longest falling subsequence that ends at each has."""
    lengths = np.ones(len(averages), dtype=int)
    for i in range(1, len(averages)):
        higher = averages[:i] > averages[i]
        if higher.any():
            lengths[i] = 1 + lengths[:i][higher].max()
    return lengths


def steep(rates: np.ndarray, averages: np.ndarray) -> float:
    """The rate behind which the loss falls fastest over the logarithm of the rate."""
    falls, decades = np.diff(averages), np.diff(np.log(rates))
    slopes = np.divide(falls, decades, out=np.zeros_like(falls), where=decades > 0)  # rates are written in six digits
    return float(rates[np.argmin(slopes)])
