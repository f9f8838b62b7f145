"""The numbers in the lessons on the way through the network and back."""

from __future__ import annotations

import math

import numpy as np

from dhc.lessons import softmax as s
from dhc.teaching.fact import Facts
from dhc.teaching.facts import report

CLASSES = 5  # of the figure on softmax


def softmax() -> Facts:
    """What a network pays that gives every class the same share: in the figure, and in the report's."""
    equal = s.cross_entropy(s.softmax(np.zeros(CLASSES)), 0)
    unsure, sure = 0.1, 0.001
    values = {
        "unsure": unsure,
        "unsure_loss": -math.log(unsure),
        "sure": sure,
        "sure_loss": -math.log(sure),
        "classes": report.CLASSES,
        "report_loss": math.log(report.CLASSES),
        "count": CLASSES,
        "share": 1 / CLASSES,
        "equal": equal,
    }
    return Facts(equal, values, tolerance=0.02)
