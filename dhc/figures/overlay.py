"""The curves of many runs in one figure, a chart for each metric, with one legend that isolates a run in all of them."""

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
DIGITS: Mapping[Metric, str] = {"loss": ".4g", "accuracy": ".3f", "learning_rate": ".3g"}
# The longest run decides on the unit of time: seconds in it, what the axis says.
TIMES = ((7200.0, 3600.0, "hours of training"), (180.0, 60.0, "minutes of training"), (0.0, 1.0, "seconds of training"))


@dataclass(frozen=True, eq=False)
class Line:
    """One run: `name` for the legend and `about` for the hover, both as Plotly's HTML, its colour, a Curve for each metric."""

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
    """Each run's val (solid, a star at its best epoch) and, with `train`, its train figures (thin, dotted) in its colour.

    smoothing: weight of `analysis.overlay.smooth`; above 0 the raw lines stand faintly behind. log: loss and learning rate
    on a logarithmic axis. Long curves are thinned, peaks, dips and best epochs kept. A click in the legend isolates a run.
    """
    scale, x_title = _x_of(lines, against)
    limit = max(POINTS_OF_ONE, POINTS // max(1, len(lines) * len(metrics) * (2 if train else 1)))
    traces = [
        trace
        for number, metric in enumerate(metrics)
        for line in lines
        for trace in _traces(line, metric, number, train, smoothing, limit, scale)
    ]
    figure = theme.figure(x=x_title, y="")
    # 100 runs are 500 traces: checking each attribute of ours once more would take a second.
    figure = go.Figure({"data": traces, "layout": figure.to_dict()["layout"]}, _validate=False)
    figure.update_layout(
        hovermode="closest",
        legend={
            "orientation": "v", "x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top", "itemclick": "toggleothers",
            "itemdoubleclick": "toggle", "uirevision": "keep", "tracegroupgap": 0, "itemsizing": "constant",
        },
    )  # fmt: skip
    for number, metric in enumerate(metrics):
        _place(figure, number, len(metrics), metric, x_title, against, log=log and metric != "accuracy")
    return figure


def _x_of(lines: Sequence[Line], against: Against) -> tuple[float, str]:
    """By how much x is divided, and what the axis says."""
    if against != "time":
        return 1.0, {"epoch": "epoch", "pictures": "pictures seen"}[against]
    ends = [float(c.x[-1]) for line in lines for c in line.curves.values() if len(c.x)]
    longest = max(ends, default=0.0)
    return next((unit, title) for least, unit, title in TIMES if longest >= least)


def _traces(
    line: Line, metric: Metric, number: int, train: bool, smoothing: float, limit: int, scale: float
) -> list[dict[str, Any]]:
    """The traces of one run in the chart of that number, all of its legend group; the first chart's solid one names it."""
    c = line.curves[metric]
    x = c.x / scale
    common = {
        "type": "scatter", "legendgroup": line.run, "name": line.name, "showlegend": False, "xaxis": f"x{number + 1}",
        "yaxis": f"y{number + 1}", "text": line.about, "meta": metric,
    }  # fmt: skip
    if metric == "learning_rate":
        # The rate of an epoch held from the end of the epoch before.
        style = {"color": line.color, "width": 2, "shape": "vh"}
        return [_line(common, x, c.train, c.best, limit, "learning rate", style, metric) | {"showlegend": number == 0}]
    found = []
    thinner = {"color": line.color, "width": 1.25, "dash": "dot"}
    if smoothing:
        found.append(_raw(common, x, [c.train, c.val] if train else [c.val], c.best, limit, line.color))
    if train:
        found.append(_line(common, x, smooth(c.train, smoothing), c.best, limit, metric, thinner, metric))
    solid = {"color": line.color, "width": 2}
    found.append(_line(common, x, smooth(c.val, smoothing), c.best, limit, f"val_{metric}", solid, metric))
    found[-1]["showlegend"] = number == 0
    if c.best is not None:
        found.append(_star(common, x[c.best], c.val[c.best], line.color, metric))
    return found


def _line(
    common: Mapping[str, Any], x: np.ndarray, y: np.ndarray, best: int | None, limit: int, name: str,
    style: Mapping[str, Any], metric: Metric,
) -> dict[str, Any]:  # fmt: skip
    kept = _kept(y, best, limit)
    return {
        **common,
        "x": theme.numbers(x[kept]),
        "y": theme.numbers(y[kept]),
        "mode": "lines" if len(kept) > 1 else "markers",
        "line": style,
        "marker": {"color": style["color"], "size": 6},
        "uid": f"{common['legendgroup']}-{name.replace(' ', '_')}",
        "hovertemplate": f"%{{fullData.text}}<br>{name} %{{y:{DIGITS[metric]}}} at %{{x:,.4~r}}<extra></extra>",
    }


def _raw(
    common: Mapping[str, Any], x: np.ndarray, series: Sequence[np.ndarray], best: int | None, limit: int, color: str
) -> dict[str, Any]:
    """The unsmoothed figures, faint and one after the other in one trace, with a gap between."""
    kept = [_kept(y, best, limit) for y in series]
    at = np.concatenate([np.append(x[rows], np.nan) for rows in kept])
    y = np.concatenate([np.append(y[rows], np.nan) for y, rows in zip(series, kept, strict=True)])
    more = {"x": theme.numbers(at), "y": theme.numbers(y), "uid": f"{common['legendgroup']}-{common['meta']}-raw"}
    return {**common, **more, "mode": "lines", "line": {"color": faint(color), "width": 1},
            "hoverinfo": "skip"}  # fmt: skip


def _star(common: Mapping[str, Any], x: float, y: float, color: str, metric: Metric) -> dict[str, Any]:
    """The best epoch, where its own figure stands, smoothed or not."""
    return {
        **common,
        "x": theme.numbers([x]),
        "y": theme.numbers([y]),
        "mode": "markers",
        "marker": {"symbol": "star", "size": 11, "color": color, "line": {"width": 0}},
        "uid": f"{common['legendgroup']}-{metric}-best",
        "hovertemplate": f"%{{fullData.text}}<br>best epoch: val_{metric} %{{y:{DIGITS[metric]}}}<extra></extra>",
    }


def _kept(y: np.ndarray, best: int | None, limit: int) -> np.ndarray:
    """Indices of the points that are drawn, the best epoch among them."""
    kept = thin(y, limit)
    return kept if best is None or best >= len(y) else np.union1d(kept, [best])


def _place(
    figure: go.Figure, number: int, count: int, metric: Metric, x_title: str, against: Against, *, log: bool
) -> None:
    """The axes of the chart of that number among `count` side by side."""
    width = (1 - GAP * (count - 1)) / count
    left = number * (width + GAP)
    name = "" if number == 0 else str(number + 1)
    figure.layout[f"xaxis{name}"] = {
        "title": {"text": x_title}, "domain": [left, left + width], "anchor": f"y{name}", "uirevision": against,
        "rangemode": "tozero",
    }  # fmt: skip
    figure.layout[f"yaxis{name}"] = {
        "title": {"text": TITLES[metric]}, "anchor": f"x{name}", "type": "log" if log else "linear",
        "uirevision": f"{metric} {log}", "rangemode": "tozero" if metric == "accuracy" else "normal",
    }  # fmt: skip
