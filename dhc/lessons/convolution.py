"""Convolution: a kernel slides over a picture; each place gives one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The report's example (section 3).
REPORT_INPUT = ((3, 3, 2, 1, 0), (0, 0, 1, 3, 1), (3, 1, 2, 2, 3), (2, 0, 0, 2, 2), (2, 0, 0, 0, 1))
REPORT_KERNEL = ((0, 1, 2), (2, 2, 0), (0, 1, 2))
# Kernels that people have drawn by hand since long before networks learned theirs.
KERNELS = {
    "report": REPORT_KERNEL,
    "edge": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "blur": ((1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9), (1 / 9, 1 / 9, 1 / 9)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
}
BRIGHTNESS = (0.299, 0.587, 0.114)  # how bright red, green and blue look


def brightness(picture: NDArray[np.uint8]) -> Floats:
    """How bright each pixel of a picture (H, W, 3) looks: (H, W), whole numbers from 0 to 255."""
    return np.asarray(np.rint(picture @ np.array(BRIGHTNESS)), float)


def shrunk(picture: Floats, factor: int) -> Floats:
    """The picture made of whole means of factor × factor pixels: (H // factor, W // factor)."""
    height, width = (side // factor for side in picture.shape)
    blocks = picture[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), float)


def mean_kernel(extent: int) -> Floats:
    """The kernel that takes the mean of extent × extent numbers."""
    return np.full((extent, extent), 1 / extent**2)


def convolve(picture: Floats, kernel: Floats, *, stride: int = 1, padding: int | tuple[int, int] = 0) -> Floats:
    """The convolution of a picture (H, W) with a kernel (h, w) as Keras means it: the kernel is not turned over.

    padding: zeros on each side, or how many before and how many behind. Returns ((H + zeros - h) // stride + 1,
    (W + zeros - w) // stride + 1). Raises ValueError where the kernel is larger than the padded picture, or the stride is
    below 1.
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


def same_padding(side: int, extent: int, stride: int = 1) -> tuple[int, int]:
    """The zeros before and behind a side with which Keras's padding "same" gives ceil(side / stride) numbers."""
    places = -(-side // stride)
    zeros = max(0, (places - 1) * stride + extent - side)
    return zeros // 2, zeros - zeros // 2


def unseen(side: int, extent: int, stride: int) -> int:
    """How many numbers at the end of a side no place of the kernel reaches."""
    return side - ((size(side, extent, stride) - 1) * stride + extent)


def times_seen(side: int, extent: int, stride: int, padding: tuple[int, int]) -> NDArray[np.int64]:
    """How many places of a square kernel reach each number of a square: (side, side)."""
    line = np.zeros(side + sum(padding), np.int64)
    for place in range(size(len(line), extent, stride)):
        line[place * stride : place * stride + extent] += 1
    line = line[padding[0] : padding[0] + side]
    return np.outer(line, line)
