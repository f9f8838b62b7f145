"""Receptive fields: which part of a picture a unit of a layer can see. Arithmetic only, no Keras.

From layer to layer a field grows by (kernel - 1) times the step between two neighbouring units, and that step is multiplied by the layer's
stride (Dumoulin and Visin, "A guide to convolution arithmetic", 2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dhc.models import plan as p

Spans = tuple[
    tuple[int, int], ...
]  # of the units along an axis: the first pixel that each sees, and the one behind its last


@dataclass(frozen=True)
class Field:
    """What one unit sees: a square of `size` pixels a side, `step` pixels from that of the unit's neighbour.

    `size` may be larger than the picture. `spans` are what the units along an axis see of the picture itself, without what lies outside at
    its border, or what pooling leaves over there; a vector's is one for all.
    """

    size: int
    step: float
    spans: Spans

    def seen(self, side: int) -> int:
        """The side of the square as far as a picture of `side` pixels has it."""
        return self.size if self.size < side else max(end - start for start, end in self.spans)


def fields(rows: Iterable[p.LayerSize], side: int = 64) -> tuple[Field, ...]:
    """The field of each layer that `measure` gives, for pictures of `side` pixels a side."""
    field = Field(1, 1.0, tuple((pixel, pixel + 1) for pixel in range(side)))
    result: list[Field] = []
    for row in rows:
        field = _both(field, result[-row.layer.back]) if isinstance(row.layer, p.Add) else _next(row, field)
        result.append(field)
    return tuple(result)


def _next(row: p.LayerSize, field: Field) -> Field:
    """The field of a layer's units, from that of the layer before."""
    before = len(field.spans)
    match row.layer:
        case p.Conv2D(_, kernel, strides, padding):
            outside = max(0, (row.shape[0] - 1) * strides + kernel - before) // 2 if padding == "same" else 0
            return _through_windows(row, field, kernel, strides, outside)
        case p.MaxPooling2D(pool, strides):
            return _through_windows(row, field, pool, strides or pool, 0)
        case p.Resizing(side):
            return _resized(field, side)
        case p.GlobalAveragePooling2D() | p.Dense():  # all of the maps at once, through a Flatten, too
            whole = (field.spans[0][0], field.spans[-1][1])
            return Field(_grown(field, before), field.step * before, (whole,))
        case _:
            return field


def _both(field: Field, skipped: Field) -> Field:
    """The field of units that add up those of two layers: what either sees."""
    spans = ((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(field.spans, skipped.spans, strict=True))
    return Field(max(field.size, skipped.size), field.step, tuple(spans))


def _through_windows(row: p.LayerSize, field: Field, kernel: int, strides: int, outside: int) -> Field:
    """The field behind windows of `kernel` units, the first of which begins `outside` the maps."""
    before, spans = len(field.spans), []
    for unit in range(row.shape[0]):
        start = unit * strides - outside
        spans.append((field.spans[max(0, start)][0], field.spans[min(before, start + kernel) - 1][1]))
    return Field(_grown(field, kernel), field.step * strides, tuple(spans))


def _resized(field: Field, side: int) -> Field:
    """Bilinearly: where a new pixel's middle is no old one's, it is the mean of its neighbours."""
    before, spans = len(field.spans), []
    ratio = before / side
    for unit in range(side):
        middle = (unit + 0.5) * ratio - 0.5
        first, last = max(0, math.floor(middle)), min(before - 1, math.ceil(middle))
        spans.append((field.spans[first][0], field.spans[last][1]))
    size = field.size if ratio % 2 == 1 else _grown(field, 2)
    return Field(size, field.step * ratio, tuple(spans))


def _grown(field: Field, kernel: int) -> int:
    return math.ceil(field.size + (kernel - 1) * field.step)
