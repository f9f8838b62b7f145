"""The single figures of the stand-in pictures, one function each: a butterfly, a planet.
Each takes a `Plane` of B pictures and returns `(alpha, tone)`, both (B, SIDE, SIDE) float32:
alpha in [0, 1] is where the figure covers the ground; tone in [0, 1] runs through the palette
(0 its shade, 1/3 its body colour, 2/3 its light, 1 its accent). No motif tells left from right: a flip or
a rotation of any picture is again a picture of the same class.
"""

from __future__ import annotations

import numpy as np

from dhc.data.standin.plane import F32, Plane, ellipse, fold, segment, soft

Shape = tuple[F32, F32]


def arch(at: Plane) -> Shape:
    """A rainbow: nested half rings."""
    r, _ = at.polar(0, -0.45)
    inner = at.draw(0.34, 0.5)
    alpha = soft(np.abs(r - (inner + 1.1) / 2) - (1.1 - inner) / 2, 0.06) * soft(-0.42 - at.y, 0.08)
    return alpha, 0.5 + 0.5 * np.cos((r - inner) / (1.1 - inner) * np.float32(4 * np.pi))


def bolt(at: Plane) -> Shape:
    """A lightning bolt: three strokes, thick to thin."""
    upper, _ = segment(at.x, at.y, (0.3, 0.95), (-0.28, 0.05))
    middle, _ = segment(at.x, at.y, (-0.28, 0.08), (0.28, 0.12))
    lower, _ = segment(at.x, at.y, (0.28, 0.12), (-0.3, -0.95))
    distance = np.minimum(np.minimum(upper - 0.13, middle - 0.1), lower - 0.11 * (1 + at.y))
    return soft(distance, 0.06), 0.75 - 0.5 * soft(distance + 0.07, 0.06) + 0.2 * at.y


def butterfly(at: Plane) -> Shape:
    """Four wings with eye spots around a thin dark body."""
    x, lift = np.abs(at.x), at.draw(-0.15, 0.25)
    fore = ellipse(x, at.y, (0.5, 0.36), (0.5, 0.34), 0.6)
    hind = ellipse(x, at.y, (0.38, -0.4), (0.36, 0.27), -0.7)
    wings = np.minimum(fore, hind)
    spots = np.minimum(np.hypot(x - 0.62, at.y - 0.45), np.hypot(x - 0.42, at.y + 0.45) + 0.05)
    body = ellipse(x, at.y, (0, 0), (0.09, 0.6))
    tone = 0.3 + 0.3 * soft(wings + 0.14, 0.07) + lift * 0.3 + 0.5 * soft(spots - 0.13, 0.06)
    return soft(np.minimum(wings, body), 0.06), tone * (1 - soft(body, 0.05))


def comet(at: Plane) -> Shape:
    """A bright head with a streaked tail that widens and fades."""
    distance, along = segment(at.x, at.y, (0.42, 0.46), (-0.85, -0.85))
    head = np.hypot(at.x - 0.42, at.y - 0.46) - 0.32
    streaks = 0.5 + 0.5 * np.cos((at.x - at.y) * at.draw(12, 17))
    tail = soft(distance - 0.16 - 0.24 * along, 0.1) * (1 - 0.85 * along) * (0.7 + 0.3 * streaks)
    alpha = np.maximum(soft(head, 0.06), tail)
    return alpha, 0.2 + 0.4 * streaks * (1 - 0.5 * along) + 0.65 * soft(head + 0.1, 0.1)


def crescent(at: Plane) -> Shape:
    """A moon's sickle."""
    bite = at.draw(0.3, 0.42)
    outer = np.hypot(at.x, at.y) - 0.8
    inner = 0.68 - np.hypot(at.x - bite, at.y)
    distance = np.maximum(outer, inner)
    return soft(distance, 0.06), 0.3 + 0.55 * soft(distance + 0.12, 0.1) + 0.15 * at.y


def cross(at: Plane) -> Shape:
    """Two flared bars, one over the other."""
    flare = at.draw(0.1, 0.22)
    x, y = np.abs(at.x), np.abs(at.y)
    distance = np.minimum(np.maximum(x - 0.13 - flare * y, y - 0.85), np.maximum(y - 0.13 - flare * x, x - 0.85))
    gem = np.hypot(at.x, at.y) - 0.17
    return soft(distance, 0.06), 0.25 + 0.4 * soft(distance + 0.09, 0.05) + 0.4 * soft(gem, 0.06)


