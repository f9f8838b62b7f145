"""Settings against results: a scatter of one setting, parallel coordinates of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dhc.analysis.differences import value_text
from dhc.analysis.settings import Dimension, Dot, Parallel, Repeats, Result, Scatter
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
    """A faint dot a run, and a diamond with an sd bar for the mean of each set of repeats.

    Dots carry their run's id as customdata. log: the setting's axis logarithmic, where all values are above 0.
    """
    figure = theme.figure(x=theme.escape_html(title), y=NAMES[result])
    category = not record.numeric or any(dot.value is None for dot in record.dots)
    position = tick_text if category else float
    repeats = [one for one in record.repeats if len(one.runs) > 1]
    figure.add_trace(_dots(record.dots, position, beside_means=bool(repeats)))
    figure.add_trace(_means(repeats, position))
    _axis(figure, record, category, log)
    if not record.dots:
        theme.say(figure, "no run with this result yet")
    return figure


def _dots(dots: Sequence[Dot], position: Callable[[Any], Any], *, beside_means: bool) -> go.Scatter:
    return go.Scatter(
        x=[position(dot.value) for dot in dots],
        y=theme.numbers([dot.result for dot in dots]),
        mode="markers",
        marker={"size": 9, "color": faint(theme.TRAIN, 0.45 if beside_means else 0.9)},
        customdata=[dot.run for dot in dots],
        hovertemplate="%{x}: %{y:.4g}<br>%{customdata}<extra></extra>",
        name="one run",
        uid="runs",
        showlegend=beside_means,
    )


def _means(repeats: Sequence[Repeats], position: Callable[[Any], Any]) -> go.Scatter:
    spreads = theme.numbers([one.spread or 0.0 for one in repeats])
    return go.Scatter(
        x=[position(one.value) for one in repeats],
        y=theme.numbers([one.mean for one in repeats]),
        mode="markers",
        marker={"size": 11, "symbol": "diamond", "color": theme.VAL},
        error_y={"array": spreads, "color": theme.VAL, "thickness": 2},
        text=[f"mean of {len(one.runs)} seeds" for one in repeats],
        hovertemplate="%{x}, %{text}: %{y:.4g} ± %{error_y.array:.2g}<extra></extra>",
        name="mean of repeats, ± standard deviation",
        uid="means",
        showlegend=bool(repeats),
    )


def _axis(figure: go.Figure, record: Scatter, category: bool, log: bool) -> None:
    if category:
        order = list(dict.fromkeys(tick_text(dot.value) for dot in record.dots))
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=order, range=[-0.5, len(order) - 0.5])
    elif log and all(dot.value > 0 for dot in record.dots):
        values = sorted({dot.value for dot in record.dots})
        figure.update_xaxes(type="log")
        if len(values) <= MAX_TICKS:
            figure.update_xaxes(tickvals=values, ticktext=[tick_text(value) for value in values])
    figure.update_layout(hovermode="closest", uirevision=f"{figure.layout.xaxis.title.text} {log}")


def tick_text(value: Any) -> str:
    """A setting's value as an axis names it, as Plotly's HTML."""
    text = value_text(value)
    return theme.escape_html(text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 1]}…")


def parallel(record: Parallel, *, result: Result, titles: Mapping[str, str]) -> go.Figure:
    """A line a run through its values on every axis and its result, which colours it.

    titles: by a setting's dotted name. Drag along an axis to filter.
    """
    figure = theme.figure(x="", y="")
    axes = [_parallel_axis(one, titles.get(one.name, one.name)) for one in record.dimensions]
    axes.append({"label": NAMES[result], "values": theme.numbers(record.results), "tickformat": ".3~g"})
    crowded = len(axes) > FLAT_LABELS
    scale = [list(stop) for stop in LOW_TO_HIGH]
    figure.add_trace(
        go.Parcoords(
            dimensions=axes,
            line={"color": theme.numbers(record.results), "colorscale": scale},
            labelangle=-25 if crowded else 0,
            unselected={"line": {"opacity": 0.06}},
            uid="runs",
        )
    )
    figure.update_layout(margin={"l": 90, "r": 80, "t": 120 if crowded else 60, "b": 28})
    return figure


def _parallel_axis(dimension: Dimension, title: str) -> dict[str, Any]:
    """An axis with its values named; of many only some, the ends among them."""
    last = len(dimension.ticks) - 1
    step = max(1, -(-last // (MAX_TICKS - 1)))
    ticks = sorted({*range(0, last + 1, step), last})
    return {
        "label": theme.escape_html(title),
        "values": list(dimension.places),
        "range": [0, max(1, last)],
        "tickvals": ticks,
        "ticktext": [tick_text(dimension.ticks[i]) for i in ticks],
    }
