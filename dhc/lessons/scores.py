"""Precision, recall and F1 out of a confusion matrix, class by class and on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of each class, (K,) each.

    right: pictures of it that were called so. called: pictures that were called so. real: pictures of it. precision: of what was
    called so, how much is. recall: of what is, how much was called so. f1: the harmonic mean of the two. 0 / 0 counts as 0.
    """

    right: Counts
    called: Counts
    real: Counts
    precision: Floats
    recall: Floats
    f1: Floats


def scores(matrix: Counts) -> Scores:
    """The figures of a matrix (K, K) of counts: a row for each true class, a column for each that was answered."""
    right, called, real = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    precision, recall = ratio(right, called), ratio(right, real)
    f1 = ratio(2 * precision * recall, precision + recall)
    return Scores(right, called, real, precision, recall, f1)


def accuracy(matrix: Counts) -> float:
    """The share of all pictures that lie on the diagonal."""
    return float(ratio(matrix.trace(), matrix.sum()))


def macro(figures: Floats) -> float:
    """The mean in which each class counts the same."""
    return float(figures.mean())


def weighted(figures: Floats, real: Counts) -> float:
    """The mean in which each class counts by its pictures."""
    return float(ratio((figures * real).sum(), real.sum()))


def always_the_largest(matrix: Counts) -> Counts:
    """The same pictures, each called what the largest class is."""
    real = matrix.sum(axis=1)
    answer = np.zeros_like(matrix)
    answer[:, real.argmax()] = real
    return answer


def all_right(matrix: Counts) -> Counts:
    """The same pictures, each called what it is."""
    return np.diag(matrix.sum(axis=1))


def ratio(part: NDArray[np.generic] | np.generic, whole: NDArray[np.generic] | np.generic) -> Floats:
    """part / whole, and 0 where whole is 0."""
    above, below = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0))
