"""A replayed run as a figure: its curve, drops and learning rates, recorded and replayed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.replay import Drop, Replay
from dhc.figures import theme
from dhc.text import rate_text

SHADE = "rgba(133,129,153,0.16)"


def replay_chart(replay: Replay) -> go.Figure:
    """Above, what the schedule watches, with drops and kept epoch; below, the learning rates.

    The ground is shaded from the first epoch on that would have run at another rate. A line shows where it would have
    ended.
    """
    figure = theme.figure(x="epoch", y=replay.monitor)
    _curve(figure, replay)
    _marks(figure, replay, replay.recorded_drops, "recorded-drops", "drop, recorded", theme.TRAIN, "triangle-down-open")
    _marks(figure, replay, replay.drops, "replayed-drops", "drop, replayed", theme.VAL, "triangle-down")
    _mark_kept_epoch(figure, replay)
    _rates(figure, replay.recorded_rates, "recorded-rate", "learning rate, recorded", theme.TRAIN, "solid")
    _rates(figure, replay.rates[: replay.end], "replayed-rate", "learning rate, replayed", theme.VAL, "dash")
    _shade(figure, replay)
    _end(figure, replay)
    figure.update_xaxes(range=[0, 1.02 * replay.epochs], anchor="y2")
    figure.layout.yaxis.domain = (0.40, 1)
    rates = {"title": "learning rate", "rangemode": "tozero", "automargin": True, "zeroline": False, **theme.RATES}
    figure.update_layout(yaxis2={"domain": [0, 0.30], "anchor": "x", **rates})
    figure.update_layout(hovermode="closest", uirevision="replay")
    return figure


def _curve(figure: go.Figure, replay: Replay) -> None:
    figure.add_trace(
        go.Scatter(
            x=np.arange(1, replay.epochs + 1),
            y=theme.numbers(replay.values),
            mode="lines",
            line={"color": theme.TRAIN, "width": 2.5},
            hovertemplate="epoch %{x}: %{y:.3f}<extra></extra>",
            name=f"{replay.monitor}, recorded",
            uid=replay.monitor,
            showlegend=True,
        )
    )


def _marks(
    figure: go.Figure, replay: Replay, drops: Sequence[Drop], uid: str, name: str, color: str, symbol: str
) -> None:
    """A triangle on the curve at the epoch after which the rate fell."""
    figure.add_trace(
        go.Scatter(
            x=[drop.epoch for drop in drops],
            y=theme.numbers([replay.values[drop.epoch - 1] for drop in drops]),
            mode="markers",
            marker={
                "symbol": symbol,
                "size": 13 if "open" in symbol else 11,
                "color": color,
                "line": {"width": 2 if "open" in symbol else 0},
            },
            text=[f"{rate_text(drop.old)} → {rate_text(drop.new)}" for drop in drops],
            hovertemplate=f"{name}, after epoch %{{x}}: %{{text}}<extra></extra>",
            name=name,
            uid=uid,
            showlegend=bool(drops),
        )
    )


def _mark_kept_epoch(figure: go.Figure, replay: Replay) -> None:
    at = replay.stop.kept_epoch
    figure.add_trace(
        go.Scatter(
            x=[at],
            y=theme.numbers([replay.values[at - 1]]),
            mode="markers",
            marker={"symbol": "star", "size": 14, "color": theme.BEST},
            hovertemplate="epoch %{x} would have been kept<extra></extra>",
            name="kept, replayed",
            uid="kept",
            showlegend=True,
        )
    )


def _rates(figure: go.Figure, rates: Sequence[float], uid: str, name: str, color: str, dash: str) -> None:
    """Steps: the rate of epoch 3 runs from x = 2 to x = 3."""
    figure.add_trace(
        go.Scatter(
            x=np.arange(len(rates) + 1),
            y=theme.numbers([*rates, rates[-1]]),
            yaxis="y2",
            mode="lines",
            line={"shape": "hv", "color": color, "width": 2, "dash": dash},
            hovertemplate="%{y:.3g}<extra>" + name + "</extra>",
            name=name,
            uid=uid,
            showlegend=True,
        )
    )


def _shade(figure: go.Figure, replay: Replay) -> None:
    if replay.inexact_from is None or replay.inexact_from > replay.end:
        return
    start = replay.inexact_from - 1
    area = {"x0": start, "x1": replay.epochs, "y0": 0, "y1": 1, "yref": "paper"}
    figure.add_shape(type="rect", fillcolor=SHADE, line={"width": 0}, layer="below", **area)
    place = {"x": start, "xanchor": "left", "xshift": 4, "y": 1, "yref": "paper", "yanchor": "top"}
    figure.add_annotation(text="only indicative", showarrow=False, **place)


def _end(figure: go.Figure, replay: Replay) -> None:
    if replay.stop.epoch is None:
        return
    line = {"color": theme.SELECTED, "width": 2}
    figure.add_shape(type="line", x0=replay.end, x1=replay.end, y0=0, y1=1, yref="paper", line=line)
    late = replay.end > 0.75 * replay.epochs
    side = {"xanchor": "right", "xshift": -4} if late else {"xanchor": "left", "xshift": 4}
    place = {"x": replay.end, "y": 0.40, "yref": "paper", "yanchor": "bottom", **side}
    figure.add_annotation(text=f"stops at epoch {replay.end}", showarrow=False, **place)
