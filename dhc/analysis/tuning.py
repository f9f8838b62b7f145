"""What more runs are worth: the best result to expect of so many runs, with its confidence band.

The tuning curve and its band by the Dvoretzky-Kiefer-Wolfowitz inequality are those of Lourie, Cho and He, "Show your work with
confidence" (2024), as their package opda draws them; the expectation alone is that of Dodge et al., "Show your work" (2019). All of it
holds for runs whose settings were drawn at random: of a grid, whose values a person chose, nobody could say what the next run brings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
FEWEST = 5  # runs; a band of fewer holds nearly everything


@dataclass(frozen=True)
class TuningCurve:
    """The best val_accuracy to expect of 1, 2, … runs, each (N,) from 0 to 1, and the band that holds all of it at 95%."""

    runs: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray


def tuning_curve(results: Sequence[float], runs: Sequence[int]) -> TuningCurve:
    """The curve of randomly drawn settings that reached `results` (0 to 1), at so many runs.

    Beyond the number of results the expectation is a floor: nobody has seen what is better than the best. Raises ValueError for
    fewer than FEWEST results.
    """
    if len(results) < FEWEST:
        raise ValueError(f"{len(results)} runs are too few to say what more are worth: it takes {FEWEST}")
    values, counts = np.unique(np.asarray(results, dtype=np.float64), return_counts=True)
    share = np.cumsum(counts) / counts.sum()
    room = math.sqrt(math.log(2 / (1 - CONFIDENCE)) / (2 * len(results)))
    support = np.concatenate([[0.0], values, [1.0]])
    point = np.concatenate([[0.0], share, [1.0]])
    # The higher the share of bad settings, the lower the curve. No result lies outside 0 to 1.
    most_bad = np.concatenate([[min(1.0, room)], np.minimum(1, share + room), [1.0]])
    fewest_bad = np.concatenate([[0.0], np.maximum(0, share - room), [1.0]])
    numbers = np.asarray(runs, dtype=np.float64)
    expected, low, high = (_expected_best(support, shares, numbers) for shares in (point, most_bad, fewest_bad))
    return TuningCurve(np.asarray(runs), expected, low, high)


def worth_of_more(results: Sequence[float], more: int) -> float:
    """By how much `more` runs would raise the best result to expect, 0 to 1; at least that, as `tuning_curve` says."""
    curve = tuning_curve(results, [len(results), len(results) + more])
    return float(curve.expected[1] - curve.expected[0])


def _expected_best(support: np.ndarray, shares: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """The mean of the largest of so many draws from the distribution that has reached `shares` at the values of `support`."""
    powers = shares[None, :] ** runs[:, None]
    jumps = np.diff(powers, axis=1, prepend=0.0)
    return np.asarray(jumps @ support)