def drop(at: Plane) -> Shape:
    """A falling drop with a highlight."""
    distance = _tear(at.x, at.y, (0.0, -0.75), 1.22, 1.65, at.draw(1.0, 1.25))
    shine = ellipse(at.x, at.y, (0.2, -0.3), (0.09, 0.2), 0.4)
    return soft(distance, 0.06), 0.1 + 0.55 * soft(distance + 0.3, 0.35) + 0.45 * soft(shine, 0.07)


def eye(at: Plane) -> Shape:
    """An eye: pale lens, rayed iris, black pupil, dark lids."""
    r, a = at.polar()
    lids = np.hypot(at.x, np.abs(at.y) + 0.62) - 1.12
    iris = r - at.draw(0.36, 0.44)
    pupil = r - at.draw(0.13, 0.2)
    rays = 0.12 * np.cos(a * 16)
    tone = 0.68 - 0.6 * soft(-lids - 0.1, 0.07)
    tone = tone + soft(iris, 0.05) * (0.36 + rays - tone)
    glint = np.hypot(at.x - 0.13, at.y - 0.14) - 0.07
    tone = tone * (1 - soft(pupil, 0.05)) + 0.7 * soft(glint, 0.05)
    return soft(lids, 0.05), tone


def feather(at: Plane) -> Shape:
    """A quill with slanting barbs."""
    bend = at.x - at.draw(-0.25, 0.25) * (at.y * at.y - 0.4)
    t = np.clip((at.y + 0.55) / 1.5, 0, 1)
    vane = np.abs(bend) - 0.95 * np.sqrt(t) * (1 - t) ** 0.7 * 0.62
    quill = np.maximum(np.abs(bend) - 0.035, np.abs(at.y) - 0.95)
    barbs = 0.5 + 0.5 * np.cos((at.y - np.abs(bend) * 1.1) * at.draw(19, 24))
    alpha = np.maximum(soft(vane, 0.06) * (0.55 + 0.45 * barbs), soft(quill, 0.05))
    return alpha, 0.15 + 0.5 * barbs + 0.5 * soft(quill, 0.05)


def fish(at: Plane) -> Shape:
    """A round body with a forked tail, a fin, stripes and an eye."""
    x = at.x
    body = ellipse(x, at.y, (0.15, 0), (0.62, 0.4))
    tail = np.maximum(np.abs(at.y) - 0.85 * (-0.32 - x), np.maximum(x + 0.32, -0.95 + 0.5 * np.abs(at.y) - x))
    distance = np.minimum(body, tail)
    stripes = 0.5 + 0.5 * np.cos((x + 0.3 * at.y * at.y) * at.draw(12, 15))
    tone = 0.2 + 0.4 * stripes + 0.35 * soft(tail, 0.05)
    spot = np.hypot(x - 0.48, at.y - 0.1)
    return soft(distance, 0.06), tone + soft(spot - 0.13, 0.04) * (0.75 - tone) - 0.75 * soft(spot - 0.06, 0.04)


def flame(at: Plane) -> Shape:
    """A licking flame: a tall tongue between two short ones, and a bright heart."""
    x = at.x + at.draw(0.08, 0.16) * np.sin((at.y + 0.85) * at.draw(3.2, 4.2)) * (at.y + 0.85)
    tall = _tear(x, at.y, (0.0, -0.85), 1.05, 1.8, at.draw(0.9, 1.1))
    left = _tear(x + 0.28 + 0.25 * (at.y + 0.8), at.y, (0.0, -0.8), 0.62, 1.15, at.draw(0.9, 1.1))
    right = _tear(x - 0.3 - 0.2 * (at.y + 0.8), at.y, (0.0, -0.78), 0.6, 0.9, at.draw(0.9, 1.1))
    distance = np.minimum(tall, np.minimum(left, right))
    core = _tear(x, at.y, (0.0, -0.78), 0.6, 1.0, at.draw(0.9, 1.1))
    return soft(distance, 0.07), 0.2 + 0.35 * soft(distance + 0.1, 0.09) + 0.45 * soft(core, 0.12)


def flower(at: Plane) -> Shape:
    """Six round petals around a disc."""
    r, a = at.polar()
    leaf = fold(a, 6)
    distance = np.hypot(r - 0.52, r * np.sin(leaf) * 1.15) - at.draw(0.27, 0.33)
    disc = r - at.draw(0.2, 0.26)
    tone = 0.62 - 0.45 * soft(np.abs(leaf) * r - 0.02, 0.08) - 0.2 * soft(r - 0.4, 0.2)
    return soft(np.minimum(distance, disc), 0.05), tone + soft(disc, 0.05) * (1.0 - tone)


