"""The numbers in the lessons on what a convolution sees."""

from __future__ import annotations

import numpy as np

from dhc.lessons import convolution as c
from dhc.models.plan import Conv2D
from dhc.teaching.fact import Facts
from dhc.teaching.facts import report


def convolution() -> Facts:
    """The report's example: its sizes, and the middle of its answer."""
    picture, kernel = np.array(c.REPORT_INPUT, float), np.array(c.REPORT_KERNEL, float)
    answer = c.convolve(picture, kernel)
    products = c.products(picture, kernel, 1, 1)
    sizes = {"side": len(picture), "extent": len(kernel), "answer_side": len(answer), "weights": kernel.size}
    middle = {"patch": _listed(picture[1:4, 1:4]), "kernel": _listed(kernel), "products": _listed(products, " + ")}
    right = float(answer[1, 1])
    return Facts(right, {**sizes, **middle, "answer": f"{right:g}", "convolutions": len(report.layers(Conv2D))})


def _listed(numbers: c.Floats, between: str = " ") -> str:
    """Numbers in a line."""
    return between.join(f"{number:g}" for number in numbers.ravel().tolist())
