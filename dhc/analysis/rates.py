"""Reading a search for a learning rate: where the loss falls best, by fast.ai's two rules.

The rules are those of fast.ai 2 (`fastai.callback.schedule`): the same losses give the same suggestions. `dhc.models.search` says how
a search goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SKIPPED_START = 0.1  # share of the batches asked for that no suggestion looks at: the average has hardly begun
SKIPPED_END = 5  # batches at the end, where the loss blows up
FEWEST = 3  # points from which something can be suggested


@dataclass(frozen=True)
class RateSuggestions:
    """Learning rates to start from; both None where too few batches ran.

    valley   a good two thirds down the longest stretch in which the smoothed loss falls: the one to take
    steep    where it falls fastest per decade of the rate
    """

    valley: float | None = None
    steep: float | None = None


def suggestions(rates: np.ndarray, averages: np.ndarray, batches: int) -> RateSuggestions:
    """What the rules say of a search of up to `batches` batches.

    rates     (N,) ascending, above 0
    averages  (N,) smoothed losses, the last perhaps not finite
    """
    first = int(batches * SKIPPED_START)
    rates, averages = rates[first:-SKIPPED_END], averages[first:-SKIPPED_END]
    finite = np.isfinite(averages)
    end = len(averages) if finite.all() else int(np.argmin(finite))
    if end < FEWEST:
        return RateSuggestions()
    return RateSuggestions(valley(rates[:end], averages[:end]), steep(rates[:end], averages[:end]))


def valley(rates: np.ndarray, averages: np.ndarray) -> float:
    """The rate half way through the middle third of the longest falling subsequence of the losses."""
    lengths = np.ones(len(averages), dtype=int)
    for i in range(1, len(averages)):
        lower = averages[:i] > averages[i]
        if lower.any():
            lengths[i] = 1 + lengths[:i][lower].max()
    end = int(np.argmax(lengths))
    start = end - int(lengths[end]) if lengths[end] > 1 else 0
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def steep(rates: np.ndarray, averages: np.ndarray) -> float:
    """The rate behind which the loss falls fastest over the logarithm of the rate."""
    return float(rates[np.argmin(np.diff(averages) / np.diff(np.log(rates)))])
