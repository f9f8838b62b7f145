"""Augmentation: a picture mirrored, turned, zoomed, shifted or partly erased, as training might see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mirror(picture: Floats) -> Floats:
    """Left becomes right. A picture is (H, W, C) here and below."""
    return picture[:, ::-1]


def upset(picture: Floats) -> Floats:
    """Top becomes bottom."""
    return picture[::-1]


def both(picture: Floats) -> Floats:
    """Both at once: half a turn."""
    return picture[::-1, ::-1]


FLIPS: Final[Mapping[str, Callable[[Floats], Floats]]] = {"horizontal": mirror, "vertical": upset, "both": both}


def turn(picture: Floats, degrees: float) -> Floats:
    """Turned about its middle against the clock: each pixel asks where it comes from, and takes what `sample` finds there."""
    down, right = _from_middle(picture)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return sample(picture, *_to_corner(picture, cos * down + sin * right, cos * right - sin * down))


def zoom(picture: Floats, factor: float) -> Floats:
    """Drawn `factor` times as large about its middle; below 1 its surroundings come into sight, as its mirror image."""
    down, right = _from_middle(picture)
    return sample(picture, *_to_corner(picture, down / factor, right / factor))


def shift(picture: Floats, share: float) -> Floats:
    """Moved to the right by this share of its width."""
    down, right = _from_middle(picture)
    return sample(picture, *_to_corner(picture, down, right - share * picture.shape[1]))


def erase(picture: Floats, share: float, rng: np.random.Generator) -> Floats:
    """A square of this share of the area is overwritten with noise from 0 to 255, somewhere in the picture."""
    height, width = picture.shape[:2]
    high, wide = (round(side * share**0.5) for side in (height, width))
    top, left = rng.integers(0, height - high + 1), rng.integers(0, width - wide + 1)
    answer = picture.copy()
    answer[top : top + high, left : left + wide] = rng.integers(0, 256, (high, wide, picture.shape[2]))
    return answer


def sample(picture: Floats, down: Floats, right: Floats) -> Floats:
    """The picture at places between its pixels: the mean of the four around, the nearer the heavier (bilinear).

    down, right: (H, W), counted in pixels from the middle of the first one. Beyond its edge a picture goes on as its mirror
    image.
    """
    top, left = np.floor(down).astype(int), np.floor(right).astype(int)
    below, beside = (down - top)[..., None], (right - left)[..., None]
    rows = [_within(top + step, picture.shape[0]) for step in (0, 1)]
    columns = [_within(left + step, picture.shape[1]) for step in (0, 1)]
    upper, lower = (picture[row, columns[0]] * (1 - beside) + picture[row, columns[1]] * beside for row in rows)
    return np.asarray(upper * (1 - below) + lower * below, dtype=float)


def shrink(picture: Floats, side: int) -> Floats:
    """As a feature map of `side` × `side` would see it: the mean of what falls into each of its cells."""
    edges = [np.linspace(0, length, side + 1).round().astype(int) for length in picture.shape[:2]]
    rows = np.add.reduceat(picture, edges[0][:-1], axis=0)
    sums = np.add.reduceat(rows, edges[1][:-1], axis=1)
    areas = np.outer(np.diff(edges[0]), np.diff(edges[1]))
    return np.asarray(sums / areas[..., None], dtype=float)


def _from_middle(picture: Floats) -> tuple[Floats, Floats]:
    """How far each pixel lies below and to the right of the middle: (H, 1) and (1, W)."""
    height, width = picture.shape[:2]
    return np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None] - (width - 1) / 2


def _to_corner(picture: Floats, down: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Places counted from the middle, as `sample` counts them, rounded so that a quarter turn hits the pixels."""
    height, width = picture.shape[:2]
    down, right = np.broadcast_arrays(down + (height - 1) / 2, right + (width - 1) / 2)
    return down.round(9), right.round(9)


def _within(places: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    """Places beyond the edge, mirrored back: … 1 0 | 0 1 2 | 2 1 …."""
    folded = places % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)


# Ten digits of 7 × 5 pixels, a row of 35 each.
_FONT = (
    "01110 10001 10001 10001 10001 10001 01110|00100 01100 00100 00100 00100 00100 01110"
    "|01110 10001 00001 00010 00100 01000 11111|11111 00010 00100 00010 00001 10001 01110"
    "|00010 00110 01010 10010 11111 00010 00010|11111 10000 11110 00001 00001 10001 01110"
    "|01110 10000 10000 11110 10001 10001 01110|11111 00001 00010 00100 01000 01000 01000"
    "|01110 10001 10001 01110 10001 10001 01110|01110 10001 10001 01111 00001 00001 01110"
)


def digits(scale: int = 6) -> Floats:
    """The ten digits as pictures, (10, 64, 64, 1), 0 for the ground and 255 for the ink; each pixel is `scale` wide."""
    ink = [[[int(dot) for dot in row] for row in digit.split()] for digit in _FONT.split("|")]
    large = np.kron(np.array(ink, dtype=float), np.ones((scale, scale))) * 255
    margin = [(0, 0), *(((64 - side) // 2, 64 - side - (64 - side) // 2) for side in large.shape[1:])]
    return np.pad(large, margin)[..., None]


def nearest_digit(picture: Floats) -> int:
    """Which of the ten `digits` a picture (64, 64, 1) is nearest to, pixel by pixel."""
    return int(np.abs(digits() - picture).sum(axis=(1, 2, 3)).argmin())
