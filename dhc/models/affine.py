"""The random changes that only move pixels, as one: each picture is turned, zoomed and shifted in a single drawing. Imports Keras.

Keras's layers would draw it anew for each change, which takes as many times as long and blurs it as many times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import keras
from keras import ops

from dhc.models import plan as p

Change = p.RandomFlip | p.RandomRotation | p.RandomZoom | p.RandomShear | p.RandomTranslation
Row = tuple[Any, Any, Any]
Move = tuple[Row, Row]  # the first two rows of a matrix whose third is 0 0 1; each number for all pictures or (B,)


def first_changes(plan: p.Plan) -> tuple[Change, ...]:
    """Those with which the plan begins."""
    changes: list[Change] = []
    for layer in plan:
        if not isinstance(layer, Change):
            break
        changes.append(layer)
    return tuple(changes)


class RandomAffine(keras.layers.Layer):  # type: ignore[misc]
    """What Keras's layers for the `changes` make of pictures (B, H, W, C), one after the other, as (B, H, W, C) float32.

    Each change draws by a seed of its own, from `seed` on. What comes in from beyond an edge is reflected, seen from the whole change;
    pixels between pixels are bilinear. Outside training the pictures pass through.
    """

    def __init__(self, changes: Sequence[Change], seed: int, **options: Any) -> None:
        # in 16 bits coordinates blur
        super().__init__(dtype="float32", **options)
        self.changes = tuple(changes)
        self.generators = [keras.random.SeedGenerator(seed + number) for number in range(len(changes))]
        self.supports_jit = keras.backend.backend() != "tensorflow"  # whose kernel for it XLA lacks

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """The pictures, changed when training."""
        pictures = ops.cast(inputs, "float32")
        if not training:
            return pictures
        shape = (ops.shape(pictures)[0], 2)
        drawn = [keras.random.uniform(shape, seed=generator) for generator in self.generators]
        return ops.image.affine_transform(pictures, self.coefficients(drawn, *pictures.shape[1:3]), fill_mode="reflect")

    def coefficients(self, drawn: Sequence[Any], height: int, width: int) -> Any:
        """(B, 8) float32 as ``ops.image.affine_transform`` takes them, by two numbers within 0 and 1, (B, 2), for each change."""
        pairs = zip(self.changes, drawn, strict=True)
        (a, b, x), (c, d, y) = reduce(_after, (_move(change, numbers, height, width) for change, numbers in pairs))
        # the move is about the middle, the coefficients about the first pixel
        right, down = (width - 1) / 2, (height - 1) / 2
        rows = [a, b, x + right - a * right - b * down, c, d, y + down - c * right - d * down]
        zero = ops.zeros_like(drawn[0][:, 0])
        return ops.stack([zero + value for value in (*rows, 0, 0)], axis=1)


def _after(first: Move, second: Move) -> Move:
    """Both moves: the pictures of the first one moved by the second."""
    (a, b, x), (c, d, y) = second

    def row(across: Any, down: Any, shift: Any) -> Row:
        return across * a + down * c, across * b + down * d, across * x + down * y + shift

    return row(*first[0]), row(*first[1])


def _move(change: Change, drawn: Any, height: int, width: int) -> Move:
    """Where, seen from the middle of a picture, each of its pixels comes from under one change."""
    first, second = drawn[:, 0], drawn[:, 1]
    match change:
        case p.RandomFlip(mode):
            side = ops.where(first <= 0.5, -1.0, 1.0)  # one draw for both flips, as in Keras
            across, down = (side if flip in mode else 1.0 for flip in ("horizontal", "vertical"))
            return (across, 0.0, 0.0), (0.0, down, 0.0)
        case p.RandomRotation(factor):
            angle = _within(factor * 2 * math.pi, first)
            return (ops.cos(angle), -ops.sin(angle), 0.0), (ops.sin(angle), ops.cos(angle), 0.0)
        case p.RandomZoom(factor):
            scale = 1 + _within(factor, first)
            return (scale, 0.0, 0.0), (0.0, scale, 0.0)
        case p.RandomShear(factor):
            slant = _within(factor, first)  # about the first row, as in Keras: the middle moves
            return (1.0, slant, slant * (height - 1) / 2), (0.0, 1.0, 0.0)
        case p.RandomTranslation(factor):
            return (1.0, 0.0, _within(factor * width, first)), (0.0, 1.0, _within(factor * height, second))


def _within(most: float, drawn: Any) -> Any:
    """Numbers within 0 and 1 spread over ± `most`."""
    return most * (2 * drawn - 1)
