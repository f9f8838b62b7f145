"""Gradient descent on a loss of two weights: plain, with momentum, and Adam, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Walk = Callable[["Surface", tuple[float, float], float, int], Floats]

MOMENTUM: Final = 0.9  # of each step that the next one keeps
# Adam's memory of the slope and of its square, and what keeps it from dividing by 0: Keras's own values.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
FAR: Final = 1e6  # from the middle: a walk that comes this far has flown off, and ends


@dataclass(frozen=True)
class Surface:
    """A loss of two weights x and y: the sum of terms (c, i, j), each c · x^i · y^j. start: a point worth beginning from."""

    terms: tuple[tuple[float, int, int], ...]
    start: tuple[float, float]

    def loss(self, x: Floats, y: Floats) -> Floats:
        """The loss at each point."""
        return np.asarray(sum(c * x**i * y**j for c, i, j in self.terms), dtype=float)

    def slope(self, x: float, y: float) -> Floats:
        """The gradient (2,): how fast the loss grows along x, and along y."""
        along_x = sum(c * i * x ** (i - 1) * y**j for c, i, j in self.terms if i)
        along_y = sum(c * j * x**i * y ** (j - 1) for c, i, j in self.terms if j)
        return np.array([along_x, along_y], dtype=float)

    def lowest(self) -> float:
        """The least loss on a fine grid of points from -2 to 2."""
        x, y = np.meshgrid(np.linspace(-2, 2, 401), np.linspace(-2, 2, 401))
        return float(self.loss(x, y).min())


CURVATURE: Final = 20.0  # of the valley across: how fast its slope grows
SURFACES: Final[Mapping[str, Surface]] = {
    "valley": Surface(((0.5, 2, 0), (CURVATURE / 2, 0, 2)), start=(-1.8, 0.8)),
    "saddle": Surface(((0.5, 2, 0), (0.25, 0, 4), (-0.5, 0, 2)), start=(-1.6, 0.01)),
    "basins": Surface(((1, 4, 0), (-2, 2, 0), (0.35, 1, 0), (0.6, 0, 2)), start=(1.75, 1.2)),
}


def plain(surface: Surface, start: tuple[float, float], rate: float, steps: int) -> Floats:
    """Each step goes down the slope, by the slope times the rate. Returns the places, (steps + 1, 2) or less (FAR)."""
    places = [np.array(start, dtype=float)]
    for _ in range(steps):
        places.append(places[-1] - rate * surface.slope(*places[-1]))
        if np.abs(places[-1]).max() > FAR:
            break
    return np.array(places)


def momentum(surface: Surface, start: tuple[float, float], rate: float, steps: int) -> Floats:
    """Each step keeps MOMENTUM of the one before: it rolls on where the slope goes on. Returns as `plain` does."""
    places, speed = [np.array(start, dtype=float)], np.zeros(2)
    for _ in range(steps):
        speed = MOMENTUM * speed - rate * surface.slope(*places[-1])
        places.append(places[-1] + speed)
        if np.abs(places[-1]).max() > FAR:
            break
    return np.array(places)


def adam(surface: Surface, start: tuple[float, float], rate: float, steps: int) -> Floats:
    """Each weight is moved by its mean slope over the root of its mean squared slope. Returns as `plain` does.

    So that every weight moves by about the rate at first, however steep it is. Both means begin at 0, and are divided by what
    that takes from them.
    """
    places, mean, square = [np.array(start, dtype=float)], np.zeros(2), np.zeros(2)
    for step in range(1, steps + 1):
        slope = surface.slope(*places[-1])
        mean = BETA_1 * mean + (1 - BETA_1) * slope
        square = BETA_2 * square + (1 - BETA_2) * slope**2
        share = np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        places.append(places[-1] - rate * share * mean / (np.sqrt(square) + EPSILON))
        if np.abs(places[-1]).max() > FAR:
            break
    return np.array(places)


METHODS: Final[Mapping[str, Walk]] = {"plain": plain, "momentum": momentum, "adam": adam}
LARGEST_RATE: Final = 2 / CURVATURE  # at which plain descent still stays in the valley
