"""A network as data: a tuple of layers that the size table and the builder read.
Nothing here needs Keras, so a form can say what a network costs without importing it; `dhc.models.build` turns the same
plan into a Keras model. Names and arguments are Keras's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Activation = Literal["relu", "leaky_relu", "softmax", "linear"]
Padding = Literal["same", "valid"]
Flip = Literal["horizontal", "vertical", "horizontal_and_vertical"]


@dataclass(frozen=True)
class Rescaling:
    """Multiply by `scale`; the first layer, since pictures stay uint8 until the device."""

    scale: float = 1 / 255


@dataclass(frozen=True)
class Resizing:
    """Pictures drawn anew with `side` × `side` pixels, bilinearly."""

    side: int


@dataclass(frozen=True)
class Conv2D:
    """`filters` convolutions of `kernel` × `kernel`, with bias and activation.

    Where it is `whitened`, the filters are made of training pictures and never change; the biases do.
    """

    filters: int
    kernel: int = 3
    strides: int = 1
    padding: Padding = "same"
    activation: Activation = "relu"
    whitened: bool = False


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with bias and activation."""

    units: int
    activation: Activation = "relu"


@dataclass(frozen=True)
class ReLU:
    """What is below 0 becomes 0, or so much of it where there is a `negative_slope`."""

    negative_slope: float = 0.0


@dataclass(frozen=True)
class PReLU:
    """What is below 0 is multiplied by a slope that each channel, or unit, learns (He et al., 2015)."""


@dataclass(frozen=True)
class Add:
    """A skip connection: the output of the layer `back` places before this one is added to what comes in."""

    back: int


@dataclass(frozen=True)
class BatchNormalization:
    """Normalise each channel by the batch's mean and variance.

    `momentum` is that of the averages used outside training.
    """

    momentum: float = 0.99


@dataclass(frozen=True)
class MaxPooling2D:
    """Keep the largest value of each `pool` × `pool` square.

    One square every `strides` pixels; 0 is `pool`, side by side.
    """

    pool: int = 2
    strides: int = 0


@dataclass(frozen=True)
class Dropout:
    """While training, set this share of the values to zero."""

    rate: float


@dataclass(frozen=True)
class RandomFlip:
    """While training, mirror at random."""

    mode: Flip


@dataclass(frozen=True)
class RandomRotation:
    """While training, turn by a uniform angle within ± `factor` full turns."""

    factor: float


@dataclass(frozen=True)
class RandomZoom:
    """While training, scale both sides by one uniform factor within 1 ± `factor`."""

    factor: float


@dataclass(frozen=True)
class RandomShear:
    """While training, slant: the row of pixels at y is moved sideways by y times a uniform number within ± `factor`."""

    factor: float


@dataclass(frozen=True)
class RandomTranslation:
    """While training, shift along each axis by a uniform share within ± `factor` of the side."""

    factor: float


@dataclass(frozen=True)
class RandomErasing:
    """While training, with this probability, overwrite a rectangle of a picture with noise.

    It covers 2 to 33 % (Zhong et al., 2020).
    """

    probability: float


@dataclass(frozen=True)
class Flatten:
    """Feature maps to one vector."""


@dataclass(frozen=True)
class GlobalAveragePooling2D:
    """The mean of each feature map."""


Layer = (
    Rescaling
    | Resizing
    | Conv2D
    | Dense
    | ReLU
    | PReLU
    | Add
    | BatchNormalization
    | MaxPooling2D
    | Dropout
    | RandomFlip
    | RandomRotation
    | RandomZoom
    | RandomShear
    | RandomTranslation
    | RandomErasing
    | Flatten
    | GlobalAveragePooling2D
)
# Augmentation: layers that pass pictures through unchanged outside training.
RANDOM = (RandomFlip, RandomRotation, RandomZoom, RandomShear, RandomTranslation, RandomErasing)
MAPS = (Resizing, Conv2D, MaxPooling2D, GlobalAveragePooling2D)  # layers that take feature maps
Plan = tuple[Layer, ...]
Shape = tuple[int, ...]
SLOPE = 0.25  # below 0 with which a PReLU begins, as in its paper
LEAK = 0.2  # slope of Keras's leaky_relu below 0


def activation_layer(name: str) -> ReLU | PReLU:
    """The layer of the activation ``relu``, ``leaky_relu`` or ``prelu``."""
    return PReLU() if name == "prelu" else ReLU(LEAK if name == "leaky_relu" else 0.0)


