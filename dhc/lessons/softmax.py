"""Softmax turns any numbers into shares of one; cross-entropy says what the share of the true class costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """The shares of the classes (K,): e to each logit, divided by the sum of all of them.

    A temperature divides the logits first: above 1 the shares come nearer to each other, below 1 the largest takes more.
    Raises ValueError where it is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"a temperature is above 0, and {temperature} is not")
    scaled = np.asarray(logits, dtype=float) / temperature
    powers = np.exp(scaled - scaled.max())  # the largest taken off everywhere changes no share, and no power overflows
    return np.asarray(powers / powers.sum())


def cross_entropy(shares: Floats, true: int) -> float:
    """The loss of one answer: minus the natural logarithm of the true class's share. 0 where that share is 1."""
    return float(-np.log(shares[true]))


def gradient(shares: Floats, true: int) -> Floats:
    """By how much the loss rises with each logit (K,), at a temperature of 1: the share, less 1 at the true class."""
    slopes = np.array(shares, dtype=float)
    slopes[true] -= 1
    return slopes
