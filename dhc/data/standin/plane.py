"""The warped drawing plane that motifs are written on, and the soft tools that they share.
Everything here works on a batch: arrays of shape (B, SIDE, SIDE), float32, one picture per row. The plane's unit is half
the picture's side, so a motif that fills the picture reaches from -1 to 1; y points up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 64

F32 = NDArray[np.floating[Any]]  # float32 throughout; NumPy's types widen what its arithmetic does not


@dataclass(frozen=True)
class Plane:
    """Each pixel's place in the motif's own, bent coordinates, and the motif's random source.
    x, y: (B, SIDE, SIDE) float32, about [-1.5, 1.5].  rng: draws what may differ between pictures of one class.
    """

    x: F32
    y: F32
    rng: np.random.Generator

    def draw(self, low: float, high: float) -> F32:
        """One number per picture, uniform in [low, high): (B, 1, 1) float32."""
        return uniform(self.rng, low, high, (len(self.x), 1, 1))

    def polar(self, x0: float = 0.0, y0: float = 0.0) -> tuple[F32, F32]:
        """Distance from (x0, y0) and angle in radians (-pi, pi]: (B, SIDE, SIDE) each.

        0 on the right, counter-clockwise.
        """
        dx, dy = self.x - np.float32(x0), self.y - np.float32(y0)
        return np.hypot(dx, dy), np.arctan2(dy, dx)


def uniform(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> F32:
    """Uniform float32 numbers in [low, high)."""
    return rng.uniform(low, high, shape).astype(np.float32)


def soft(distance: F32, width: float = 0.08) -> F32:
    """A soft inside: 1 where `distance` <= -width, 0 where >= width, smoothstep between."""
    t: F32 = np.clip(0.5 - distance * np.float32(0.5 / width), 0, 1)
    return t * t * (3 - 2 * t)


def segment(x: F32, y: F32, start: tuple[float, float], end: tuple[float, float]) -> tuple[F32, F32]:
    """Distance to a line segment, and the place along it: 0 at `start`, 1 at `end`."""
    ux, uy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((px * ux + py * uy) / (ux * ux + uy * uy), 0, 1)
    return np.hypot(px - along * ux, py - along * uy), along


def ellipse(x: F32, y: F32, centre: tuple[float, float], radii: tuple[float, float], tilt: float = 0.0) -> F32:
    """Approximate signed distance to a tilted ellipse: negative inside, 0 on the rim.

    tilt in radians.
    """
    c, s = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    px, py = x - np.float32(centre[0]), y - np.float32(centre[1])
    ex, ey = (px * c + py * s) / np.float32(radii[0]), (py * c - px * s) / np.float32(radii[1])
    return (np.hypot(ex, ey) - 1) * np.float32(min(radii))


def fold(angle: F32, sectors: int) -> F32:
    """Angle within its sector, -pi/sectors to pi/sectors, 0 in its middle: for stars and petals."""
    width = np.float32(2 * np.pi / sectors)
    return angle - width * np.round(angle / width)


def smooth_noise(rng: np.random.Generator, count: int, cells: int) -> F32:
    """Clouds: (count, SIDE, SIDE) float32, mean 0, spread about 1, `cells` bumps across a side."""
    basis = _bumps(cells)
    grid = rng.standard_normal((count, basis.shape[1], basis.shape[1]), dtype=np.float32)
    clouds: F32 = basis @ grid @ basis.T
    return clouds


@lru_cache
def _bumps(cells: int) -> F32:
    """(SIDE, cells + 3) cubic B-spline weights of each pixel.

    Scaled so that unit normal weights give unit spread.
    """
    place = (np.arange(SIDE) + 0.5) / SIDE * cells
    far = np.abs(place[:, None] - np.arange(-1, cells + 2)[None, :])
    near = 2 / 3 - far**2 + far**3 / 2
    weights: NDArray[np.float64] = np.where(far < 1, near, np.where(far < 2, (2 - far) ** 3 / 6, 0.0))
    scaled: F32 = (weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype(np.float32)
    return scaled


@lru_cache
def blur_kernel(sigma: float, offset: float = 0.0) -> F32:
    """(SIDE, SIDE) matrix whose product with a column of pixels blurs and moves it.

    Gaussian of `sigma` pixels, moved by `offset` pixels.
    """
    i = np.arange(SIDE)
    weights: NDArray[np.float64] = np.exp(-0.5 * ((i[:, None] - i[None, :] + offset) / sigma) ** 2)
    scaled: F32 = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return scaled


def blur(planes: F32, sigma: float) -> F32:
    """Gaussian blur of the last two axes, SIDE long; the border repeats what is inside."""
    kernel = blur_kernel(sigma)
    blurred: F32 = kernel @ planes @ kernel.T
    return blurred
