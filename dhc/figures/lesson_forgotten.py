"""Val pictures through the epochs: a row a picture, right or wrong; above, how many were forgotten after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.palette import faint
from dhc.lessons import forgetting

UPPER, LOWER = [0.82, 1.0], [0.0, 0.77]  # shares of the height: for the counts, and for the pictures
SIGNS_UP_TO = 40  # epochs; with more the signs would not fit their cells
THUMB = 0.06  # of the plot's width, at its left


def courses(
    rights: np.ndarray,
    rows: Sequence[int],
    images: Sequence[str],
    *,
    drops: Sequence[int],
    shown: int,
    chosen: int | None,
    labels: Mapping[str, str],
) -> go.Figure:
    """The pictures `rows` of `rights` (E, N) as cells; only the first `shown` epochs.

    images: their PNGs in base64. drops: epochs, from 1, that were the first at a lower rate. A click reports the row in `rights` as
    customdata. `chosen` is a place in `rows`. labels: epoch, forgotten, drop, hidden, right, wrong, and times, a text by place in `rows`.
    """
    epochs = len(rights)
    figure = theme.figure(x="", y="")
    figure.add_trace(_counts(rights, shown, labels))
    figure.add_trace(_cells(rights, rows, shown, labels))
    for place, image in enumerate(images):
        _thumb(figure, place, image)
    drops = [drop for drop in drops if drop <= shown]
    for epoch in drops:
        line = {"color": theme.SELECTED, "width": 2, "dash": "dot"}
        figure.add_shape(type="line", x0=epoch - 0.5, x1=epoch - 0.5, y0=0, y1=1, yref="paper", line=line)
    if drops:
        _name(figure, f"┊ {labels['drop']}", 1.0, "right")
    if shown < epochs:
        _veil(figure, shown + 0.5, epochs + 0.5, labels["hidden"])
    if chosen is not None:
        ends = {"x0": 0.5, "x1": epochs + 0.5, "y0": chosen - 0.5, "y1": chosen + 0.5}
        figure.add_shape(type="rect", yref="y2", line={"color": "var(--st-text-color)", "width": 3}, **ends)
    _axes(figure, epochs, rows, labels)
    return figure


def _counts(rights: np.ndarray, shown: int, labels: Mapping[str, str]) -> go.Bar:
    counts = forgetting.is_forgotten(rights).sum(axis=1)[:shown]
    return go.Bar(
        x=list(range(1, shown + 1)),
        y=counts.tolist(),
        marker={"color": theme.VAL},
        hovertemplate=f"{labels['epoch']} %{{x}}: %{{y}}<extra></extra>",
        showlegend=False,
        uid="counts",
    )


def _cells(rights: np.ndarray, rows: Sequence[int], shown: int, labels: Mapping[str, str]) -> go.Heatmap:
    epochs = len(rights)
    z = np.full((len(rows), epochs), np.nan, np.float32)
    z[:, :shown] = rights[:shown, list(rows)].T
    words = np.where(z == 1, labels["right"], labels["wrong"])
    return go.Heatmap(
        x=list(range(1, epochs + 1)),
        y=list(range(len(rows))),
        z=z,
        zmin=0,
        zmax=1,
        colorscale=[[0, theme.VAL], [1, theme.BEST]],
        showscale=False,
        customdata=np.repeat(np.array(rows, np.int32)[:, None], epochs, axis=1),
        text=np.where(z == 0, "✗", "") if epochs <= SIGNS_UP_TO else None,
        texttemplate="%{text}" if epochs <= SIGNS_UP_TO else None,
        textfont={"color": "#1d1200"},  # on the orange of a mistake
        hovertext=words,
        hovertemplate=f"{labels['epoch']} %{{x}}: %{{hovertext}}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=2,
        yaxis="y2",
        uid="courses",
    )


def _thumb(figure: go.Figure, place: int, image: str) -> None:
    figure.add_layout_image(
        source=f"data:image/png;base64,{image}",
        x=-0.005,
        xref="paper",
        xanchor="right",
        y=place,
        yref="y2",
        yanchor="middle",
        sizex=THUMB,
        sizey=0.94,
        sizing="contain",
    )


def _veil(figure: go.Figure, left: float, right: float, text: str) -> None:
    """What a bet may not see yet."""
    ends = {"x0": left, "x1": right, "y0": 0, "y1": 1, "yref": "paper"}
    figure.add_shape(type="rect", fillcolor=faint(theme.MUTED, 0.14), line={"width": 0}, layer="below", **ends)
    middle = {"x": (left + right) / 2, "y": 0.5, "yref": "paper"}
    figure.add_annotation(text=text, showarrow=False, font={"size": 48}, **middle)


def _name(figure: go.Figure, text: str, x: float, xanchor: str) -> None:
    """Above the figure."""
    place = {"x": x, "y": 1.0, "xref": "paper", "yref": "paper", "xanchor": xanchor, "yanchor": "bottom"}
    figure.add_annotation(text=text, showarrow=False, **place)


def _axes(figure: go.Figure, epochs: int, rows: Sequence[int], labels: Mapping[str, str]) -> None:
    times = [labels[f"times {place}"] for place in range(len(rows))]
    figure.update_layout(
        xaxis={
            "range": [0.5, epochs + 0.5],
            "title": {"text": labels["epoch"]},
            **theme.epoch_ticks(epochs, 10),
            "showgrid": False,
            "anchor": "y2",
            "fixedrange": True,
        },
        yaxis={"domain": UPPER, "title": {"text": ""}, "nticks": 3, "rangemode": "tozero", "fixedrange": True},
        yaxis2={
            "domain": LOWER,
            "anchor": "x",
            "side": "right",
            "range": [max(len(rows), 1) - 0.5, -0.5],
            "tickvals": list(range(len(rows))),
            "ticktext": times,
            "showgrid": False,
            "fixedrange": True,
        },
        hovermode="closest",
        margin={"l": 56, "r": 8, "t": 24, "b": 40},
    )
    _name(figure, labels["forgotten"], 0.0, "left")
