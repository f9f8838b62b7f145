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
    values = {"side": len(picture), "extent": len(kernel), "answer_side": len(answer)}
    return Facts(float(answer[1, 1]), values | {"convolutions": len(report.layers(Conv2D))})
