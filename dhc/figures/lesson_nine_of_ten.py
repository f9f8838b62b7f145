"""Accuracy by confidence, as bars beside what the network promised; below, how many answers each bar stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.palette import faint
from dhc.lessons.calibration import Bin

UPPER, LOWER = [0.3, 1.0], [0.0, 0.2]  # shares of the height
FEW = 10  # answers, below which a bar says little, and is pale
GAP = 0.008  # between two bars, in confidence


def diagram(
    bins: Sequence[Bin], plain: Sequence[Bin], *, asked: tuple[float, float], is_open: bool, labels: Mapping[str, str]
) -> go.Figure:
    """The bars of `bins`, with those of `plain`, without a temperature, as outlines; only the counts until the bet is settled.

    asked: between which confidences the bet is. labels: confidence, accuracy, pictures, promised, was, hover, hidden.
    """
    figure = theme.figure(x=labels["confidence"], y=labels["accuracy"])
    line = {"color": theme.MUTED, "width": 1.5, "dash": "dot"}
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False))
    figure.add_trace(_counts(bins, labels))
    if is_open:
        figure.add_trace(
            _bars(
                bins,
                theme.TRAIN,
                [faint(theme.TRAIN, 0.75 if bin.count >= FEW else 0.2) for bin in bins],
                labels["accuracy"],
                labels["hover"],
            )
        )
        if plain != bins:
            figure.add_trace(_bars(plain, theme.MUTED, ["rgba(0,0,0,0)"] * len(plain), labels["was"], ""))
        figure.add_trace(_promises(bins, labels["promised"]))
    else:
        _veil(figure, *asked, labels["hidden"])
    figure.update_xaxes(range=[0, 1.01], anchor="y2", tickformat=".0%", showgrid=False)
    figure.update_yaxes(range=[0, 1.04], domain=UPPER, tickformat=".0%")
    figure.update_layout(
        yaxis2={"title": {"text": labels["pictures"]}, "domain": LOWER, "rangemode": "tozero", "nticks": 3},
        barmode="overlay",
        hovermode="closest",
        showlegend=is_open,
        margin={"l": 60, "r": 8, "t": 30, "b": 44},
    )
    return figure


def _bars(bins: Sequence[Bin], edge: str, fills: Sequence[str], name: str, hover: str) -> go.Bar:
    return go.Bar(
        x=[(bin.low + bin.high) / 2 for bin in bins],
        y=[bin.accuracy for bin in bins],
        width=[bin.high - bin.low - GAP for bin in bins],
        marker={"color": list(fills), "line": {"color": edge, "width": 2}},
        customdata=[[bin.count, bin.confidence] for bin in bins],
        hovertemplate=f"{hover}<extra></extra>" if hover else None,
        hoverinfo=None if hover else "skip",
        name=name,
        uid=name,
    )


def _promises(bins: Sequence[Bin], name: str) -> go.Scatter:
    """A dash at the mean confidence of each bar: as many should have been right."""
    marker = {"symbol": "line-ew", "size": 34, "line": {"color": theme.VAL, "width": 4}, "color": theme.VAL}
    x = [(bin.low + bin.high) / 2 for bin in bins]
    y = [bin.confidence for bin in bins]
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip", name=name, uid="promises")


def _counts(bins: Sequence[Bin], labels: Mapping[str, str]) -> go.Bar:
    return go.Bar(
        x=[(bin.low + bin.high) / 2 for bin in bins],
        y=[bin.count for bin in bins],
        width=[bin.high - bin.low - GAP for bin in bins],
        yaxis="y2",
        marker={"color": theme.MUTED},
        hovertemplate=f"%{{y}} {labels['pictures']}<extra></extra>",
        showlegend=False,
        uid="counts",
    )


def _veil(figure: go.Figure, left: float, right: float, text: str) -> None:
    ends = {"x0": left, "x1": right, "y0": UPPER[0], "y1": 1, "yref": "paper"}
    figure.add_shape(type="rect", fillcolor=faint(theme.TRAIN, 0.16), line={"width": 0}, layer="below", **ends)
    middle = {"x": (left + right) / 2, "y": 0.4, "yref": "y"}
    figure.add_annotation(text=text, showarrow=False, font={"size": 48}, **middle)
