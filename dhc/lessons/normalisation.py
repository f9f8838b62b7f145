"""Batch normalisation: what it does to a batch of one unit's values, and the averages that it keeps for later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EPSILON = 1e-3  # Keras's: added to the variance, so that nothing is divided by 0
STEPS = 150
TURN = 75  # the step at which the layers before have learned something else, and the unit's values move
MEANS, DEVIATION = (3.0, -1.0), 2.0  # of the unit's values before and after the turn


@dataclass(frozen=True, eq=False)
class Training:
    """Steps of training: the values of each batch (T, N), their mean and variance, and the averages kept after each (T,)."""

    values: Floats
    mean: Floats
    variance: Floats
    moving_mean: Floats
    moving_variance: Floats


def normalise(values: Floats, mean: float, variance: float, gamma: float = 1.0, beta: float = 0.0) -> Floats:
    """The values (N,), less the mean, over the standard deviation, then times gamma plus beta, both of which are learned."""
    return np.asarray(gamma * (values - mean) / np.sqrt(variance + EPSILON) + beta)


def moved(average: float, new: float, momentum: float) -> float:
    """A moving average after one more step: a share `momentum` of it stays, the rest is the new value."""
    return momentum * average + (1 - momentum) * new


def centres() -> Floats:
    """The mean of all values that the unit could give, at each step: (STEPS,)."""
    return np.where(np.arange(STEPS) < TURN, *MEANS)


def train(size: int, momentum: float, seed: int = 0) -> Training:
    """STEPS batches of `size` values of a unit whose mean changes at the TURN; the averages begin at 0 and 1, as Keras's do."""
    values = np.random.default_rng(seed).normal(centres()[:, None], DEVIATION, (STEPS, size))
    mean, variance = values.mean(axis=1), values.var(axis=1)
    averages = [(0.0, 1.0)]
    for new_mean, new_variance in zip(mean, variance, strict=True):
        old_mean, old_variance = averages[-1]
        averages.append((moved(old_mean, new_mean, momentum), moved(old_variance, new_variance, momentum)))
    moving = np.array(averages[1:])
    return Training(values, mean, variance, moving[:, 0], moving[:, 1])
