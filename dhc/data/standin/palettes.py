"""The stand-in's colours, and its 96 classes: 32 motifs, three look-alike colours each.
Colours are written in OKLCH (lightness 0-1, chroma, hue in degrees), where equal steps look equal
(B. Ottosson, "A perceptual color space for image processing", 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dhc.data.standin.plane import F32

# Sixteen names around the wheel, 22.5 degrees apart: lightness, chroma, hue.
COLOURS = {
    "rose": (0.72, 0.16, 0.0),
    "coral": (0.68, 0.18, 22.5),
    "rust": (0.62, 0.16, 45.0),
    "amber": (0.74, 0.16, 67.5),
    "gold": (0.82, 0.16, 90.0),
    "lime": (0.82, 0.18, 115.0),
    "fern": (0.66, 0.16, 137.5),
    "emerald": (0.68, 0.15, 160.0),
    "jade": (0.74, 0.11, 180.0),
    "teal": (0.64, 0.10, 203.0),
    "azure": (0.72, 0.12, 230.0),
    "cobalt": (0.58, 0.17, 257.0),
    "indigo": (0.52, 0.19, 280.0),
    "violet": (0.60, 0.19, 302.0),
    "orchid": (0.70, 0.18, 322.0),
    "magenta": (0.62, 0.21, 342.0),
}
_WHEEL = tuple(COLOURS)

# Grounds: from the dark to the light end of the scene.
MOODS = {
    "night": ((0.18, 0.04, 280.0), (0.32, 0.08, 270.0), (0.50, 0.07, 240.0)),
    "dusk": ((0.26, 0.08, 320.0), (0.45, 0.10, 350.0), (0.72, 0.10, 50.0)),
    "forest": ((0.20, 0.04, 160.0), (0.36, 0.07, 145.0), (0.58, 0.08, 120.0)),
    "sand": ((0.48, 0.05, 60.0), (0.68, 0.06, 75.0), (0.86, 0.05, 90.0)),
    "sea": ((0.24, 0.06, 230.0), (0.44, 0.08, 215.0), (0.70, 0.07, 195.0)),
    "fog": ((0.50, 0.02, 250.0), (0.70, 0.02, 230.0), (0.88, 0.02, 100.0)),
    "ember": ((0.18, 0.05, 30.0), (0.32, 0.09, 35.0), (0.50, 0.10, 50.0)),
    "wine": ((0.20, 0.06, 350.0), (0.33, 0.09, 5.0), (0.52, 0.07, 330.0)),
}


@dataclass(frozen=True)
class Family:
    """One motif and what its three look-alikes share: ground and first of three colours."""

    motif: str
    first: str
    mood: str
    light: float  # where the ground's light usually comes from, in turns

    @property
    def colours(self) -> tuple[str, str, str]:
        """Three neighbours on the colour wheel."""
        start = _WHEEL.index(self.first)
        return _WHEEL[start], _WHEEL[(start + 1) % len(_WHEEL)], _WHEEL[(start + 2) % len(_WHEEL)]


@dataclass(frozen=True)
class StandInClass:
    """One class: a family and one of its colours.

    `name` is what a person reads, such as "spiral amber".
    """

    family: Family
    colour: str

    @property
    def name(self) -> str:
        return f"{self.family.motif} {self.colour}"


# Motif, first colour and mood of each family.
_FAMILIES = (
    ("arch", "coral", "night"),
    ("bolt", "amber", "wine"),
    ("bubbles", "jade", "dusk"),
    ("butterfly", "violet", "forest"),
    ("comet", "gold", "sea"),
    ("crescent", "azure", "ember"),
    ("cross", "rose", "fog"),
    ("drop", "teal", "sand"),
    ("eye", "fern", "dusk"),
    ("feather", "orchid", "sea"),
    ("fish", "rust", "sea"),
    ("flame", "rust", "night"),
    ("flower", "magenta", "forest"),
    ("heart", "magenta", "night"),
    ("honeycomb", "amber", "forest"),
    ("jellyfish", "violet", "sea"),
    ("lattice", "teal", "ember"),
    ("leaf", "lime", "wine"),
    ("maze", "cobalt", "sand"),
    ("mushroom", "rose", "sand"),
    ("planet", "emerald", "night"),
    ("rings", "indigo", "fog"),
    ("shell", "coral", "sea"),
    ("snowflake", "azure", "wine"),
    ("spiral", "amber", "dusk"),
    ("spots", "gold", "ember"),
    ("star", "lime", "dusk"),
    ("sun", "gold", "wine"),
    ("tree", "fern", "fog"),
    ("wave", "jade", "ember"),
    ("web", "indigo", "sand"),
    ("zigzag", "orchid", "forest"),
)
FAMILIES = tuple(
    Family(motif, first, mood, light=(index * 0.382) % 1.0) for index, (motif, first, mood) in enumerate(_FAMILIES)
)
# In text order, so that the first N classes are whole families where N allows it.
CLASSES = tuple(
    sorted((StandInClass(family, colour) for family in FAMILIES for colour in family.colours), key=lambda c: c.name)
)

# From the cubes of the eye's three cone responses to linear sRGB, one row a cone.
_CONES_TO_RGB = (
    (4.0767416621, -1.2684380046, -0.0041960863),
    (-3.3077115913, 2.6097574011, -0.7034186147),
    (0.2309699292, -0.3413193965, 1.7076147010),
)


def to_rgb(oklch: ArrayLike) -> F32:
    """OKLCH (..., 3) to sRGB (..., 3) float32 in [0, 1]; what sRGB cannot show is clipped."""
    lightness, chroma, hue = np.moveaxis(np.asarray(oklch, np.float64), -1, 0)
    a, b = chroma * np.cos(np.deg2rad(hue)), chroma * np.sin(np.deg2rad(hue))
    long = lightness + 0.3963377774 * a + 0.2158037573 * b
    medium = lightness - 0.1055613458 * a - 0.0638541728 * b
    short = lightness - 0.0894841775 * a - 1.2914855480 * b
    cones = np.stack([long, medium, short], axis=-1) ** 3
    linear = np.clip(cones @ np.array(_CONES_TO_RGB), 0, 1)
    rgb: F32 = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)
    return rgb
