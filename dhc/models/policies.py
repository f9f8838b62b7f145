"""Changes of a picture that Pillow computes: a random resized crop, and the policies TrivialAugment and RandAugment. No Keras.

TrivialAugment: Müller and Hutter 2021, https://arxiv.org/abs/2103.10158. RandAugment: Cubuk 2020, https://arxiv.org/abs/1909.13719. The
changes and their ranges are those of torchvision. Keras's RandAugment draws one change for a whole batch and computes all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

Change = Callable[[Image.Image, float], Image.Image]
BILINEAR = Image.Resampling.BILINEAR
TRIES = 10  # at a crop that fits
RATIO = math.log(4 / 3)  # of a crop's sides, at most to either side
STRONGEST = 30  # strengths are whole numbers from 0


def _enhanced(kind: Any) -> Change:
    return lambda image, amount: kind(image).enhance(1 + amount)


def _moved(*matrix: Callable[[float], float]) -> Change:
    return lambda image, amount: image.transform(
        image.size, Image.Transform.AFFINE, [entry(amount) for entry in matrix], BILINEAR
    )


def _is(value: float) -> Callable[[float], float]:
    return lambda amount: value


_ONE, _NO, _AMOUNT = _is(1.0), _is(0.0), float
CHANGES: Mapping[str, Change] = {
    "identity": lambda image, amount: image,
    "shear_x": _moved(_ONE, _AMOUNT, _NO, _NO, _ONE, _NO),
    "shear_y": _moved(_ONE, _NO, _NO, _AMOUNT, _ONE, _NO),
    "translate_x": _moved(_ONE, _NO, _AMOUNT, _NO, _ONE, _NO),
    "translate_y": _moved(_ONE, _NO, _NO, _NO, _ONE, _AMOUNT),
    "rotate": lambda image, amount: image.rotate(amount, BILINEAR),
    "brightness": _enhanced(ImageEnhance.Brightness),
    "color": _enhanced(ImageEnhance.Color),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "sharpness": _enhanced(ImageEnhance.Sharpness),
    "posterize": lambda image, amount: ImageOps.posterize(image, 8 - round(amount)),
    "solarize": lambda image, amount: ImageOps.solarize(image, round(255 * (1 - amount))),
    "autocontrast": lambda image, amount: ImageOps.autocontrast(image),
    "equalize": lambda image, amount: ImageOps.equalize(image),
}
SIGNED = frozenset(CHANGES) - {"identity", "posterize", "solarize", "autocontrast", "equalize"}


@dataclass(frozen=True)
class Policy:
    """How many changes a picture gets, how strong (None: drawn), and what the strongest is of shear, shift in sides, …"""

    changes: int
    strength: int | None
    shear: float
    shift: float  # sides
    degrees: float
    enhancement: float
    bits: float  # that posterising takes away

    def amount(self, name: str, strength: int, side: int) -> float:
        """That of a change at a strength of 0 to STRONGEST, without its sign."""
        match name.split("_")[0]:
            case "shear":
                most = self.shear
            case "translate":
                most = self.shift * side
            case "rotate":
                most = self.degrees
            case "posterize":
                most = self.bits
            case "solarize":
                most = 1.0
            case _:
                most = self.enhancement
        return most * strength / STRONGEST


POLICIES: Mapping[str, Policy] = {
    "trivial": Policy(1, None, 0.99, 0.5, 135.0, 0.99, 6.0),
    "rand": Policy(2, 9, 0.3, 150 / 331, 30.0, 0.9, 4.0),
}


def with_policy(x: np.ndarray, policy: str, draw: np.random.Generator) -> np.ndarray:
    """The pictures (B, H, W, 3) uint8, each with changes of its own; `policy` is a key of POLICIES."""
    out, own, names = np.empty_like(x), POLICIES[policy], list(CHANGES)
    for number, picture in enumerate(x):
        image = Image.fromarray(picture)
        for _ in range(own.changes):
            name = names[draw.integers(len(names))]
            strength = draw.integers(STRONGEST + 1) if own.strength is None else own.strength
            sign = -1 if name in SIGNED and draw.random() < 0.5 else 1
            image = CHANGES[name](image, sign * own.amount(name, int(strength), x.shape[2]))
        out[number] = np.asarray(image)
    return out


def cropped(x: np.ndarray, smallest: float, draw: np.random.Generator) -> np.ndarray:
    """Of each picture (B, H, W, 3) uint8 a part of at least that share of its area, 0 to 1, in the size of the whole."""
    out = np.empty_like(x)
    height, width = x.shape[1:3]
    for number, picture in enumerate(x):
        box = _box(height, width, smallest, draw)
        out[number] = np.asarray(Image.fromarray(picture).resize((width, height), BILINEAR, box=box))
    return out


def _box(height: int, width: int, smallest: float, draw: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a crop, as torchvision draws them; all of the picture where none of some tries fits."""
    for _ in range(TRIES):
        area, ratio = height * width * draw.uniform(smallest, 1), math.exp(draw.uniform(-RATIO, RATIO))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left, top = int(draw.integers(width - across + 1)), int(draw.integers(height - down + 1))
            return left, top, left + across, top + down
    return 0, 0, width, height
