"""The curves of many runs in one figure: a chart for each metric, one legend for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.overlay import Against, Curve, Metric, smooth
from dhc.figures import changes, junction, theme
from dhc.figures.curves import thin
from dhc.figures.palette import faint

# Points of all curves together and of one at least: more than a screen can show costs seconds.
POINTS, POINTS_OF_ONE = 60_000, 120
MOST_JUNCTIONS = 4  # that get a line in each chart; of more, only the curves themselves tell
GAP = 0.08  # of the width, between two charts
MOST_TICKS = 8  # of epochs, on one of two charts side by side
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
    origin   from which run and epoch it went on, as Plotly's HTML; "" where it began by itself
    """

    run: str
    name: str
    about: str
    color: str
    curves: Mapping[Metric, Curve]
    origin: str = ""


def overlay(
    lines: Sequence[Line],
    metrics: Sequence[Metric],
    *,
    against: Against = "epoch",
    train: bool = True,
    smoothing: float = 0.0,
    log: bool = False,
) -> go.Figure:
    """Each run's val figures in its colour, a star at the best epoch, a chart for each metric; thin what it took over.

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
        _mark_junctions(figure, lines, metric, number, scale)
    if against == "epoch":
        figure.update_xaxes(**theme.epoch_ticks(math.ceil(_end(lines)), MOST_TICKS))
    return figure


def _x_axis(lines: Sequence[Line], against: Against) -> tuple[float, str]:
    """What x is divided by, and the title of the axis."""
    if against != "time":
        return 1.0, {"epoch": "epoch", "pictures": "pictures seen"}[against]
    longest = _end(lines)
    return next((unit, title) for least, unit, title in TIMES if longest >= least)


def _end(lines: Sequence[Line]) -> float:
    """The last x of all curves."""
    return max((float(curve.x[-1]) for line in lines for curve in line.curves.values() if len(curve.x)), default=0.0)


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
        rates = _own_and_inherited(
            trace(curve.train, "learning rate", width=2, shape="vh") | {"showlegend": number == 0}, x, curve
        )
        return [*rates, *_changes(x, curve.train, curve, line, metric, common)]
    traces = []
    if style.smoothing:
        raw = [curve.train, curve.val] if style.train else [curve.val]
        traces.append(common | _raw(x, raw, curve.best, style.limit, line, metric))
    if style.train:
        traces.append(trace(smooth(curve.train, style.smoothing), metric, width=1.25, dash="dot"))
    val = trace(smooth(curve.val, style.smoothing), f"val_{metric}", width=2)
    traces += _own_and_inherited(val | {"showlegend": number == 0}, x, curve)
    if curve.best is not None:
        traces.append(common | _star(x[curve.best], curve.val[curve.best], line, metric))
    return [*traces, *_changes(x, smooth(curve.val, style.smoothing), curve, line, metric, common)]


def _own_and_inherited(whole: dict[str, Any], x: np.ndarray, curve: Curve) -> list[dict[str, Any]]:
    """A trace as it is, or in two where a run went on from another one: what it took over thin, to the last epoch of that."""
    if not 0 < curve.inherited <= len(x):
        return [whole]
    places, joint = whole["x"], x[curve.inherited - 1]
    own, before = places >= np.float32(joint), places <= np.float32(joint)
    inherited = {
        "uid": f"{whole['uid']}-inherited",
        "line": whole["line"] | {"width": junction.THIN},
        "showlegend": False,
    }
    return [
        whole | {"x": places[own], "y": whole["y"][own]},
        whole | inherited | {"x": places[before], "y": whole["y"][before], "mode": "lines"},
    ]


def _mark_junctions(figure: go.Figure, lines: Sequence[Line], metric: Metric, number: int, scale: float) -> None:
    """A line at each junction, once where several runs went on from the same epoch of one; its text in the first chart."""
    places: dict[float, dict[str, None]] = {}
    for line in lines:
        curve = line.curves[metric]
        if line.origin and 0 < curve.inherited <= len(curve.x) and np.isfinite(x := curve.x[curve.inherited - 1]):
            places.setdefault(float(x) / scale, {})[line.origin] = None
    if len(places) > MOST_JUNCTIONS:
        return
    longest = max((float(line.curves[metric].x[-1]) for line in lines if len(line.curves[metric].x)), default=0.0)
    for level, (x, origins) in enumerate(sorted(places.items())):
        text = " and ".join(origins) if number == 0 else ""
        junction.draw_line(figure, x, text, left=x < longest / scale / 2, level=level, chart=number)


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


def _changes(
    x: np.ndarray, y: np.ndarray, curve: Curve, line: Line, metric: Metric, common: dict[str, Any]
) -> list[dict[str, Any]]:
    """Diamonds on the line where a person changed something; none where nobody did."""
    if not curve.changes:
        return []
    places = [place for place, _ in curve.changes]
    return [
        {
            **common,
            "x": theme.numbers(x[places]),
            "y": theme.numbers(y[places]),
            "mode": "markers",
            "marker": {"symbol": changes.SYMBOL, "size": 10, "color": line.color},
            "customdata": [text for _, text in curve.changes],
            "uid": f"{line.run}-{metric}-changes",
            "hovertemplate": "%{fullData.text}<br>%{customdata}<extra></extra>",
        }
    ]


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
        # A rate that never changes would else be a line on the bottom of an axis that goes up to 1.
        "rangemode": "normal" if log else "nonnegative" if metric == "loss" else "tozero",
        "uirevision": f"{metric} {log}",
        **(theme.RATES if metric == "learning_rate" else {}),
    }
