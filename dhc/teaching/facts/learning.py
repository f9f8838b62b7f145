"""The numbers in the lessons on how a network learns and how it is judged."""

from __future__ import annotations

from dhc.lessons import descent as d
from dhc.teaching.fact import Facts
from dhc.teaching.facts import report

NEAR = 0.1  # of the answer, where it is read off a slider


def gradient_descent() -> Facts:
    """The largest rate of plain descent in the valley; the report's own optimizer."""
    optimizer = report.config().optimizer
    weights = sum(size.parameters for size in report.sizes())
    values = {"rate": optimizer.learning_rate, "weights": weights, "kept": d.MOMENTUM, "curvature": d.CURVATURE}
    return Facts(d.LARGEST_RATE, values | {"near": NEAR, "largest": d.LARGEST_RATE}, tolerance=NEAR)
