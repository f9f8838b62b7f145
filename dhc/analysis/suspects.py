"""Which labels are likely wrong: of val by confident learning, of train by what the network said of each picture epoch by epoch.

Confident learning (Northcutt et al., 2021, https://doi.org/10.1613/jair.1.12125) as ``cleanlab`` has it under
``filter_by="confident_learning"``. Of train the area under the margin (Pleiss et al., 2020): a picture with a wrong label is pulled
towards its true class by all its like, so that its margin stays low while the others' rises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dhc.analysis.dynamics import area_under_margin
from dhc.runs.dynamics import Dynamics

FAR: Final = 3.0  # standard deviations
NORMAL: Final = 1.4826  # standard deviations of a normal distribution for each median deviation
NONSENSE: Final = (
    "This run learned shuffled labels, so it cannot tell which are wrong: choose a run that learned the true ones"
)
NEAR_ENOUGH: Final = 1e-6  # by which a probability may miss its class's threshold, as cleanlab has it


@dataclass(frozen=True, eq=False)
class Suspects:
    """N pictures by how likely their label is wrong.

    order    (N,) int64, their rows, the most suspect first
    score    (N,) float64, 0 to 1 by row: the lower, the more suspect
    likely   how many of the first are likely wrong
    """

    order: np.ndarray
    score: np.ndarray
    likely: int


def of_val(y: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """Val's suspects: what confident learning finds, by normalised margin, then all others by the same.

    y: (N,) int labels. probabilities: (N, K) of a network that has not seen the pictures.
    """
    probabilities = np.asarray(probabilities, np.float64)
    score, likely = normalized_margin(y, probabilities), likely_errors(y, probabilities)
    order = np.lexsort((score, ~likely))
    return Suspects(order, score, int(likely.sum()))


def likely_errors(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(N,) bool: the pictures off the diagonal of the confident joint whose label is not the network's answer, either.

    A picture counts as confidently of a class where that has at least the mean probability which the pictures labelled so have of
    it; of several such classes as of the most probable one.
    """
    rows, answers = np.arange(len(y)), probabilities.argmax(axis=1)
    confident = probabilities >= thresholds(y, probabilities) - NEAR_ENOUGH
    guesses = np.where(confident.sum(axis=1) > 1, answers, confident.argmax(axis=1))
    result: np.ndarray = confident[rows, guesses] & (guesses != y) & (answers != y)
    return result


def thresholds(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(K,): of each class the mean probability that pictures labelled so have of it; above 1 where there are none."""
    own = probabilities[np.arange(len(y)), y]
    counts = np.bincount(y, minlength=probabilities.shape[1])
    sums = np.bincount(y, weights=own, minlength=probabilities.shape[1])
    means: np.ndarray = np.where(counts > 0, sums / np.maximum(counts, 1), 2.0)
    return means


def normalized_margin(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(N,), 0 to 1: the label's probability minus the largest other one, from -1…1 moved to 0…1."""
    rows = np.arange(len(y))
    others = np.array(probabilities, np.float64)
    own = others[rows, y].copy()
    others[rows, y] = -np.inf
    score: np.ndarray = (own - others.max(axis=1) + 1) / 2
    return score


def of_train(dynamics: Dynamics) -> Suspects:
    """Train's suspects by the area under the margin.

    Likely wrong are those of which the network believed another class on average, and that lie further below the median than
    `FAR` standard deviations of what lies around it: a young network believes another class of most pictures. A picture that no
    epoch showed stands last.
    """
    aum = area_under_margin(dynamics)
    score = np.where(np.isnan(aum), 1.0, 1 / (1 + np.exp(-np.clip(np.nan_to_num(aum), -50, 50))))
    return Suspects(np.argsort(score, kind="stable"), score, int((aum < min(0.0, _far_below(aum))).sum()))


def _far_below(values: np.ndarray) -> float:
    """`FAR` standard deviations below the median, as the median deviation from it tells them, which few outliers cannot move."""
    values = values[~np.isnan(values)]
    if not len(values):
        return 0.0
    median = float(np.median(values))
    return median - FAR * NORMAL * float(np.median(np.abs(values - median)))


def among(suspects: Suspects, here: np.ndarray) -> Suspects:
    """Those of the pictures that are here, (N,) bool, numbered anew."""
    if here.all():
        return suspects
    number = np.cumsum(here) - 1
    order = suspects.order[here[suspects.order]]
    likely = int(here[suspects.order[: suspects.likely]].sum())
    return Suspects(number[order], suspects.score[here], likely)
