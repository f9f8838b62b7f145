"""Nearest neighbours: how far pictures are from one another, pixel by pixel, and what the nearest say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def euclidean(row: Floats, rows: Floats) -> Floats:
    """The root of the sum of the squared differences: the length of the straight line. (P,) and (N, P) to (N,)."""
    return np.asarray(np.sqrt(((rows - row) ** 2).sum(axis=1)))


def manhattan(row: Floats, rows: Floats) -> Floats:
    """The sum of the differences without their signs: the way along the streets. (P,) and (N, P) to (N,)."""
    return np.asarray(np.abs(rows - row).sum(axis=1))


def cosine(row: Floats, rows: Floats) -> Floats:
    """1 less the cosine of the angle between two rows: 0 where one is a multiple of the other, 1 where one has no length."""
    lengths = np.sqrt((rows**2).sum(axis=1)) * np.sqrt((row**2).sum())
    shares = (rows @ row) / np.where(lengths > 0, lengths, 1)
    return np.asarray(np.clip(1 - shares, 0, 2))  # a picture and itself may be a rounding error apart


DISTANCES: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = {
    "euclidean": euclidean,
    "manhattan": manhattan,
    "cosine": cosine,
}


def as_rows(pictures: NDArray[np.uint8]) -> Floats:
    """Pictures (N, H, W, C) as rows of numbers from 0 to 1: (N, H·W·C) float32."""
    return pictures.reshape(len(pictures), -1).astype(np.float32) / 255


def shifted(picture: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """The picture (H, W, C) moved to the right; what comes in at its left side is that side again."""
    return picture[:, np.maximum(np.arange(picture.shape[1]) - pixels, 0)]


def to_itself(picture: NDArray[np.uint8], distance: Callable[[Floats, Floats], Floats], most: int) -> Floats:
    """How far the picture is from itself when it is moved by 0, 1, …, `most` pixels: (most + 1,)."""
    moved = np.stack([shifted(picture, pixels) for pixels in range(most + 1)])
    return distance(as_rows(picture[None])[0], as_rows(moved))


def majority(labels: NDArray[np.int64]) -> int:
    """The class that most of the neighbours have, nearest first; of equally many, the class of the nearest of them."""
    counts = np.bincount(labels)
    return int(next(label for label in labels if counts[label] == counts.max()))
