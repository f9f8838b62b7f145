"""Stand-in pictures: a motif as a deep generative model might dream it, soft and warped.
A picture is built in five steps, each on a whole batch of one class: bend the plane, lay a ground, draw the motif
and a faint echo of it, drop some clutter in, and let the colours run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dhc.data.standin.motifs import MOTIFS
from dhc.data.standin.palettes import COLOURS, MOODS, StandInClass, to_rgb
from dhc.data.standin.patterns import PATTERNS
from dhc.data.standin.plane import F32, SIDE, Plane, blur, blur_kernel, smooth_noise, uniform

_MOTIFS = {**MOTIFS, **PATTERNS}
_GHOSTS = 8  # different foreign motifs in one batch


@dataclass(frozen=True)
class Jitter:
    """How far pictures of one class may differ.

    Angles in degrees, colours in OKLCH units, the rest in half sides.
    """

    turn: float = 35.0
    any_turn: float = 0.6  # the share of pictures that are turned by any angle at all
    shift: float = 0.3
    scale: float = 0.27
    shear: float = 0.15
    warp: float = 0.12
    hue: float = 5.5
    lightness: float = 0.05
    usual_mood: float = 0.56  # the share of pictures on their family's own ground; the others get any
    ground_hue: float = 22.0
    ground_lightness: float = 0.10
    light: float = 2.0  # radians
    ghost: float = 0.75  # how strong another class's motif may shine through
    faintest: float = 0.72  # how little a motif may cover of its ground
    clutter: int = 4  # blobs behind the motif
    veils: int = 1  # and before it
    grain: float = 0.035


def draw_pictures(
    kind: StandInClass, count: int, rng: np.random.Generator, jitter: Jitter = Jitter()
) -> NDArray[np.uint8]:
    """`count` pictures of one class: (count, SIDE, SIDE, 3) uint8 RGB.

    The same rng state gives the same pictures.
    """
    at = bend(count, rng, jitter)
    alpha, tone = _MOTIFS[kind.family.motif](at)
    tone = tone + 0.07 * smooth_noise(rng, count, 6)
    strength = uniform(rng, jitter.faintest, 1.0, (count, 1, 1))
    patches = np.clip(0.93 + 0.10 * smooth_noise(rng, count, 4), 0.5, 1.0)
    alpha = alpha * strength * patches
    picture = _ground(kind, count, rng, jitter)
    picture = _echo(picture, alpha, rng)
    picture = _ghosts(picture, rng, jitter)
    picture = _clutter(picture, rng, jitter.clutter)
    picture = _lay(picture, alpha, tone, _palette(kind, count, rng, jitter))
    picture = _clutter(picture, rng, jitter.veils)
    return _to_bytes(_bleed(picture, rng, jitter))


def bend(count: int, rng: np.random.Generator, jitter: Jitter) -> Plane:
    """The plane: turned, scaled, sheared, shifted, mirrored, and warped by two octaves of noise."""

    def spread(width: float) -> F32:
        return uniform(rng, -width, width, (count, 1, 1))

    line = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1).astype(np.float32)
    x = line[None, None, :] + spread(jitter.shift)
    y = -line[None, :, None] + spread(jitter.shift)
    x = x + jitter.warp * smooth_noise(rng, count, 3) + 0.3 * jitter.warp * smooth_noise(rng, count, 7)
    y = y + jitter.warp * smooth_noise(rng, count, 3) + 0.3 * jitter.warp * smooth_noise(rng, count, 7)
    angle = np.where(rng.random((count, 1, 1)) < jitter.any_turn, spread(np.pi), spread(np.deg2rad(jitter.turn)))
    size = np.exp(spread(jitter.scale)) * np.float32(1.12)
    hand = rng.integers(0, 2, (count, 1, 1)).astype(np.float32) * 2 - 1  # so that no class is left- or right-handed
    c, s = np.cos(angle) * size, np.sin(angle) * size
    u, v = (x * c - y * s) * hand, x * s + y * c
    return Plane(u + spread(jitter.shear) * v, v, rng)


def _palette(kind: StandInClass, count: int, rng: np.random.Generator, jitter: Jitter) -> F32:
    """The class's four stops, a little different for each picture: (count, 4, 3).

    Shade, body, light, accent.
    """
    lightness, chroma, hue = COLOURS[kind.colour]
    shade = (lightness - 0.36, chroma * 0.7, hue - 18)
    body = (lightness - 0.04, chroma, hue)
    light = (min(lightness + 0.16, 0.93), chroma * 0.7, hue + 10)
    accent = (0.93, 0.07, hue + 40)
    spreads = (jitter.lightness, 0.015, jitter.hue)
    offsets = np.stack([rng.normal(0, spread, count) for spread in spreads], axis=-1)
    return to_rgb(np.array([shade, body, light, accent])[None] + offsets[:, None, :])


def _ground(kind: StandInClass, count: int, rng: np.random.Generator, jitter: Jitter) -> F32:
    """The ground: clouds of the family's mood under a slanting light, (count, 3, SIDE, SIDE)."""
    moods = np.array(tuple(MOODS.values()))
    usual = list(MOODS).index(kind.family.mood)
    stray = rng.random(count) >= jitter.usual_mood
    stops = moods[np.where(stray, rng.integers(0, len(moods), count), usual)]
    stops[..., 0] += rng.normal(0, jitter.ground_lightness, (count, 1))
    stops[..., 2] += rng.normal(0, jitter.ground_hue, (count, 1))
    angle = (2 * np.pi * kind.family.light + rng.normal(0, jitter.light, (count, 1, 1))).astype(np.float32)
    line = np.linspace(-1, 1, SIDE, dtype=np.float32)
    slope = line[None, None, :] * np.cos(angle) - line[None, :, None] * np.sin(angle)
    tone = 0.5 + 0.26 * slope + 0.16 * smooth_noise(rng, count, 3) + 0.07 * smooth_noise(rng, count, 9)
    return _colour(tone, to_rgb(stops))


