"""The repeating motifs of the stand-in pictures: a maze, a honeycomb, a web.

Written like those in `motifs`.

A pattern fades out within a soft, uneven patch, so that its ground still shows.
"""

from __future__ import annotations

import numpy as np

from dhc.data.standin.motifs import Shape
from dhc.data.standin.plane import F32, Plane, fold, soft


def _patch(at: Plane, radius: float = 0.95) -> F32:
    """The uneven round in which a pattern is seen: (B, SIDE, SIDE) in [0, 1]."""
    r, a = at.polar()
    wobble = 0.1 * np.cos(2 * a + at.draw(0, 6.28)) + 0.06 * np.cos(3 * a + at.draw(0, 6.28))
    return soft(r - radius - wobble, 0.18)


def bubbles(at: Plane) -> Shape:
    """Nine hollow, shining circles of different sizes, anywhere."""
    alpha, tone = np.zeros_like(at.x), np.full_like(at.x, 0.3)
    for i in range(9):
        angle, reach = at.draw(0, 6.28) + 2.4 * i, 0.29 * i**0.5 * at.draw(0.85, 1.15)
        dx, dy = at.x - reach * np.cos(angle), at.y - reach * np.sin(angle)
        r, size = np.hypot(dx, dy), at.draw(0.2, 0.36)
        rim = soft(np.abs(r - size + 0.04) - 0.045, 0.05)
        glint = soft(np.hypot(dx - size * 0.35, dy - size * 0.35) - 0.05, 0.06)
        cover = np.maximum(np.maximum(rim, glint), 0.5 * soft(r - size, 0.05))
        tone = tone + cover * (0.25 + 0.25 * rim + 0.15 * dy / size + 0.6 * glint - tone)
        alpha = np.maximum(alpha, cover)
    return alpha, tone


def honeycomb(at: Plane) -> Shape:
    """Six-sided cells with bright walls; some cells are filled."""
    scale = at.draw(2.1, 2.5)
    x, y = at.x * scale + at.draw(0, 1), at.y * scale + at.draw(0, 1)
    high = np.float32(np.sqrt(3))
    ax, ay = x - np.round(x), y - high * np.round(y / high)
    bx, by = x - np.floor(x) - 0.5, y - high * (np.floor(y / high) + 0.5)
    nearer = np.hypot(ax, ay) < np.hypot(bx, by)
    hx, hy = np.abs(np.where(nearer, ax, bx)), np.abs(np.where(nearer, ay, by))
    wall = 0.5 - np.maximum(hx, hx * 0.5 + hy * np.float32(0.866))
    cover = soft(wall - 0.09, 0.07)
    honey = 0.5 + 0.5 * np.cos(2.1 * (x - hx) + 1.3 * y + at.draw(0, 6.28))
    return _patch(at) * np.maximum(cover, 0.45 * honey), 0.25 + 0.45 * cover + 0.25 * honey * (1 - cover)


def lattice(at: Plane) -> Shape:
    """Two sets of bars, woven over and under."""
    pitch = at.draw(8.2, 9.6)
    u, v = at.x * pitch + at.draw(0, 6.28), at.y * pitch + at.draw(0, 6.28)
    across, along = np.cos(u), np.cos(v)
    over = soft(-np.sin(u / 2) * np.sin(v / 2) * 2, 0.6)
    bars = np.clip(np.maximum(across, along) * 2.2 - 0.55, 0, 1)
    return _patch(at) * bars, 0.1 + 0.5 * np.where(across > along, over, 1 - over) + 0.3 * across * along


