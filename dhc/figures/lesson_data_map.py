"""Training pictures as points: how sure the network was of each, over how much it wavered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import palette, theme
from dhc.lessons import cartography

PLACES = {"easy": (0.02, 0.985), "ambiguous": (0.42, 0.5), "hard": (0.02, 0.015)}  # of the corners' names: x and y
SIZE, FAINT = 6, 0.25  # CSS pixels of a point; opacity of those outside the corner


def scatter(
    confidence: np.ndarray,
    variability: np.ndarray,
    correctness: np.ndarray,
    *,
    rows: np.ndarray,
    chosen: int | None,
    is_open: bool,
    labels: Mapping[str, str],
) -> go.Figure:
    """N points, (N,) each, coloured by how often each was recognised once the bet is settled, those of `rows` in full.

    A click reports a point's row as customdata. labels: x, y, recognised, bow, hover, and a name for each of PLACES.
    """
    figure = theme.figure(x=labels["x"], y=labels["y"])
    _bow(figure, labels["bow"])
    others = np.setdiff1d(np.flatnonzero(~np.isnan(confidence)), rows)
    for uid, some, opacity in (
        ("others", others, FAINT if is_open else 0.5),
        ("corner", rows, 0.9 if is_open else 0.5),
    ):
        marker = {
            "size": SIZE,
            "opacity": opacity,
            "color": theme.numbers(correctness[some]) if is_open else theme.MUTED,
            "cmin": 0,
            "cmax": 1,
            "colorscale": [[1 - place, color] for place, color in reversed(palette.LOW_TO_HIGH)],
            "showscale": is_open and uid == "corner",
            "colorbar": {
                "title": {"text": labels["recognised"], "side": "right"},
                "tickformat": ".0%",
                "outlinewidth": 0,
                "thickness": 10,
            },
        }
        figure.add_trace(
            go.Scattergl(
                x=theme.numbers(variability[some]),
                y=theme.numbers(confidence[some]),
                mode="markers",
                marker=marker,
                customdata=some.astype(np.int32),
                hovertemplate=f"{labels['hover']}<extra></extra>",
                hoverinfo=None if is_open else "skip",
                showlegend=False,
                uid=uid,
            )
        )
    if chosen is not None:
        ring = {"size": 16, "color": "rgba(0,0,0,0)", "line": {"color": theme.SELECTED, "width": 3}}
        point = {"x": [float(variability[chosen])], "y": [float(confidence[chosen])], "mode": "markers"}
        figure.add_trace(go.Scatter(**point, marker=ring, hoverinfo="skip", showlegend=False, uid="ring"))
    for name, (x, y) in PLACES.items():
        figure.add_annotation(
            text=f"<b>{labels[name]}</b>", x=x, y=y, xanchor="left", showarrow=False, font={"size": 15}
        )
    figure.update_xaxes(range=[-0.01, 0.55])
    figure.update_yaxes(range=[-0.04, 1.04], tickformat=".0%")
    figure.update_layout(hovermode="closest", margin={"l": 56, "r": 8, "t": 12, "b": 44})
    return figure


def _bow(figure: go.Figure, name: str) -> None:
    """The edge beyond which no point can lie."""
    means = np.linspace(0, 1, 101)
    line = {"color": theme.MUTED, "width": 1.5, "dash": "dot"}
    edge = {"x": theme.numbers(cartography.most_variability(means)), "y": theme.numbers(means)}
    figure.add_trace(go.Scatter(**edge, mode="lines", line=line, hoverinfo="skip", showlegend=False, uid="bow"))
    figure.add_annotation(text=name, x=0.5, y=0.98, xanchor="right", yanchor="top", showarrow=False, font={"size": 12})


def course(epochs: Sequence[int], p: np.ndarray, rights: np.ndarray, labels: Mapping[str, str]) -> go.Figure:
    """One picture's p (E,) by epoch, with its mean; filled where it was recognised. labels: epoch, p, right, wrong."""
    figure = theme.figure(x=labels["epoch"], y=labels["p"])
    colors = [theme.BEST if right else theme.VAL for right in rights]
    figure.add_hline(y=float(np.nanmean(p)), line={"color": theme.MUTED, "width": 1.5, "dash": "dot"})
    figure.add_trace(
        go.Scatter(
            x=list(epochs),
            y=theme.numbers(p),
            mode="lines+markers",
            line={"color": theme.MUTED, "width": 1.5},
            marker={"size": 8, "color": colors, "symbol": ["circle" if right else "x" for right in rights]},
            text=[labels["right"] if right else labels["wrong"] for right in rights],
            hovertemplate="%{x}: %{y:.0%}, %{text}<extra></extra>",
            showlegend=False,
            uid="p",
        )
    )
    figure.update_yaxes(range=[-0.05, 1.05], tickformat=".0%", nticks=3)
    figure.update_xaxes(**theme.epoch_ticks(len(p), 6))
    figure.update_layout(margin={"l": 44, "r": 8, "t": 6, "b": 36})
    return figure
