"""Dropout: while training, some units are left out by chance, and the others made up for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# What comes in, the weights of ten hidden units (a column each), and the weights with which the answer takes them.
INPUTS = np.array([1.0, 0.5, -1.0, 2.0])
HIDDEN = np.array(
    [
        [0.6, -0.2, 0.9, 0.1, -0.4, 0.8, 0.3, 0.5, -0.6, 0.2],
        [0.4, 0.8, -0.6, 0.2, 0.6, -0.2, 0.4, 0.2, 0.8, -0.4],
        [0.1, -0.5, 0.2, -0.7, 0.3, -0.1, 0.6, -0.4, 0.2, -0.8],
        [0.3, 0.4, 0.2, 0.3, 0.7, 0.1, 0.5, 0.2, 0.6, 0.1],
    ]
)
OUTPUT = np.array([0.9, -0.4, 0.7, 0.8, 0.5, -0.6, 1.1, 0.4, -0.8, 1.0])


def hidden(inputs: Floats = INPUTS) -> Floats:
    """What the hidden units give for the inputs (I,): (U,), after ReLU."""
    return np.asarray(np.maximum(inputs @ HIDDEN, 0.0))


def masks(rate: float, count: int, units: int, seed: int) -> Mask:
    """Which units stay, True or False by chance, (count, units): each is left out with the probability `rate`."""
    return np.asarray(np.random.default_rng(seed).random((count, units)) >= rate)


def drop(values: Floats, mask: Mask, rate: float, *, is_scaled: bool = True) -> Floats:
    """The values (U,) behind dropout: 0 where the mask is False, and the others divided by 1 - rate.

    That is inverted scaling: it keeps the mean over many masks where it is without any. Raises ValueError for a rate of 1.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"a rate is from 0 to below 1, and {rate} is not")
    kept = np.where(mask, values, 0.0)
    return np.asarray(kept / (1 - rate) if is_scaled else kept)


def answer(values: Floats) -> float:
    """The network's answer, made of what its hidden units give (U,)."""
    return float(values @ OUTPUT)


def spread(rate: float, values: Floats) -> float:
    """The standard deviation of the answer over all masks of a rate, with inverted scaling."""
    return float(np.sqrt(rate / (1 - rate) * ((values * OUTPUT) ** 2).sum()))
