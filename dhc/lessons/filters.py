"""Filters and feature maps: a kernel for each colour, and what it finds all over a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ACROSS: Final = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float) / 4
_CORNER: Final = np.array([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], float) / 4
_SPOT: Final = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], float) / 8
_MEAN: Final = np.full((3, 3), 1 / 9)
_GREY: Final = (1 / 3, 1 / 3, 1 / 3)
_RED, _BLUE = (1.0, -1.0, 0.0), (-0.5, -0.5, 1.0)  # red against green, blue against yellow: so the eye has it, too


def _filter(pattern: Floats, colours: tuple[float, float, float]) -> Floats:
    """The same pattern for each colour, as strong as the colour counts: (3, 3, 3)."""
    return np.asarray(pattern[:, :, None] * np.array(colours), float)


# Made by hand; what networks find by themselves looks much like them.
FILTERS: Final[Mapping[str, Floats]] = {
    "upright": _filter(_ACROSS, _GREY),
    "level": _filter(_ACROSS.T, _GREY),
    "slant": _filter(_CORNER, _GREY),
    "spot": _filter(_SPOT, _GREY),
    "mean": _filter(_MEAN, _GREY),
    "red": _filter(_MEAN, _RED),
    "blue": _filter(_MEAN, _BLUE),
    "red_edge": _filter(_ACROSS, _RED),
}


def feature_maps(picture: Floats, filters: Floats) -> Floats:
    """What filters (h, w, C, F) find in a picture (H, W, C), without padding: (H - h + 1, W - w + 1, F).

    Instead of going from place to place, each weight is laid over the whole picture at once: shifted, multiplied, added up.
    """
    extent, width = filters.shape[:2]
    height_of_map, width_of_map = picture.shape[0] - extent + 1, picture.shape[1] - width + 1
    maps = np.zeros((height_of_map, width_of_map, filters.shape[3]))
    for row in range(extent):
        for column in range(width):
            shifted = picture[row : row + height_of_map, column : column + width_of_map]
            maps += shifted @ filters[row, column]
    return maps
