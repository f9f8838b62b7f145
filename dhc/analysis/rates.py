"""Reading a search for a learning rate: where the loss falls best, by fast.ai's two rules, and where it falls on the whole.

The rules are those of fast.ai 2 (`fastai.callback.schedule`): the same losses give the same suggestions, but for what its rules name in
noise: a rate where the loss hardly falls, or a steepest place long before it does. Ours name none there. `dhc.models.search` says how a
search goes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dhc.config import ScheduleConfig
from dhc.models.search import has_diverged, smooth

SKIPPED_START = 0.1  # share of the batches asked for that no suggestion looks at: the average has hardly begun
SKIPPED_END = 5  # batches at the end, where the loss blows up
FEWEST = 3  # points from which something can be suggested
NOISE = 10.0  # times: a steepest place so far below the valley lies before the loss falls
STRETCH = 6  # such a part of the batches gives a mean that is steady, where the loss is highest and lowest
BEFORE = 10**1.5  # times below the centre of its fall the loss does not fall yet
ROUNDS = 5  # after which the centre of the fall stays where it is


@dataclass(frozen=True)
class RateSuggestions:
    """Learning rates to start from; all None where too few batches ran, or the loss hardly fell.

    valley   a good two thirds down the longest stretch in which the smoothed loss falls
    steep    where it falls fastest per decade of the rate; None where that is noise, before the loss falls
    centre   the middle of all its fall
    """

    valley: float | None = None
    steep: float | None = None
    centre: float | None = None

    def start(self, schedule: ScheduleConfig) -> float | None:
        """The rate to take with a schedule.

        fast.ai's valley is the peak of a cycle that rises to it. A schedule that warms up does so, too; one that begins at its
        highest rate begins at the centre of the fall, and where the valley lies before that, so does every schedule.
        """
        if self.valley is None or self.centre is None:
            return None
        rises = schedule.name in ("warmup", "cosine") and schedule.warmup_epochs > 0
        return max(self.valley, self.centre) if rises else self.centre


@dataclass(frozen=True, eq=False)
class RatePass:
    """One pass of a search, so far: learning rate and loss of each batch, the losses' running average, all (N,), and what they suggest.

    It is whole once all its batches ran, or the loss blew up.
    """

    rates: np.ndarray
    losses: np.ndarray
    averages: np.ndarray
    suggestions: RateSuggestions
    is_whole: bool


@dataclass(frozen=True, eq=False)
class RateCurve(RatePass):
    """A search so far: the mean of its whole passes, and all `passes`. Before one is whole, the mean is the first alone."""

    passes: tuple[RatePass, ...]

    def starts(self, schedule: ScheduleConfig) -> tuple[float, float] | None:
        """The lowest and the highest rate that a whole pass by itself says to start from; None for fewer than two."""
        found = [one.suggestions.start(schedule) for one in self.passes if one.is_whole]
        starts = [rate for rate in found if rate is not None]
        return (min(starts), max(starts)) if len(starts) > 1 else None


def read_search(table: pd.DataFrame, batches: int) -> RateCurve:
    """The search of up to `batches` batches a pass whose events are in `table` (`History.search`)."""
    groups = [rows for _, rows in table.groupby("pass", sort=True)]
    passes = tuple(_read(rows["learning_rate"].to_numpy(), rows["loss"].to_numpy(), batches) for rows in groups)
    if not passes:
        return RateCurve(np.array([]), np.array([]), np.array([]), RateSuggestions(), False, ())
    whole = [one for one in passes if one.is_whole] or passes[:1]
    shortest = min(whole, key=lambda one: len(one.losses))
    mean = np.mean([one.losses[: len(shortest.losses)] for one in whole], axis=0)
    return RateCurve(**vars(_read(shortest.rates, mean, batches)), passes=passes)


def _read(rates: np.ndarray, losses: np.ndarray, batches: int) -> RatePass:
    averages = smooth(losses)
    by_rule = suggestions(rates, averages, batches)
    middle = centre(rates, losses, batches)
    suggested = RateSuggestions() if by_rule.valley is None or middle is None else replace(by_rule, centre=middle)
    return RatePass(rates, losses, averages, suggested, len(losses) >= batches or has_diverged(averages))


def centre(rates: np.ndarray, losses: np.ndarray, batches: int) -> float | None:
    """The rate at which a loss that falls all at once would have the same mean; None where the loss does not fall.

    That is the mean of the rate's logarithm over the fall: every loss counts, and none moves it far. How high the loss is before it
    falls is the mean of all losses well before the centre, which is therefore sought in rounds.

    rates   (N,) ascending, above 0
    losses  (N,) of each batch, the last perhaps not finite
    """
    finite = np.isfinite(losses)
    losses = losses if finite.all() else losses[: np.argmin(finite)]
    stretch = max(FEWEST, batches // STRETCH)
    if len(losses) < 2 * stretch:
        return None
    means = np.convolve(losses, np.ones(stretch) / stretch, "valid")
    end, lowest = int(np.argmin(means)) + stretch, float(means.min())
    logarithms, flat, middle = np.log(rates), stretch, 0.0
    for _ in range(ROUNDS):
        highest = float(losses[:flat].mean())
        if highest <= lowest:
            return None
        place = flat + float((losses[flat:end] - lowest).sum()) / (highest - lowest)
        middle = float(np.interp(place, np.arange(len(rates)), logarithms))
        flat = min(end, max(stretch, int((logarithms < middle - math.log(BEFORE)).sum())))
    return math.exp(middle)


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
