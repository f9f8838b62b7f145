"""Recorded curves in lessons: a rate that falls where val stands still; a training that ends before it forgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.lessons.schedules import Watched
from dhc.lessons.stopping import Ending

Say = Callable[..., str]  # a lesson's words: what stands under a label
HEADROOM = 1.18  # times an accuracy of 1: room for the numbers above the points
MOST_NUMBERED = 60  # epochs whose points carry a number
COLORS = {"plateau": theme.VAL, "exponential": theme.TRAIN, "warm_up": theme.BEST, "cosine": "#bb1188"}
SHADE = "rgba(133,129,153,0.18)"


def plateau(
    values: Sequence[float], epochs: Sequence[Watched], rates: Mapping[str, Sequence[float]], *, min_lr: float, say: Say
) -> go.Figure:
    """Above, the val accuracy with the epochs waited and the drops; below, the `rates` of each epoch, by schedule.

    rates: "plateau" first, and others to compare, each of as many epochs as there are values. say: the labels epoch, accuracy,
    rate, floor, better, waiting, drop, what hovers over each of those, and the names of the schedules.
    """
    figure = theme.figure(x=say("epoch"), y="")
    at = np.arange(1, len(values) + 1)
    line = {"color": theme.VAL, "width": 2}
    figure.add_trace(go.Scatter(x=at, y=theme.numbers(values), mode="lines", line=line, hoverinfo="skip", name="val"))
    for name, is_better in (("better", True), ("waiting", False)):
        chosen = [place for place, epoch in enumerate(epochs) if epoch.is_better is is_better and not epoch.has_dropped]
        figure.add_trace(_epochs(values, epochs, chosen, say, name, "circle" if is_better else "circle-open"))
    drops = [place for place, epoch in enumerate(epochs) if epoch.has_dropped]
    figure.add_trace(_epochs(values, epochs, drops, say, "drop", "triangle-down"))
    for name, by_epoch in rates.items():
        figure.add_trace(_steps(by_epoch, COLORS[name], say(name), thick=name == "plateau"))
    for place in drops:
        _line(figure, x=place + 1)
    dotted = {"color": theme.MUTED, "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=min_lr, y1=min_lr, yref="y2", line=dotted)
    floor = {"x": 1, "xref": "paper", "xanchor": "right", "y": min_lr, "yref": "y2", "yanchor": "bottom"}
    figure.add_annotation(text=say("floor"), showarrow=False, **floor)
    figure.update_xaxes(range=[0, len(values) + 0.5], anchor="y2")
    figure.update_yaxes(
        range=[0, HEADROOM * max([1.0, *np.nan_to_num(values)])], domain=(0.46, 1), tickvals=[0, 0.5, 1]
    )
    for title, y in (
        ("accuracy", 0.98),
        ("rate", 0.43),
    ):  # above the axes: beside them there is no room in a low window
        at_top = {"x": 0.005, "xref": "paper", "y": y, "yref": "paper", "xanchor": "left", "yanchor": "top"}
        figure.add_annotation(text=f"<b>{say(title)}</b>", showarrow=False, **at_top)
    below = {"domain": [0, 0.34], "anchor": "x", "rangemode": "tozero", "automargin": True}
    figure.update_layout(yaxis2=below | {"zeroline": False} | theme.RATES, hovermode="closest", uirevision="plateau")
    return figure


def overfitting(train: Sequence[float], val: Sequence[float], end: Ending, *, say: Say) -> go.Figure:
    """Train and val accuracy by epoch with the gap between them shaded, the epoch kept, the best of all, and where it ends.

    What would not have been trained is pale. say: the labels epoch, accuracy, train, val, between, best, best_hover,
    best_of_all, stop.
    """
    figure = theme.figure(x=say("epoch"), y=say("accuracy"))
    at = np.arange(1, len(val) + 1)
    outline = np.concatenate([at, at[::-1]])
    around = np.concatenate([np.asarray(train, float), np.asarray(val, float)[::-1]])
    figure.add_trace(
        go.Scatter(
            x=outline,
            y=theme.numbers(around),
            fill="toself",
            fillcolor=SHADE,
            line={"width": 0},
            hoverinfo="skip",
            mode="lines",
            name=say("between"),
        )
    )
    for values, color, dash, symbol, name in (
        (train, theme.TRAIN, "solid", "circle", "train"),
        (val, theme.VAL, "dash", "diamond", "val"),
    ):
        _learned(figure, values, end, color, dash, symbol, say(name))
    best = {"symbol": "star", "size": 18, "color": theme.BEST}
    hover = say("best_hover", epoch=end.best, value=float(val[end.best - 1])) + "<extra></extra>"
    y = theme.numbers([val[end.best - 1]])
    figure.add_trace(go.Scatter(x=[end.best], y=y, mode="markers", marker=best, hovertemplate=hover, name=say("best")))
    top = int(np.nanargmax(np.asarray(val, dtype=float)))
    open_star = {"symbol": "star-open", "size": 20, "color": theme.BEST, "line": {"width": 2}}
    hover = f"{top + 1}: %{{y:.3f}}<extra>{say('best_of_all')}</extra>"
    at_top = {"x": [top + 1], "y": theme.numbers([val[top]])}
    figure.add_trace(
        go.Scatter(**at_top, mode="markers", marker=open_star, hovertemplate=hover, name=say("best_of_all"))
    )
    if end.is_early:
        _line(figure, x=end.last, color=theme.SELECTED, width=2)
    side = "right" if end.last > 0.6 * len(val) else "left"
    place = {"x": end.last, "y": 0, "yref": "paper", "yanchor": "bottom", "xanchor": side}
    said = f" {say('stop', epoch=end.last)} " if end.is_early else ""
    figure.add_annotation(text=said, showarrow=False, **place)  # there in any case: the browser moves it (knobs.js)
    figure.update_xaxes(range=[0.5, len(val) + 0.5])
    figure.update_yaxes(range=[0, 1.02])
    figure.update_layout(hovermode="closest", uirevision="overfitting")
    return figure


def _learned(
    figure: go.Figure, values: Sequence[float], end: Ending, color: str, dash: str, symbol: str, name: str
) -> None:
    """A curve up to the last epoch that is trained, and pale from there on."""
    parts = ((1, values[: end.last], 1.0), (end.last, values[end.last - 1 :], 0.35))
    for start, part, opacity in parts:
        figure.add_trace(
            go.Scatter(
                x=np.arange(start, start + len(part)),
                y=theme.numbers(part),
                mode="lines+markers" if len(values) <= MOST_NUMBERED else "lines",
                line={"color": color, "width": 2.5, "dash": dash},
                marker={"symbol": symbol, "size": 7},
                opacity=opacity,
                hovertemplate="%{x}: %{y:.3f}<extra>" + name + "</extra>",
                name=name,
                showlegend=opacity == 1,
            )
        )


def _epochs(
    values: Sequence[float], epochs: Sequence[Watched], places: Sequence[int], say: Say, name: str, symbol: str
) -> go.Scatter:
    """The points of one kind of epoch; those that wait carry how long it has been."""
    is_numbered = name != "better" and len(values) <= MOST_NUMBERED
    hovers = [
        say(
            f"{name}_hover",
            epoch=place + 1,
            value=float(values[place]),
            waited=epochs[place].waited,
            rate=epochs[place].rate,
        )
        for place in places
    ]
    return go.Scatter(
        x=[place + 1 for place in places],
        y=theme.numbers([values[place] for place in places]),
        mode="markers+text" if is_numbered else "markers",
        text=[str(epochs[place].waited) for place in places],
        textposition="top center",
        marker={
            "symbol": symbol,
            "size": 14 if name == "drop" else 8,
            "color": theme.SELECTED if name == "drop" else theme.VAL,
        },
        hovertext=hovers,
        hovertemplate="%{hovertext}<extra></extra>",
        name=say(name),
        uid=name,
    )


def _steps(rates: Sequence[float], color: str, name: str, *, thick: bool) -> go.Scatter:
    """Steps: the rate of epoch 3 runs from x = 2 to x = 3."""
    return go.Scatter(
        x=np.arange(len(rates) + 1),
        y=theme.numbers([*rates, rates[-1]]),
        yaxis="y2",
        mode="lines",
        line={"shape": "hv", "color": color, "width": 3 if thick else 1.5, "dash": "solid" if thick else "dash"},
        hovertemplate="%{y:.3g}<extra>" + name + "</extra>",
        name=name,
        uid=name,
    )


def _line(figure: go.Figure, *, x: float, color: str = theme.MUTED, width: float = 1) -> None:
    figure.add_shape(
        type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line={"color": color, "width": width, "dash": "dot"}
    )
