"""What max pooling throws away: which value of each window stays, and how few are left in the end."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def strongest(values: Floats) -> tuple[int, int]:
    """Row and column of the largest value of (H, W), the first of equals. Raises ValueError where there is none."""
    if not values.size:
        raise ValueError("there is no value")
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return int(row), int(column)


def left_over(poolings: int, window: int = 2) -> float:
    """The share of the places that are left after so many poolings of window × window: one of each window, each time."""
    return float((1 / window**2) ** poolings)


def left_of(poolings: Iterable[tuple[int, int]]) -> float:
    """The share of the places that poolings leave, each given by its maps' side before and after it.

    Of an odd side the last row is thrown away as well: from 31 to 15, and 23.4% are left of the places, not a quarter.
    """
    return math.prod((after / before) ** 2 for before, after in poolings)


def share_seen(rows: tuple[int, int], columns: tuple[int, int], side: int) -> float:
    """The share of a picture of side × side that lies within these rows and columns; the second of each is the one behind."""
    return (rows[1] - rows[0]) * (columns[1] - columns[0]) / side**2
