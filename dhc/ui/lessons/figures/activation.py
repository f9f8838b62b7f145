"""ReLU and LeakyReLU: what they make of a feature map of the picture, and of the gradient that comes back."""

from __future__ import annotations

from typing import Final

from dhc.lessons.activation import EDGES
from dhc.lessons.convolution import brightness, convolve
from dhc.teaching.words import Words
from dhc.ui.lessons import picture
from dhc.ui.shell import address
from dhc.ui.widgets.activation import FURTHEST, STEEPEST, Curve, FeatureMap, activation, moved

KEY: Final = "dhc_lesson_activation_curve"
LABELS: Final = ("alt", "picture", "before", "after", "curve", "slope", "bias", "gradient", "dead")


def draw(words: Words) -> None:
    """The chooser of the picture, and its map before and after the activation."""
    pixels = picture.choose(words)
    values = convolve(brightness(pixels) / 255, EDGES)
    after = moved(KEY)
    if after is not None:
        address.put(
            slope=f"{after.slope:g}" if after.slope else None,
            bias=f"{after.bias:g}" if after.bias else None,
        )
    activation(
        FeatureMap(values, pixels, EDGES),
        after or _curve(),
        key=KEY,
        language=words.language,
        words={label: words(label) for label in LABELS},
    )


def _curve() -> Curve:
    """The curve that the address asks for."""
    slope = address.number("slope", low=0, high=STEEPEST)
    bias = address.number("bias", low=-FURTHEST, high=FURTHEST)
    return Curve(slope or 0.0, bias or 0.0)