def _colour(tone: F32, stops: F32) -> F32:
    """Tones in [0, 1] as colours between evenly spaced stops (B, S, 3): (B, 3, SIDE, SIDE)."""
    gaps = stops.shape[1] - 1
    weights = np.stack([np.clip(tone * gaps - i, 0, 1) for i in range(gaps)], axis=1).reshape(len(tone), gaps, -1)
    steps = np.diff(stops, axis=1).transpose(0, 2, 1)
    flat: F32 = stops[:, 0, :, None] + steps @ weights
    return flat.reshape(len(tone), 3, SIDE, SIDE)


def _lay(picture: F32, alpha: F32, tone: F32, stops: F32) -> F32:
    """The motif over the ground, with a halo and light from the upper left on its rounded rim."""
    halo = np.clip(blur(alpha, 5.0) - alpha, 0, 1)[:, None]
    picture = picture + 0.35 * halo * (stops[:, 1, :, None, None] - picture)
    round_off, slope = blur_kernel(1.6), blur_kernel(1.6, 1.0) - blur_kernel(1.6, -1.0)
    relief = slope @ alpha @ round_off.T + 0.6 * (round_off @ alpha @ slope.T)
    picture = picture + alpha[:, None] * (_colour(tone, stops) - picture)
    return picture + 0.22 * relief[:, None]


def _echo(picture: F32, alpha: F32, rng: np.random.Generator) -> F32:
    """A pale second motif, upside down in the ground: the mark of a hallucinated picture."""
    count = len(picture)
    where = np.clip(0.25 * smooth_noise(rng, count, 2), 0, 0.4)[:, None]
    ghost = blur(alpha[:, ::-1, ::-1], 1.5)[:, None] * where
    return _tint(picture, ghost, rng, lightness=(0.65, 0.75), chroma=(0.06, 0.10))


def _ghosts(picture: F32, rng: np.random.Generator, jitter: Jitter) -> F32:
    """Another class's motif, faint and off the middle, as if the dreamer could not decide."""
    names = sorted(_MOTIFS)
    shapes = []
    for group in np.array_split(np.arange(len(picture)), min(_GHOSTS, len(picture))):
        at = bend(len(group), rng, replace(jitter, shift=0.6, any_turn=1.0))
        shapes.append(_MOTIFS[names[rng.integers(len(names))]](at)[0])
    ghost = blur(np.concatenate(shapes), 1.2)[:, None] * uniform(rng, 0.1, jitter.ghost, (len(picture), 1, 1, 1))
    return _tint(picture, ghost, rng, lightness=(0.3, 0.8), chroma=(0.03, 0.12))


def _clutter(picture: F32, rng: np.random.Generator, blobs: int) -> F32:
    """Soft blobs of any colour that mean nothing."""
    count = len(picture)
    line = np.linspace(-1, 1, SIDE, dtype=np.float32)
    for _ in range(blobs):
        across, down = (_bump(line, rng, count) for _ in range(2))
        blob = uniform(rng, 0.3, 0.8, (count, 1, 1)) * down[:, :, None] * across[:, None, :]
        picture = _tint(picture, blob[:, None], rng, lightness=(0.35, 0.85), chroma=(0.03, 0.14))
    return picture


def _bump(line: F32, rng: np.random.Generator, count: int) -> F32:
    """A Gaussian bump of random place and width along a side: (count, SIDE)."""
    centre, width = uniform(rng, -1, 1, (count, 1)), uniform(rng, 0.1, 0.3, (count, 1))
    bump: F32 = np.exp(-(((line - centre) / width) ** 2))
    return bump


def _tint(
    picture: F32, cover: F32, rng: np.random.Generator, *, lightness: tuple[float, float], chroma: tuple[float, float]
) -> F32:
    """Cover each picture with one random colour, as far as `cover` (B, 1, SIDE, SIDE) says."""
    count = len(picture)
    colour = np.stack([uniform(rng, *span, (count,)) for span in (lightness, chroma, (0.0, 360.0))], axis=-1)
    return picture + cover * (to_rgb(colour)[:, :, None, None] - picture)


def _bleed(picture: F32, rng: np.random.Generator, jitter: Jitter) -> F32:
    """Blur the colours and let them slip by up to two pixels; the brightness stays sharp.

    A grain lies over all.
    """
    count = len(picture)
    grey = picture.mean(1, keepdims=True)
    slips = np.stack([blur_kernel(2.0, offset) for offset in (-2.0, -1.0, 0.0, 1.0, 2.0)])
    down, across = (slips[rng.integers(0, len(slips), count)][:, None] for _ in range(2))
    chroma = down @ (picture - grey) @ across.transpose(0, 1, 3, 2)
    grain = 1 + jitter.grain * smooth_noise(rng, count, 24) + 0.05 * smooth_noise(rng, count, 5)
    bled: F32 = blur(grey, 0.75) * grain[:, None] + 1.15 * chroma
    return bled


def _to_bytes(picture: F32) -> NDArray[np.uint8]:
    """(B, 3, SIDE, SIDE) float in about [0, 1] to (B, SIDE, SIDE, 3) uint8."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
