"""The feature maps of a layer for one picture: in which order they are shown, and on which scale."""

from __future__ import annotations

from typing import Literal

import numpy as np

Order = Literal["strength", "place"]


def order_of(maps: np.ndarray, order: Order) -> np.ndarray:
    """(C,) int64: the channels of maps (h, w, C) as they are shown; by ``strength``, those with the largest values first."""
    if order == "place":
        return np.arange(maps.shape[-1])
    return np.argsort(-maps.max(axis=(0, 1)), kind="stable")


def tops(maps: np.ndarray, *, common: bool) -> np.ndarray:
    """(C,) float32: which size has the full colour in each map: its own largest, or the largest of all. 0 of a map of zeros."""
    sizes = np.abs(maps).max(axis=(0, 1)).astype(np.float32)
    return np.full_like(sizes, sizes.max(initial=0.0)) if common else sizes


def silent(maps: np.ndarray) -> int:
    """How many of the maps are 0 everywhere."""
    return int((~maps.any(axis=(0, 1))).sum())
