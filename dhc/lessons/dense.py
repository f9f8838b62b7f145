"""Flatten and dense: maps become one row of numbers, and every unit takes all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Two maps of 2×2, (row, column, map), and the weights of two units.
MAPS = np.array([[[3, 0], [1, 2]], [[0, 4], [2, 1]]], dtype=float)
WEIGHTS = np.array([[1, -1], [0, 2], [-1, 1], [2, -1], [1, 0], [-1, -2], [0, 1], [1, 1]], dtype=float)
BIASES = np.array([1, -1], dtype=float)


def flatten(maps: Floats) -> Floats:
    """Maps (H, W, C) as one row (H·W·C,): place by place, row by row, at each place all maps."""
    return np.asarray(maps, dtype=float).reshape(-1)


def products(inputs: Floats, weights: Floats, unit: int) -> Floats:
    """Each input (I,) times the weight (I, U) with which this unit takes it: (I,)."""
    return np.asarray(inputs * weights[:, unit])


def dense(inputs: Floats, weights: Floats, biases: Floats) -> Floats:
    """The sum of a unit's products and its bias, for each unit: (U,). An activation comes after it."""
    units = range(weights.shape[1])
    return np.array([products(inputs, weights, unit).sum() + biases[unit] for unit in units])


def parameters(inputs: int, units: int) -> int:
    """How many numbers a dense layer learns: for each unit a weight for every input, and a bias."""
    return (inputs + 1) * units
