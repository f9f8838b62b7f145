"""Activation: what becomes of each number behind a convolution, and how much gradient comes back through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], dtype=float)  # a filter that finds upright edges


def leaky_relu(values: Floats, slope: float) -> Floats:
    """The values as they are above 0, and times the slope below it; with a slope of 0 that is ReLU."""
    return np.asarray(np.where(values > 0, values, slope * values))


def gradient(values: Floats, slope: float) -> Floats:
    """What a gradient is multiplied by on its way back: 1 where a value above 0 came in, elsewhere the slope."""
    return np.asarray(np.where(values > 0, 1.0, slope))


def passing(values: Floats) -> float:
    """The share of the values that are above 0. A unit for which it is 0 on every picture is dead: ReLU tells it nothing."""
    return float((values > 0).mean())