def heart(at: Plane) -> Shape:
    """A plump heart with an inner light."""
    y = at.y * 1.08 - at.draw(0.62, 0.72) * np.sqrt(np.abs(at.x)) + 0.22
    distance = np.hypot(at.x, y) - 0.74
    glow = np.hypot(np.abs(at.x) - 0.33, at.y - 0.3) - 0.1
    return soft(distance, 0.07), 0.12 + 0.4 * soft(distance + 0.2, 0.2) + 0.35 * soft(glow, 0.18)


def jellyfish(at: Plane) -> Shape:
    """A dome with trailing, waving arms."""
    dome = np.maximum(ellipse(at.x, at.y, (0, 0.12), (0.66, 0.7)), -0.02 - at.y + 0.07 * np.cos(at.x * 19))
    sway = 0.1 * np.sin(at.y * at.draw(6, 9) + at.draw(0, 6.28)) * (0.2 - at.y)
    arms = 0.5 + 0.5 * np.cos((at.x + sway) * np.float32(6 * np.pi))
    below = soft(np.abs(at.x) - 0.5 - 0.1 * at.y, 0.06) * soft(at.y - 0.08) * soft(-0.8 - at.y, 0.25)
    alpha = np.maximum(soft(dome, 0.06), below * np.clip(arms * 1.6 - 0.55, 0, 1))
    return alpha, 0.15 + 0.5 * soft(dome + 0.18, 0.2) + 0.35 * soft(np.abs(at.y - 0.14) - 0.02, 0.1) * soft(dome, 0.1)


def leaf(at: Plane) -> Shape:
    """A pointed blade with a midrib, side veins and a stalk."""
    blade = np.hypot(np.abs(at.x) + 0.42, at.y * 0.93) - 0.9
    stalk = np.maximum(np.abs(at.x) - 0.04, np.abs(at.y + 0.85) - 0.2)
    veins = np.cos((at.y - np.abs(at.x) * 0.9) * at.draw(13, 16))
    rib = soft(np.abs(at.x) - 0.02, 0.06)
    tone = 0.3 + 0.35 * np.clip(veins * 2 - 1, 0, 1) + 0.5 * rib - 0.2 * soft(-blade - 0.07, 0.07)
    return soft(np.minimum(blade, stalk), 0.05), tone


def mushroom(at: Plane) -> Shape:
    """A spotted cap on a pale stem."""
    cap = np.maximum(ellipse(at.x, at.y, (0, 0.05), (0.8, 0.7)), -at.y - 0.02 - 0.1 * at.x * at.x)
    stem = np.maximum(np.abs(at.x) - 0.17 - 0.1 * at.y * at.y, np.abs(at.y + 0.38) - 0.45)
    x = np.abs(at.x + at.draw(-0.08, 0.08))
    spots = np.minimum(np.hypot(x, at.y - 0.48) - 0.15, np.hypot(x - 0.43, at.y - 0.26) - 0.13)
    tone = 0.72 - 0.25 * soft(np.abs(at.y + 0.1) - 0.05, 0.1)
    tone = tone + soft(cap, 0.05) * (0.22 + 0.12 * at.y - tone)
    return soft(np.minimum(cap, stem), 0.06), tone + soft(spots, 0.05) * soft(cap, 0.05) * (1.0 - tone)


def planet(at: Plane) -> Shape:
    """A banded globe in a tilted ring."""
    r, _ = at.polar()
    flat = np.hypot(at.x, at.y * at.draw(3.0, 3.8))
    ring = np.abs(flat - 0.88) - 0.12
    behind = soft(r - 0.5, 0.05) * soft(-at.y, 0.04)
    globe = soft(r - 0.52, 0.05)
    bands = 0.3 + 0.16 * np.cos(at.y * at.draw(15, 20)) + 0.35 * (at.x + at.y) * globe
    front = soft(ring, 0.06) * (1 - behind)
    return np.maximum(globe, front), bands + front * (0.95 - bands)


def rings(at: Plane) -> Shape:
    """Three rings, one in another."""
    r, _ = at.polar()
    phase = np.cos((r - at.draw(-0.04, 0.04)) * np.float32(2 * np.pi / 0.31))
    edge = soft(r - 0.92, 0.06)
    return edge * np.clip(0.5 + 1.2 * phase, 0, 1), 0.75 - 0.6 * r + 0.3 * phase


