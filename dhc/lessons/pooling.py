"""Pooling: of each window of a feature map one number is left, the largest or the mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def pool(values: Floats, window: int, kind: str) -> Floats:
    """Windows of window × window numbers, side by side, each made one number: (H // window, W // window).

    kind: "max" takes the largest, "mean" the mean. What is left over at the end is not seen, as in Keras.
    """
    height, width = (side // window for side in values.shape)
    windows = values[: height * window, : width * window].reshape(height, window, width, window)
    return np.asarray(windows.max(axis=(1, 3)) if kind == "max" else windows.mean(axis=(1, 3)), float)


def shifted(picture: Floats, pixels: int) -> Floats:
    """The picture moved to the right; what comes in at its left side is that side again."""
    return picture[:, np.maximum(np.arange(picture.shape[1]) - pixels, 0)]


def change(before: Floats, after: Floats) -> float:
    """How much numbers from 0 up changed: the sum of the differences, as a share of all that there was before and after."""
    total = float((before + after).sum())
    return float(np.abs(after - before).sum()) / total if total else 0.0


def strongest_corner(values: Floats, side: int, step: int) -> tuple[int, int]:
    """First row and column, multiples of `step`, of the side × side piece with the largest sum."""
    corners = [
        (row, column)
        for row in range(0, values.shape[0] - side + 1, step)
        for column in range(0, values.shape[1] - side + 1, step)
    ]
    return max(corners, key=lambda corner: float(values[corner[0] :, corner[1] :][:side, :side].sum()))