def activated(layer: Conv2D | Dense, name: Literal["relu", "leaky_relu", "prelu"]) -> Plan:
    """The layer with that activation: within it where that learns nothing, else as a layer of its own behind it."""
    return (replace(layer, activation="linear"), PReLU()) if name == "prelu" else (replace(layer, activation=name),)


def with_first_whitened(plan: Plan) -> Plan:
    """The plan with its first convolution whitened."""
    first = next(place for place, layer in enumerate(plan) if isinstance(layer, Conv2D))
    return tuple(
        replace(layer, whitened=True) if place == first and isinstance(layer, Conv2D) else layer
        for place, layer in enumerate(plan)
    )


def scaled_units(units: int, width: float) -> int:
    """`units` times the width multiplier, at least 1."""
    return max(1, round(units * width))


def scaled_filters(filters: int, width: float) -> int:
    """`filters` times the width multiplier, to the nearest multiple of 16, at least 8.

    Processors multiply in blocks of 8 or 16: a convolution of 13 filters takes longer than one of 16. MobileNetV2 rounds its
    width multiplier likewise (https://arxiv.org/abs/1801.04381).
    """
    return max(8, 16 * math.ceil(filters * width / 16 - 0.5))


@dataclass(frozen=True)
class LayerSize:
    """One layer's cost: output shape of a picture, weights, FLOPs of one forward pass.

    A multiply-add counts 2.
    """

    layer: Layer
    shape: Shape
    parameters: int
    flops: int


def measure(plan: Plan, input_shape: Shape = (64, 64, 3)) -> tuple[LayerSize, ...]:
    """Shapes, weights and forward FLOPs of each layer, for one picture.

    Moving statistics count as weights, as in Keras.

    Raises ValueError when the feature maps become smaller than a kernel or a pool, for a layer that takes feature maps
    where there are none any more, and for a skip between outputs that cannot be added.
    """
    rows: list[LayerSize] = []
    shape = input_shape
    for layer in plan:
        if isinstance(layer, Add):
            _check_skip(layer, rows)
        if (isinstance(layer, MAPS) and len(shape) != 3) or (isinstance(layer, Dense) and len(shape) != 1):
            raise ValueError(f"{type(layer).__name__} cannot take what the layer before it gives")
        row = _measure(layer, shape)
        if min(row.shape) < 1:
            raise ValueError(f"{type(layer).__name__} needs larger feature maps than {shape[0]}×{shape[1]}")
        rows.append(row)
        shape = row.shape
    return tuple(rows)


def _measure(layer: Layer, shape: Shape) -> LayerSize:
    match layer:
        case Conv2D(filters, kernel, strides, padding):
            sides = [_conv_side(side, kernel, strides, padding) for side in shape[:2]]
            weights = kernel * kernel * shape[2] * filters
            return LayerSize(layer, (*sides, filters), weights + filters, 2 * weights * math.prod(sides))
        case Dense(units):
            return LayerSize(layer, (units,), (shape[0] + 1) * units, 2 * shape[0] * units)
        case PReLU():
            return LayerSize(layer, shape, shape[-1], 0)
        case BatchNormalization():
            return LayerSize(layer, shape, 4 * shape[-1], 0)
        case MaxPooling2D(pool, strides):
            sides = [(side - pool) // (strides or pool) + 1 for side in shape[:2]]
            return LayerSize(layer, (*sides, shape[2]), 0, 0)
        case Resizing(side):
            return LayerSize(layer, (side, side, shape[2]), 0, 0)
        case Flatten():
            return LayerSize(layer, (math.prod(shape),), 0, 0)
        case GlobalAveragePooling2D():
            return LayerSize(layer, (shape[-1],), 0, 0)
        case _:
            return LayerSize(layer, shape, 0, 0)


def _check_skip(layer: Add, rows: Sequence[LayerSize]) -> None:
    """Raise ValueError unless the layer, behind those of `rows`, can add the output that it names to the last one."""
    skipped = rows[len(rows) - layer.back :] if 0 < layer.back <= len(rows) else ()
    if not skipped or skipped[0].shape != rows[-1].shape:
        raise ValueError("Add needs an earlier layer with an output of the same shape")
    if any(isinstance(row.layer, RANDOM) for row in skipped[1:]):
        raise ValueError("Add cannot skip augmentation, which would move only one of the two outputs")


def _conv_side(side: int, kernel: int, strides: int, padding: str) -> int:
    return -(-side // strides) if padding == "same" else (side - kernel) // strides + 1