def shell(at: Plane) -> Shape:
    """A scallop: ribs that fan out of one point to a wavy rim."""
    r, a = at.polar(0, -0.62)
    turn = fold(a - np.float32(np.pi / 2), 1)
    ribs = np.cos(turn * at.draw(10.5, 12.5))
    rim = 1.3 + 0.06 * ribs - 0.28 * turn * turn
    distance = np.maximum(r - rim, (np.abs(turn) - 1.05) * r)
    growth = 0.12 * np.cos(r * 14)
    return soft(distance, 0.06), 0.36 + 0.3 * ribs + growth + 0.3 * soft(r - 0.25, 0.15)


def snowflake(at: Plane) -> Shape:
    """Six arms with side twigs."""
    r, a = at.polar()
    turn = np.abs(fold(a, 6))
    x, y = r * np.cos(turn), r * np.sin(turn)
    arm, _ = segment(x, y, (0.0, 0.0), (0.9, 0.0))
    twig, _ = segment(x, y, (0.42, 0.0), (0.64, 0.22))
    bud, _ = segment(x, y, (0.66, 0.0), (0.8, 0.15))
    distance = np.minimum(np.minimum(arm, twig), bud) - at.draw(0.05, 0.065)
    return soft(distance, 0.055), 0.75 - 0.45 * soft(distance + 0.04, 0.05) + 0.3 * soft(r - 0.2, 0.1)


def star(at: Plane) -> Shape:
    """Five points, each with a ridge."""
    r, a = at.polar()
    turn = fold(a - np.float32(np.pi / 2), 5)
    x, y = r * np.cos(turn), r * np.abs(np.sin(turn))
    distance = (x - 0.9) * 0.52 + y * at.draw(0.98, 1.08)
    ridge = turn * np.float32(0.64)
    return soft(distance, 0.06), 0.4 + ridge + 0.35 * soft(r - 0.2, 0.25)


def sun(at: Plane) -> Shape:
    """A disc in a wreath of wavy rays."""
    r, a = at.polar()
    turn = fold(a + 0.18 * np.sin(r * 9), 10)
    rays = np.maximum(np.abs(turn) * r - 0.32 * (1.0 - r), np.maximum(0.54 - r, r - 0.97))
    disc = r - at.draw(0.4, 0.46)
    tone = 0.35 + 0.25 * (1 - r)
    return np.maximum(soft(disc, 0.05), soft(rays, 0.05)), tone + soft(disc, 0.06) * (0.95 - 0.5 * r - tone)


def tree(at: Plane) -> Shape:
    """A trunk that forks twice, with a leafy crown."""
    x, sway = np.abs(at.x + at.draw(-0.1, 0.1) * (at.y + 0.9)), at.draw(-0.06, 0.06)
    trunk, _ = segment(x, at.y, (0, -0.95), (0, -0.1))
    bough, _ = segment(x, at.y, (0, -0.25), (0.45, 0.3))
    twig, _ = segment(x, at.y, (0.0, -0.1), (0.12, 0.65))
    wood = np.minimum(np.minimum(trunk - 0.1 + 0.03 * at.y, bough - 0.055), twig - 0.05)
    crown = np.minimum(np.hypot(x, at.y - 0.5) - 0.4, np.hypot(x - 0.47, at.y - 0.28 - sway) - 0.33)
    leaves = 0.5 + 0.5 * np.cos(at.x * 17 + 2 * np.sin(at.y * 9)) * np.cos(at.y * 17)
    alpha = np.maximum(soft(crown, 0.1) * (0.35 + 0.65 * leaves), soft(wood, 0.05))
    tone = 0.3 + 0.45 * leaves
    return alpha, tone * (1 - 0.95 * soft(wood, 0.06))


def _tear(x: F32, y: F32, foot: tuple[float, float], width: float, height: float, taper: F32) -> F32:
    """About the distance to a tear: round at its foot, pointed `height` above it.

    A larger `taper` is slimmer on top.
    """
    t = np.clip((y - np.float32(foot[1])) / np.float32(height), 0, 1)
    side = np.abs(x - np.float32(foot[0])) - width * np.sqrt(t) * (1 - t) ** taper
    distance: F32 = np.maximum(side, np.abs(y - foot[1] - height / 2) - height / 2)
    return distance


_CREATURES = (butterfly, eye, feather, fish, flower, jellyfish, leaf, mushroom, shell, tree)
_SKY = (arch, bolt, comet, crescent, planet, snowflake, star, sun)
_SIGNS = (cross, drop, flame, heart, rings)

MOTIFS = {motif.__name__: motif for motif in (*_CREATURES, *_SKY, *_SIGNS)}
