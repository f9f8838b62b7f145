"""Settings against results: a scatter of one setting, and parallel coordinates of all that differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from dhc.analysis.differences import value_text
from dhc.analysis.settings import Parallel, Result, Scatter
from dhc.figures import theme
from dhc.figures.palette import LOW_TO_HIGH, faint

NAMES: Mapping[Result, str] = {
    "val_accuracy": "best val_accuracy",
    "seconds": "seconds of training",
    "gap": "gap at the end",
}
MAX_TICKS = 12  # values named on an axis
FLAT_LABELS = 7  # axes whose names find room side by side; those of more are tilted
LABEL_LENGTH = 18  # characters of a value there


def scatter(record: Scatter, *, title: str, result: Result, log: bool = False) -> go.Figure:
    """A faint dot for each run (its id is its customdata), and a diamond with its sd bar for the mean of each set of repeats.

    log: the setting's axis logarithmic, where all values are above 0.
    """
    figure = theme.figure(x=theme.escape_html(title), y=NAMES[result])
    category = not record.numeric or any(dot.value is None for dot in record.dots)
    show = _as_text if category else float
    repeated = any(len(group.runs) > 1 for group in record.repeats)
    figure.add_trace(
        go.Scatter(
            x=[show(dot.value) for dot in record.dots], y=theme.numbers([dot.result for dot in record.dots]), mode="markers",
            marker={"size": 9, "color": faint(theme.TRAIN, 0.45 if repeated else 0.9)}, name="one run", uid="runs",
            customdata=[dot.run for dot in record.dots], hovertemplate="%{x}: %{y:.4g}<br>%{customdata}<extra></extra>",
            showlegend=repeated,
        )
    )  # fmt: skip
    groups = [group for group in record.repeats if len(group.runs) > 1]
    figure.add_trace(
        go.Scatter(
            x=[show(group.value) for group in groups], y=theme.numbers([group.mean for group in groups]), mode="markers",
            marker={"size": 11, "symbol": "diamond", "color": theme.VAL}, name="mean of repeats, ± standard deviation",
            error_y={"array": theme.numbers([group.spread or 0.0 for group in groups]), "color": theme.VAL, "thickness": 2},
            text=[f"mean of {len(group.runs)} seeds" for group in groups], uid="means", showlegend=repeated,
            hovertemplate="%{x}, %{text}: %{y:.4g} ± %{error_y.array:.2g}<extra></extra>",
        )
    )  # fmt: skip
    _axis(figure, record, category, log)
    if not record.dots:
        theme.say(figure, "no run with this result yet")
    return figure


def _axis(figure: go.Figure, record: Scatter, category: bool, log: bool) -> None:
    if category:
        order = list(dict.fromkeys(_as_text(dot.value) for dot in record.dots))
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, range=[-0.5, len(order) - 0.5])
    elif log and all(dot.value > 0 for dot in record.dots):
        tried = sorted({dot.value for dot in record.dots})
        named = {"tickvals": tried, "ticktext": [_as_text(value) for value in tried]} if len(tried) <= MAX_TICKS else {}
        figure.update_xaxes(type="log", **named)
    figure.update_layout(hovermode="closest", uirevision=f"{figure.layout.xaxis.title.text} {log}")


def _as_text(value: Any) -> str:
    shown = value_text(value)
    return theme.escape_html(shown if len(shown) <= LABEL_LENGTH else f"{shown[: LABEL_LENGTH - 1]}…")


def parallel(record: Parallel, *, result: Result, titles: Mapping[str, str]) -> go.Figure:
    """A line for each run through its values on every axis and its result, which colours it. Drag along an axis to filter."""
    figure = theme.figure(x="", y="")
    axes = [
        {
            "label": theme.escape_html(titles.get(one.name, one.name)), "values": list(one.places),
            "range": [0, max(1, len(one.ticks) - 1)], **_ticks(one.ticks),
        }
        for one in record.dimensions
    ]  # fmt: skip
    axes.append({"label": NAMES[result], "values": theme.numbers(record.results), "tickformat": ".3~g"})
    crowded = len(axes) > FLAT_LABELS
    scale = [list(stop) for stop in LOW_TO_HIGH]
    figure.add_trace(
        go.Parcoords(dimensions=axes, line={"color": theme.numbers(record.results), "colorscale": scale}, uid="runs",
                     labelangle=-25 if crowded else 0, unselected={"line": {"opacity": 0.06}})
    )  # fmt: skip
    figure.update_layout(margin={"l": 90, "r": 80, "t": 120 if crowded else 60, "b": 28})
    return figure


def _ticks(ticks: tuple[str, ...]) -> dict[str, Any]:
    """The values named on an axis; of many only some, the ends among them."""
    step = max(1, -(-(len(ticks) - 1) // (MAX_TICKS - 1)))
    shown = sorted({*range(0, len(ticks), step), len(ticks) - 1})
    return {"tickvals": shown, "ticktext": [_as_text(ticks[i]) for i in shown]}