def maze(at: Plane) -> Shape:
    """Right-angled passages between walls, different in every picture."""
    cells, count = 7, len(at.x)
    scale = at.draw(2.7, 3.1)
    x, y = at.x * scale + 3.5, at.y * scale + 3.5
    i, j = np.clip(np.floor(x), 0, cells - 1).astype(np.intp), np.clip(np.floor(y), 0, cells - 1).astype(np.intp)
    # Each cell joins its lower or its left neighbour, never both: the "binary tree" maze, every cell reachable.
    down = at.rng.random((count, cells + 1, cells + 1)) < 0.5
    which = np.arange(count)[:, None, None]
    fx, fy = x - np.floor(x), y - np.floor(y)
    walls = np.minimum(
        np.minimum(np.where(down[which, j, i], 1.0, fy), np.where(down[which, j, i], fx, 1.0)),
        np.minimum(np.where(down[which, j + 1, i], 1.0, 1 - fy), np.where(down[which, j, i + 1], 1 - fx, 1.0)),
    ).astype(np.float32)
    cover = soft(walls - 0.17, 0.12)
    square = soft(np.maximum(np.abs(at.x), np.abs(at.y)) - 0.98, 0.12)
    return square * np.maximum(cover, 0.25), 0.12 + 0.6 * cover


def spiral(at: Plane) -> Shape:
    """Two arms that wind out of the middle, either way round."""
    r, a = at.polar()
    wave = np.cos(2 * a + 6.5 * np.log(r + 0.12) + at.draw(-0.6, 0.6))
    alpha = soft(r - 0.92, 0.12) * np.clip(0.45 + 1.1 * wave, 0, 1)
    return np.maximum(alpha, soft(r - 0.14, 0.08)), 0.2 + 0.4 * np.clip(wave, 0, 1) + 0.7 * soft(r - 0.2, 0.25)


def spots(at: Plane) -> Shape:
    """Many full dots in uneven rows, like a hide."""
    scale = at.draw(2.6, 3.0)
    x, y = at.x * scale + at.draw(0, 1), at.y * scale + at.draw(0, 1)
    x = x + 0.5 * (np.floor(y) % 2)
    dx, dy = x - np.floor(x) - 0.5, y - np.floor(y) - 0.5
    size = 0.3 + 0.07 * np.cos(2.4 * np.floor(x) + 1.7 * np.floor(y) + at.draw(0, 6.28))
    dot = np.hypot(dx, dy) - size
    return _patch(at) * soft(dot, 0.14), 0.2 + 0.5 * soft(dot + 0.16, 0.14)


def wave(at: Plane) -> Shape:
    """Rolling swells with crests of foam, one behind another."""
    roll = 0.13 * np.sin(at.x * at.draw(5.5, 6.5) + at.draw(0, 6.28))
    phase = (at.y + roll + 0.04 * np.cos(at.x * 13)) * at.draw(1.7, 1.95)
    rise = phase - np.floor(phase)
    foam = soft(0.82 - rise, 0.1)
    return _patch(at) * np.clip(0.3 + 0.9 * rise, 0, 1), 0.08 + 0.45 * rise + 0.4 * foam


def web(at: Plane) -> Shape:
    """Spokes, and threads that sag between them."""
    r, a = at.polar()
    turn = fold(a, 8)
    spokes = np.abs(np.sin(turn)) * r - 0.012
    sag = r * (1 + 0.9 * turn * turn)
    threads = np.abs(sag - at.draw(0.2, 0.23) * np.round(sag / 0.215)) - 0.012
    distance = np.minimum(spokes, threads + 0.3 * soft(r - 0.1, 0.05))
    alpha = soft(r - 0.95, 0.1) * soft(distance - 0.02, 0.045)
    return alpha, 0.5 + 0.35 * soft(distance, 0.03) - 0.2 * r + 0.4 * soft(r - 0.12, 0.1)


def zigzag(at: Plane) -> Shape:
    """Stacked chevrons."""
    x = at.x * at.draw(1.35, 1.6) + at.draw(0, 1)
    tent = np.abs(x - np.round(x))
    phase = np.cos((at.y - tent * 0.8) * at.draw(10.5, 12.5) + at.draw(0, 6.28))
    return _patch(at) * np.clip(0.45 + 1.4 * phase, 0, 1), 0.4 + 0.35 * phase


PATTERNS = {
    pattern.__name__: pattern for pattern in (bubbles, honeycomb, lattice, maze, spiral, spots, wave, web, zigzag)
}
