"""The numbers in the lessons on what a convolution sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np

from dhc.lessons import convolution as c
from dhc.lessons.pooling import pool
from dhc.models.ladder import RUNGS
from dhc.models.plan import Conv2D, LayerSize, MaxPooling2D
from dhc.models.receptive import Field, fields
from dhc.teaching.fact import Facts
from dhc.teaching.facts import report

SIDE = 64  # of the report's pictures


def nearest_neighbours() -> Facts:
    """How many numbers a picture is, pixel by pixel; how far the report came with its neighbours."""
    colours, right, reported = 3, 1, RUNGS["knn"].reported
    assert reported is not None
    return Facts(right, {"side": SIDE, "colours": colours, "numbers": SIDE**2 * colours, "reported": reported[0]})


def convolution() -> Facts:
    """The report's example: its sizes, and the middle of its answer."""
    picture, kernel = np.array(c.REPORT_INPUT, float), np.array(c.REPORT_KERNEL, float)
    answer = c.convolve(picture, kernel)
    products = c.products(picture, kernel, 1, 1)
    sizes = {"side": len(picture), "extent": len(kernel), "answer_side": len(answer), "weights": kernel.size}
    middle = {"patch": _rows(picture[1:4, 1:4]), "kernel": _rows(kernel), "products": _listed(products, " + ")}
    right = float(answer[1, 1])
    return Facts(right, {**sizes, **middle, "answer": f"{right:g}", "convolutions": len(report.layers(Conv2D))})


def feature_map() -> Facts:
    """How many weights a filter has, on the picture and deep in the report's network."""
    first, *_, last = report.layers(Conv2D)
    (deepest,) = (size for size in report.sizes() if size.layer is last)
    deep = _before(deepest).shape[-1]
    colours, extent = 3, first.kernel
    answer = extent**2 * colours
    values = {"filters": first.filters, "extent": extent, "colours": colours, "answer": answer}
    return Facts(answer, {**values, "deep": deep, "deep_weights": last.kernel**2 * deep})


def stride() -> Facts:
    """How many numbers a stride of two leaves, and what makes the report's maps smaller."""
    side, extent, two = SIDE, report.layers(Conv2D)[0].kernel, 2
    pools = [size for size in report.sizes() if isinstance(size.layer, MaxPooling2D)]
    (one,) = {layer.strides for layer in report.layers(Conv2D)}
    answer = c.size(side, extent, two)
    values = {"one": one, "two": two, "three": 3, "side": side, "extent": extent, "steps": answer - 1, "answer": answer}
    values |= {"convolutions": len(report.layers(Conv2D)), "pools": len(pools)}
    values |= {"before": _before(pools[0]).shape[0], "after": pools[0].shape[0], "last": pools[-1].shape[0]}
    return Facts(answer, {**values, "exact": (side - extent) / two})


def padding() -> Facts:
    """What the report's first convolution leaves, and what a second one without padding would."""
    first, *others = (size for size in report.sizes() if isinstance(size.layer, Conv2D))
    extent = report.layers(Conv2D)[0].kernel
    width = first.shape[0]
    same = sum(isinstance(size.layer, Conv2D) and size.layer.padding == "same" for size in others)
    second = c.size(width, extent, 1)
    values = {"side": SIDE, "extent": extent, "first": width, "second": second, "lost": SIDE - width, "others": same}
    return Facts(second, {**values, "one": 1})


def pooling() -> Facts:
    """What windows leave over, and what the report's make of its maps."""
    pools = [size for size in report.sizes() if isinstance(size.layer, MaxPooling2D)]
    (window,) = {layer.pool for layer in report.layers(MaxPooling2D)}
    numbers = np.array([[3, 9], [4, 8]], float)
    answer = float(pool(numbers, len(numbers), "mean")[0, 0])
    a, b, c_, d = (int(number) for number in numbers.ravel())
    values = {"two": window, "all": window**2, "pools": len(pools)}
    values |= {"first": _before(pools[0]).shape[0], "last": pools[-1].shape[0]}
    values |= {"a": a, "b": b, "c": c_, "d": d, "count": numbers.size, "largest": int(numbers.max())}
    return Facts(answer, {**values, "answer": answer})


@dataclass(frozen=True)
class SeeingLayer:
    """A convolution or a pooling of the report's network: its number among its kind, from 1, and what its numbers see."""

    layer: Conv2D | MaxPooling2D
    number: int
    field: Field


@cache
def seeing_layers() -> tuple[SeeingLayer, ...]:
    """The convolutions and poolings of the report's network, in order."""
    counts: Counter[type] = Counter()
    seeing = []
    for size, field in zip(report.sizes(), fields(report.sizes(), SIDE), strict=True):
        if isinstance(size.layer, Conv2D | MaxPooling2D):
            counts[type(size.layer)] += 1
            seeing.append(SeeingLayer(size.layer, counts[type(size.layer)], field))
    return tuple(seeing)


def receptive_field() -> Facts:
    """What two convolutions see, and from where on the report's network sees all of its picture."""
    layers = seeing_layers()
    second = next(each for each in layers if isinstance(each.layer, Conv2D) and each.number == 2)
    convolutions = [each for each in layers if isinstance(each.layer, Conv2D)]
    whole = next(each.number for each in convolutions if each.field.seen(SIDE) == SIDE)
    values = {"extent": report.layers(Conv2D)[0].kernel, "whole": whole, "side": SIDE, "last": layers[-1].field.size}
    return Facts(second.field.size, {**values, "one": 1, "answer": second.field.size})


def _before(size: LayerSize) -> LayerSize:
    """The layer before one of the report's network."""
    sizes = report.sizes()
    return sizes[sizes.index(size) - 1]


def _rows(numbers: c.Floats) -> str:
    """Rows of numbers in a line."""
    return " / ".join(_listed(row) for row in numbers)


def _listed(numbers: c.Floats, between: str = " ") -> str:
    """Numbers in a line."""
    return between.join(f"{number:g}" for number in numbers.ravel().tolist())
