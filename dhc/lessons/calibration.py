"""Calibration: whether of the answers that a network is 90% sure of nine in ten are right, and what a temperature does.

After Guo et al., "On calibration of modern neural networks" (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rights = NDArray[np.bool_]


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above `low` and up to `high`: how many, how sure on average, which share is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """(N, K): the softmax of the logits divided by a temperature above 0, from the softmax (N, K) without one.

    A logit is the logarithm of its probability up to a constant, so dividing it by T takes the T-th root of the probability. Of
    0.8 and 0.2 at T = 2: √0.8 and √0.2 over their sum, 2/3 and 1/3. The order of the classes stays.
    """
    largest = probabilities.max(axis=1, keepdims=True)
    powers = (probabilities / largest) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def reliability(confidences: Floats, rights: Rights, bins: int = 10) -> list[Bin]:
    """The bins of equal width that hold an answer, by rising confidence."""
    places = np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1)
    return [
        Bin(
            place / bins,
            (place + 1) / bins,
            int((places == place).sum()),
            float(confidences[places == place].mean()),
            float(rights[places == place].mean()),
        )
        for place in np.unique(places)
    ]


def calibration_error(bins: list[Bin]) -> float:
    """The expected calibration error (ECE): how far confidence and accuracy lie apart, on average over all answers."""
    return sum(bin.count * abs(bin.confidence - bin.accuracy) for bin in bins) / sum(bin.count for bin in bins)
