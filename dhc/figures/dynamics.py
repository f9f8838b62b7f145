"""Training pictures by how sure the network was of them, and one picture's way through the epochs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.dynamics import DataMap
from dhc.figures import palette, theme
from dhc.runs.dynamics import Dynamics

CORNERS = (("easy", 0.985, "top", 0.01), ("ambiguous", 0.5, "middle", 0.99), ("hard", 0.015, "bottom", 0.01))
FAINT = 0.18  # opacity of the points that are not in the list shown
SIZE = 6  # CSS pixels of a point


def scatter(
    data_map: DataMap,
    hover: Sequence[str],
    *,
    rows: np.ndarray,
    labels: np.ndarray | None = None,
    selected: int | None = None,
) -> go.Figure:
    """Confidence (y) over variability (x): N points, those of `rows` in full colour, the others faint.

    Coloured by correctness, or by class where `labels` (N,) are given. `hover` are N texts of ours, foreign parts escaped. A click
    reports a point's row as customdata.
    """
    figure = theme.figure(x="variability: standard deviation of p", y="confidence: mean p of its class")
    others = np.setdiff1d(np.flatnonzero(~np.isnan(data_map.confidence)), rows)
    colors, scale = (data_map.correctness, (0.0, 1.0)) if labels is None else (labels, _span(labels))
    for name, some, opacity in (("others", others, FAINT), ("shown", rows, 0.9)):
        marker = {
            "size": SIZE,
            "opacity": opacity,
            "color": theme.numbers(colors[some]),
            "cmin": scale[0],
            "cmax": scale[1],
            "colorscale": [[1 - place, color] for place, color in reversed(palette.LOW_TO_HIGH)]
            if labels is None
            else _ten(scale),
            "showscale": labels is None and name == "shown",
            "colorbar": {"title": {"text": "recognised in"}, "tickformat": ".0%", "outlinewidth": 0, "thickness": 12},
        }
        figure.add_trace(
            go.Scattergl(
                x=theme.numbers(data_map.variability[some]),
                y=theme.numbers(data_map.confidence[some]),
                mode="markers",
                marker=marker,
                customdata=some.astype(np.int32),
                text=[hover[row] for row in some],
                hovertemplate="%{text}<br>confidence %{y:.1%}, variability %{x:.2f}<extra></extra>",
                showlegend=False,
                uid=name,
            )
        )
    if selected is not None:
        _ring(figure, data_map, selected)
    for text, y, anchor, x in CORNERS:
        figure.add_annotation(
            text=text,
            x=x,
            y=y,
            xref="paper",
            yref="paper",
            showarrow=False,
            xanchor="left" if x < 0.5 else "right",
            yanchor=anchor,
            font={"size": 13},
        )
    figure.update_xaxes(rangemode="tozero")
    figure.update_yaxes(range=[-0.03, 1.03], tickformat=".0%")
    figure.update_layout(hovermode="closest", margin={"l": 56, "r": 8, "t": 12, "b": 44})
    return figure


def curve(dynamics: Dynamics, row: int) -> go.Figure:
    """A picture's p by epoch; green where it was recognised, orange where not."""
    p, right = dynamics.p[:, row], dynamics.margin[:, row] > 0
    figure = theme.figure(x="epoch", y="p of its class")
    figure.add_trace(
        go.Scatter(
            x=dynamics.epochs,
            y=theme.numbers(p),
            mode="lines+markers",
            line={"color": theme.MUTED, "width": 1.5},
            marker={"size": 7 if len(p) <= 80 else 4, "color": [theme.BEST if one else theme.VAL for one in right]},
            customdata=["recognised" if one else "taken for another class" for one in right],
            hovertemplate="epoch %{x}: p %{y:.1%}, %{customdata}<extra></extra>",
            showlegend=False,
            uid="p",
        )
    )
    figure.update_yaxes(range=[-0.04, 1.04], tickformat=".0%")
    figure.update_xaxes(**theme.epoch_ticks(len(p), 8))
    figure.update_layout(margin={"l": 48, "r": 8, "t": 8, "b": 40})
    return figure


def _span(labels: np.ndarray) -> tuple[float, float]:
    return (0.0, max(1.0, float(labels.max(initial=0))))


def _ten(scale: tuple[float, float]) -> list[list[object]]:
    """A colour for each class in bands; beyond ten classes a ramp."""
    count = int(scale[1]) + 1
    colors = palette.distinct(count)
    if count > len(palette.TEN):
        return [[place / (count - 1), color] for place, color in enumerate(colors)]
    edges = [max(0.0, min(1.0, (place - 0.5) / (count - 1))) for place in range(count + 1)]
    return [[edge, color] for place, color in enumerate(colors) for edge in edges[place : place + 2]]


def _ring(figure: go.Figure, data_map: DataMap, row: int) -> None:
    ring = {"size": 16, "color": "rgba(0,0,0,0)", "line": {"color": theme.SELECTED, "width": 3}}
    point = {"x": [float(data_map.variability[row])], "y": [float(data_map.confidence[row])]}
    figure.add_trace(go.Scatter(**point, mode="markers", marker=ring, hoverinfo="skip", showlegend=False, uid="ring"))
