"""The curves of many runs in one figure: a chart for each metric, one legend for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.overlay import Against, Curve, Metric, smooth
from dhc.figures import theme
from dhc.figures.curves import thin
from dhc.figures.palette import faint

# Points of all curves together and of one at least: more than a screen can show costs seconds.
POINTS, POINTS_OF_ONE = 60_000, 120
GAP = 0.08  # of the width, between two charts
TITLES: Mapping[Metric, str] = {"loss": "loss", "accuracy": "accuracy", "learning_rate": "learning rate"}
DIGITS: Mapping[Metric, str] = {"loss": ".4g", "accuracy": ".3f", "learning_rate": ".3~g"}
# The longest run decides on the unit of time: seconds in it, what the axis says.
TIMES = ((7200.0, 3600.0, "hours of training"), (180.0, 60.0, "minutes of training"), (0.0, 1.0, "seconds of training"))

LEGEND = {
    "orientation": "v",
    "x": 1.01,
    "xanchor": "left",
    "y": 1,
    "yanchor": "top",
    "itemclick": "toggleothers",
    "itemdoubleclick": "toggle",
    "itemsizing": "constant",
    "tracegroupgap": 0,
    "uirevision": "keep",
}


@dataclass(frozen=True, eq=False)
class Line:
    """One run.

    run      its id
    name     for the legend, as Plotly's HTML
    about    for the hover, as Plotly's HTML
    color    of all its traces
    curves   one for each metric that is drawn
    """

    run: str
    name: str
    about: str
    color: str
    curves: Mapping[Metric, Curve]


def overlay(
    lines: Sequence[Line],
    metrics: Sequence[Metric],
    *,
    against: Against = "epoch",
    train: bool = True,
    smoothing: float = 0.0,
    log: bool = False,
) -> go.Figure:
    """Each run's val figures in its colour, a star at the best epoch, a chart for each metric.

    train       draw the train figures too, thin and dotted
    smoothing   the weight of `analysis.overlay.smooth`; above 0 the raw lines stand faintly behind
    log         loss and learning rate on a logarithmic axis

    Long curves are thinned, peaks, dips and best epochs kept. A click in the legend isolates a run in all charts.
    """
    scale, x_title = _x_axis(lines, against)
    limit = max(POINTS_OF_ONE, POINTS // max(1, len(lines) * len(metrics) * (2 if train else 1)))
    style = _Style(train, smoothing, limit, scale)
    traces = [
        trace
        for number, metric in enumerate(metrics)
        for line in lines
        for trace in _traces(line, metric, number, style)
    ]
    figure = theme.figure(x=x_title, y="")
    # 100 runs are 500 traces: checking each attribute of ours once more would take a second.
    figure = go.Figure({"data": traces, "layout": figure.to_dict()["layout"]}, _validate=False)
    figure.update_layout(hovermode="closest", legend=LEGEND)
    for number, metric in enumerate(metrics):
        _place(figure, number, len(metrics), metric, x_title, against, log=log and metric != "accuracy")
    return figure


def _x_axis(lines: Sequence[Line], against: Against) -> tuple[float, str]:
    """What x is divided by, and the title of the axis."""
    if against != "time":
        return 1.0, {"epoch": "epoch", "pictures": "pictures seen"}[against]
    ends = [float(c.x[-1]) for line in lines for c in line.curves.values() if len(c.x)]
    longest = max(ends, default=0.0)
    return next((unit, title) for least, unit, title in TIMES if longest >= least)


@dataclass(frozen=True)
class _Style:
    """What all lines have in common, as `overlay` has it: at most `limit` points, x / `scale`."""

    train: bool
    smoothing: float
    limit: int
    scale: float


def _traces(line: Line, metric: Metric, number: int, style: _Style) -> list[dict[str, Any]]:
    """The traces of one run in one chart; of the first chart the solid one is in the legend."""
    curve = line.curves[metric]
    x = curve.x / style.scale
    common = {
        "type": "scatter",
        "legendgroup": line.run,
        "name": line.name,
        "showlegend": False,
        "xaxis": f"x{number + 1}",
        "yaxis": f"y{number + 1}",
        "text": line.about,
        "meta": metric,
    }

    def trace(y: np.ndarray, name: str, **look: Any) -> dict[str, Any]:
        rows = _rows(y, curve.best, style.limit)
        return {**common, **_points(x[rows], y[rows], name, metric, line), "line": {"color": line.color, **look}}

    if metric == "learning_rate":
        # The rate of an epoch held from the end of the epoch before.
        return [trace(curve.train, "learning rate", width=2, shape="vh") | {"showlegend": number == 0}]
    traces = []
    if style.smoothing:
        raw = [curve.train, curve.val] if style.train else [curve.val]
        traces.append(common | _raw(x, raw, curve.best, style.limit, line, metric))
    if style.train:
        traces.append(trace(smooth(curve.train, style.smoothing), metric, width=1.25, dash="dot"))
    val = trace(smooth(curve.val, style.smoothing), f"val_{metric}", width=2)
    traces.append(val | {"showlegend": number == 0})
    if curve.best is not None:
        traces.append(common | _star(x[curve.best], curve.val[curve.best], line, metric))
    return traces


def _points(x: np.ndarray, y: np.ndarray, name: str, metric: Metric, line: Line) -> dict[str, Any]:
    return {
        "x": theme.numbers(x),
        "y": theme.numbers(y),
        "mode": "lines" if len(x) > 1 else "markers",
        "marker": {"color": line.color, "size": 6},
        "uid": f"{line.run}-{name.replace(' ', '_')}",
        "hovertemplate": f"%{{fullData.text}}<br>{name} %{{y:{DIGITS[metric]}}} at %{{x:,.4~r}}<extra></extra>",
    }


def _raw(
    x: np.ndarray, series: Sequence[np.ndarray], best: int | None, limit: int, line: Line, metric: Metric
) -> dict[str, Any]:
    """The unsmoothed figures, faint and one after the other in one trace, with a gap between."""
    rows = [_rows(y, best, limit) for y in series]
    return {
        "x": theme.numbers(np.concatenate([np.append(x[some], np.nan) for some in rows])),
        "y": theme.numbers(np.concatenate([np.append(y[some], np.nan) for y, some in zip(series, rows, strict=True)])),
        "mode": "lines",
        "line": {"color": faint(line.color), "width": 1},
        "hoverinfo": "skip",
        "uid": f"{line.run}-{metric}-raw",
    }


def _star(x: float, y: float, line: Line, metric: Metric) -> dict[str, Any]:
    """The best epoch, where its own figure stands, smoothed or not."""
    return {
        "x": theme.numbers([x]),
        "y": theme.numbers([y]),
        "mode": "markers",
        "marker": {"symbol": "star", "size": 11, "color": line.color, "line": {"width": 0}},
        "uid": f"{line.run}-{metric}-best",
        "hovertemplate": f"%{{fullData.text}}<br>best epoch: val_{metric} %{{y:{DIGITS[metric]}}}<extra></extra>",
    }


def _rows(y: np.ndarray, best: int | None, limit: int) -> np.ndarray:
    """Indices of the points that are drawn, the best epoch among them."""
    rows = thin(y, limit)
    return rows if best is None or best >= len(y) else np.union1d(rows, [best])


def _place(
    figure: go.Figure, number: int, count: int, metric: Metric, x_title: str, against: Against, *, log: bool
) -> None:
    """The axes of the chart of that number among `count` side by side."""
    width = (1 - GAP * (count - 1)) / count
    start = number * (width + GAP)
    name = "" if number == 0 else str(number + 1)
    figure.layout[f"xaxis{name}"] = {
        "title": {"text": x_title},
        "domain": [start, start + width],
        "anchor": f"y{name}",
        "rangemode": "tozero",
        "labelalias": {"0": ""},  # that of the other axis stands beside it
        "uirevision": against,
    }
    figure.layout[f"yaxis{name}"] = {
        "title": {"text": TITLES[metric]},
        "type": "log" if log else "linear",
        "anchor": f"x{name}",
        "rangemode": "tozero" if metric == "accuracy" else "normal" if log else "nonnegative",
        "uirevision": f"{metric} {log}",
        **(theme.RATES if metric == "learning_rate" else {}),
    }
