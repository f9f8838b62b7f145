"""Backpropagation through one small convolution: forward, back, and one step; every number can be followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dhc.lessons.convolution import convolve

Floats = NDArray[np.float64]

PICTURE = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]], dtype=float)
TARGET = 4.0


@dataclass(frozen=True, eq=False)
class Weights:
    """What is learnt: a kernel (h, w) and a bias."""

    kernel: Floats
    bias: float


START = Weights(np.array([[1, -1], [0, 1]], dtype=float), 0.0)


@dataclass(frozen=True, eq=False)
class Forward:
    """The way forward: the convolution with its bias (H, W), what ReLU leaves of it (H, W), their sum, the loss."""

    convolved: Floats
    active: Floats
    total: float
    loss: float


@dataclass(frozen=True, eq=False)
class Gradients:
    """By how much the loss rises with each number of the way, in the shape of that number's own array."""

    total: float
    active: Floats
    convolved: Floats
    kernel: Floats
    bias: float
    picture: Floats


def forward(picture: Floats, weights: Weights, target: float) -> Forward:
    """From a picture (H, W) to the loss: the square of how far the sum of its active numbers is from the target."""
    convolved = convolve(picture, weights.kernel) + weights.bias
    active = np.maximum(convolved, 0.0)
    total = float(active.sum())
    return Forward(convolved, active, total, (total - target) ** 2)


def backward(picture: Floats, weights: Weights, target: float) -> Gradients:
    """From the loss back: each gradient is made of the one after it, by the chain rule."""
    after = forward(picture, weights, target)
    total = 2 * (after.total - target)  # the loss is a square
    active = np.full(after.active.shape, total)  # each adds to the sum as it is
    convolved = active * (after.convolved > 0)  # ReLU lets back what it let through
    kernel, back = np.zeros_like(weights.kernel), np.zeros_like(picture)
    for place in np.ndindex(kernel.shape):
        kernel[place] = sum(pixel * slope for pixel, slope in kernel_products(picture, convolved, place))
    for place in np.ndindex(back.shape):
        back[place] = sum(weight * slope for weight, slope, _, _ in pixel_products(weights.kernel, convolved, place))
    return Gradients(total, active, convolved, kernel, float(convolved.sum()), back)


def kernel_products(picture: Floats, slopes: Floats, place: tuple[int, ...]) -> list[tuple[float, float]]:
    """The pixels that a number of the kernel met, each with the slope of what it helped to make there."""
    row, column = place
    return [(float(picture[row + i, column + j]), float(slopes[i, j])) for i, j in np.ndindex(slopes.shape)]


def pixel_products(
    kernel: Floats, slopes: Floats, place: tuple[int, ...]
) -> list[tuple[float, float, tuple[int, int], tuple[int, int]]]:
    """The kernel's numbers that met a pixel, each with the slope of what they made there; and where both stand."""
    row, column = place
    return [
        (float(kernel[row - i, column - j]), float(slopes[i, j]), (row - i, column - j), (i, j))
        for i, j in np.ndindex(slopes.shape)
        if 0 <= row - i < kernel.shape[0] and 0 <= column - j < kernel.shape[1]
    ]


def step(weights: Weights, gradients: Gradients, rate: float) -> Weights:
    """The weights after one step of gradient descent: each less its gradient times the rate."""
    return Weights(weights.kernel - rate * gradients.kernel, weights.bias - rate * gradients.bias)
