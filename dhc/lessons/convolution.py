"""Convolution: a kernel slides over a picture; each place gives one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The report's example (section 3).
REPORT_INPUT = ((3, 3, 2, 1, 0), (0, 0, 1, 3, 1), (3, 1, 2, 2, 3), (2, 0, 0, 2, 2), (2, 0, 0, 0, 1))
REPORT_KERNEL = ((0, 1, 2), (2, 2, 0), (0, 1, 2))


def convolve(picture: Floats, kernel: Floats, *, stride: int = 1, padding: int = 0) -> Floats:
    """The convolution of a picture (H, W) with a kernel (h, w) as Keras means it: the kernel is not turned over.

    padding: zeros on each side. Returns ((H + 2·padding - h) // stride + 1, (W + 2·padding - w) // stride + 1). Raises
    ValueError where the kernel is larger than the padded picture, or the stride is below 1.
    """
    padded = np.pad(picture, padding)
    height, width = (size(side, extent, stride) for side, extent in zip(padded.shape, kernel.shape, strict=True))
    answer = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            answer[row, column] = products(padded, kernel, row * stride, column * stride).sum()
    return answer


def products(picture: Floats, kernel: Floats, top: int, left: int) -> Floats:
    """The patch of the picture below the kernel, times the kernel, number by number: (h, w)."""
    height, width = kernel.shape
    return np.asarray(picture[top : top + height, left : left + width] * kernel, dtype=float)


def size(side: int, extent: int, stride: int) -> int:
    """How many places a kernel of `extent` numbers has on a side. Raises ValueError where it has none."""
    if stride < 1 or extent > side:
        raise ValueError(f"a kernel of {extent} does not fit on {side} numbers with a stride of {stride}")
    return (side - extent) // stride + 1
