"""How sure networks are: accuracy against confidence, and accuracy against the share of pictures answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.sureness import Bin, Sureness, Threshold, coverage_curve
from dhc.figures import theme

UPPER, LOWER = [0.3, 1.0], [0.0, 0.2]  # shares of the height for accuracies and for counts
MOST_POINTS = 400  # of a curve; more make no difference to the eye


@dataclass(frozen=True)
class Series:
    """One run's answers: its key and name, its colour, and its bins."""

    run: str
    name: str
    color: str
    answers: Sureness
    bins: Sequence[Bin]


def reliability_diagram(several: Sequence[Series]) -> go.Figure:
    """Accuracy (y) by confidence (x), each bin with Wilson's 95% interval; below, how many answers each bin holds.

    On the dotted line a network is right as often as it says; below the line it is too sure.
    """
    figure = theme.figure(x="confidence", y="accuracy")
    line = {"color": theme.MUTED, "width": 1.5, "dash": "dot"}
    hidden = {"hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, uid="agreement", **hidden))
    for series in several:
        figure.add_trace(_accuracies(series))
        figure.add_trace(_counts(series))
    figure.update_xaxes(range=[0, 1.02], anchor="y2", tickformat=".0%")
    figure.update_yaxes(range=[-0.02, 1.05], domain=UPPER, tickformat=".0%")
    figure.update_layout(
        yaxis2={"title": {"text": "pictures"}, "domain": LOWER, "rangemode": "tozero", "nticks": 3},
        hovermode="closest",
        barmode="group",
        bargap=0.05,
    )
    return figure


def _accuracies(series: Series) -> go.Scatter:
    accuracies = np.array([one.accuracy for one in series.bins])
    high = np.array([one.interval[1] for one in series.bins]) - accuracies
    low = accuracies - np.array([one.interval[0] for one in series.bins])
    return go.Scatter(
        x=theme.numbers([one.confidence for one in series.bins]),
        y=theme.numbers(accuracies),
        error_y={"type": "data", "array": high, "arrayminus": low, "thickness": 1.2, "width": 3},
        mode="lines+markers",
        line={"color": series.color, "width": 2},
        marker={"size": 8},
        customdata=[one.count for one in series.bins],
        hovertemplate="confidence %{x:.1%}, accuracy %{y:.1%}, %{customdata} pictures<extra></extra>",
        name=theme.escape_html(series.name),
        uid=series.run,
    )


def _counts(series: Series) -> go.Bar:
    middles = [(one.low + one.high) / 2 for one in series.bins]
    return go.Bar(
        x=middles,
        y=[one.count for one in series.bins],
        yaxis="y2",
        marker={"color": series.color},
        hovertemplate="%{y} pictures<extra></extra>",
        showlegend=False,
        uid=f"{series.run}-counts",
    )


def coverage(several: Sequence[Series], threshold: Threshold | None = None) -> go.Figure:
    """Accuracy (y) among the pictures answered against their share (x), the surest first.

    A `threshold` of the first run is marked by a ring.
    """
    figure = theme.figure(x="share of the pictures answered", y="accuracy among them")
    for series in several:
        shares, accuracies = coverage_curve(series.answers)
        rows = np.unique(np.linspace(0, len(shares) - 1, min(MOST_POINTS, len(shares))).astype(int))
        line = {"color": series.color, "width": 2}
        figure.add_trace(
            go.Scatter(
                x=theme.numbers(shares[rows]),
                y=theme.numbers(accuracies[rows]),
                mode="lines" if len(rows) > 1 else "markers",
                line=line,
                name=theme.escape_html(series.name),
                uid=series.run,
                hovertemplate="%{x:.0%} answered, %{y:.1%} of them right<extra></extra>",
            )
        )
    if threshold is not None and threshold.accuracy is not None:
        ring = {"size": 14, "color": "rgba(0,0,0,0)", "line": {"color": theme.SELECTED, "width": 3}}
        point = {"x": [threshold.share], "y": [threshold.accuracy], "mode": "markers", "marker": ring}
        figure.add_trace(go.Scatter(**point, showlegend=False, hoverinfo="skip", uid="threshold"))
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(tickformat=".0%")
    figure.update_layout(hovermode="closest")
    return figure
