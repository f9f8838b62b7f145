"""Dead units: a ReLU whose input is never above 0 answers 0 to every picture, and nothing that it says can mend it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAK = 0.2  # slope of Keras's leaky_relu below 0


def relu(inputs: Floats, leak: float = 0.0) -> Floats:
    """The input where it is above 0, else `leak` times it: 0 for ReLU, LEAK for Keras's leaky_relu."""
    return np.where(inputs > 0, inputs, leak * inputs)


def slope(inputs: Floats, leak: float = 0.0) -> Floats:
    """By how much the answer changes with the input, which is what a gradient is multiplied with on its way back."""
    return np.where(inputs > 0, 1.0, leak)


def is_dead(inputs: Floats) -> NDArray[np.bool_]:
    """(U,): whether a ReLU's input is above 0 for none of the pictures; `inputs` are (N, U)."""
    return np.asarray((inputs <= 0).all(axis=0))


def deadly_rate(highest: float, bias: float, gradient: float) -> float:
    """The learning rate from which on one step kills a unit: it moves the bias down by rate · gradient.

    highest: the largest input over all pictures, before the bias is added; the unit is alive, so highest + bias is above 0.
    Highest 1, bias 0.5, gradient 3: 0.5, since 1 + 0.5 - 0.5 · 3 = 0. Raises ValueError where no step down kills it.
    """
    if highest + bias <= 0 or gradient <= 0:
        raise ValueError("only a living unit whose bias is moved down can be killed by a step")
    return (highest + bias) / gradient
