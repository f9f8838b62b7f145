"""The curve coach's marks on a figure of curves: small numbers on the axis, titles to hover."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dhc.analysis.coach import Mark
from dhc.figures import theme

COLOR = "#7a4fd8"  # white figures on it have 5 : 1
NEAR = 0.035  # of the axis' length: numbers closer than this stand one above the other
LINE = "rgba(122,79,216,0.45)"


def annotate(figure: go.Figure, marks: Sequence[Mark]) -> go.Figure:
    """Add the marks as the last trace to a figure of `learning_curves`, and return it.

    Each number stands on the bottom axis at each of its epochs, with a hair line at the first. Without marks the
    trace is there and empty, so that traces keep their places while the run grows.
    """
    points = [(epoch, mark) for mark in marks for epoch in mark.epochs]
    length = float(figure.layout.xaxis.range[1])
    figure.add_trace(
        go.Scatter(
            x=[epoch for epoch, _ in points],
            y=_levels([epoch for epoch, _ in points], NEAR * length),
            yaxis="y2",
            mode="markers+text",
            marker={"symbol": "circle", "size": 17, "color": COLOR},
            text=[str(mark.number) for _, mark in points],
            textfont={"size": 11, "color": "#ffffff"},
            textposition="middle center",
            customdata=[theme.escape_html(mark.title) for _, mark in points],
            hovertemplate="%{text} %{customdata}<extra></extra>",
            name="what the curve says",
            uid="coach",
            showlegend=False,
            cliponaxis=False,
        )
    )
    if marks:
        figure.update_xaxes(ticklabelstandoff=9)  # the numbers of the axis make room for ours
    for mark in marks:
        line = {"color": LINE, "width": 1}
        figure.add_shape(
            type="line", x0=mark.epochs[0], x1=mark.epochs[0], y0=0, y1=1, yref="paper", line=line, layer="below"
        )
    return figure


def _levels(epochs: Sequence[float], near: float) -> list[float]:
    """The height of each number, 0 to 1: 0 on the axis, higher where an earlier one is too near."""
    levels: list[int] = []
    for i, x in enumerate(epochs):
        neighbours = {level for other, level in zip(epochs[:i], levels, strict=True) if abs(other - x) < near}
        levels.append(next(level for level in range(len(epochs) + 1) if level not in neighbours))
    return [0.075 * level for level in levels]
