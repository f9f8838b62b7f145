"""Two networks before the same pictures: what only one of them knows, and what they know together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Quarters:
    """Shares of the pictures, together 1: both networks are right, only the first, only the second, neither."""

    both: float
    first: float
    second: float
    neither: float

    @property
    def apart(self) -> float:
        """The share that exactly one of them has right."""
        return self.first + self.second

    @property
    def either(self) -> float:
        """The share that at least one has right: what a judge who always believes the right one would reach."""
        return 1 - self.neither


def quarters(first: Right, second: Right) -> Quarters:
    """Of two networks' rights and wrongs on the same pictures, (N,) each. Raises ValueError without pictures."""
    if not len(first):
        raise ValueError("without pictures nothing can be compared")
    return Quarters(
        *(float(part.mean()) for part in (first & second, first & ~second, ~first & second, ~first & ~second))
    )


def apart_by_chance(first: float, second: float) -> float:
    """The share that exactly one would have right, did two networks of these accuracies err independently of each other."""
    return first * (1 - second) + second * (1 - first)
