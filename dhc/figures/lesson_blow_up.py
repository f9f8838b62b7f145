"""A search for a learning rate as a bet: its beginning, then the rest, with the bet and the place where it blew up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.palette import faint
from dhc.lessons import explosion

HIDDEN_FROM = 0.4  # of the batches: what a bet may see of the loss
TICKS = [1, 2, 3, 5, 10, 20, 30]  # of the loss
ROOM = 10.0  # times: so far from its axis's end a rate has room for its name
LOW, HIGH = 1 / 3, 8.0  # times the loss of the start: where the y axis ends


def curve(
    rates: np.ndarray,
    losses: np.ndarray,
    *,
    ends: tuple[float, float],
    bet: float,
    is_open: bool,
    labels: Mapping[str, str],
) -> go.Figure:
    """The loss of each batch over its rate, both logarithmic; the later part is hidden until the bet is settled.

    rates, losses (N,), N > 0; `ends` of the rates' axis. labels: rate, loss, bet, start, blow_up ("" for none), hidden.
    """
    shown = len(rates) if is_open else max(1, int(HIDDEN_FROM * len(rates)))
    start = explosion.start_loss(losses)
    figure = theme.figure(x=labels["rate"], y=labels["loss"])
    figure.add_trace(
        go.Scatter(
            x=theme.numbers(rates[:shown]),
            y=theme.numbers(losses[:shown]),
            mode="lines+markers",
            line={"color": faint(theme.TRAIN, 0.5), "width": 1.5},
            marker={"size": 6, "color": theme.TRAIN},
            hovertemplate="%{x:.2~g}: %{y:.2f}<extra></extra>",
            showlegend=False,
            uid="losses",
        )
    )
    figure.add_hline(y=start, line={"color": theme.MUTED, "width": 1.5, "dash": "dot"})
    _note(figure, labels["start"], x=ends[1], y=start, xanchor="right", yanchor="bottom")
    place = explosion.blow_up(losses) if is_open else None
    if is_open:
        if place is not None:
            _veil(figure, rates[place], ends[1], faint(theme.VAL, 0.16))
            _line(figure, float(rates[place]), labels["blow_up"], theme.VAL, y=0.9, left=bet > rates[place], ends=ends)
    else:
        _veil(figure, rates[shown - 1], ends[1], faint(theme.MUTED, 0.18))
        middle = float(np.sqrt(rates[shown - 1] * ends[1]))
        _note(figure, labels["hidden"], x=middle, y=start / 1.6, xanchor="center", size=16)
    is_left = place is not None and bet <= rates[place]
    _line(figure, bet, labels["bet"], theme.TRAIN, y=0.99, left=is_left, ends=ends)
    figure.update_xaxes(type="log", range=np.log10(ends).tolist(), exponentformat="power", dtick=1)
    figure.update_yaxes(type="log", range=[float(np.log10(start * share)) for share in (LOW, HIGH)], tickvals=TICKS)
    figure.update_layout(margin={"l": 56, "r": 12, "t": 12, "b": 44})
    return figure


def _veil(figure: go.Figure, left: float, right: float, color: str) -> None:
    figure.add_shape(
        type="rect",
        x0=left,
        x1=right,
        y0=0,
        y1=1,
        yref="paper",
        fillcolor=color,
        line={"width": 0},
        layer="below",
    )


def _line(
    figure: go.Figure, rate: float, text: str, color: str, *, y: float, left: bool, ends: tuple[float, float]
) -> None:
    """A line at a rate with its name, on its `left` or its right, where there is room."""
    left = (left or rate * ROOM > ends[1]) and rate > ends[0] * ROOM
    figure.add_vline(x=rate, line={"color": color, "width": 2.5, "dash": "dash"})
    figure.add_annotation(
        text=f"<b>{text}</b>",
        x=float(np.log10(rate)),
        y=y,
        yref="paper",
        xanchor="right" if left else "left",
        xshift=-5 if left else 5,
        yanchor="top",
        showarrow=False,
    )


def _note(
    figure: go.Figure, text: str, *, x: float, y: float, xanchor: str = "left", yanchor: str = "middle", size: int = 12
) -> None:
    figure.add_annotation(
        text=text,
        x=float(np.log10(x)),
        y=float(np.log10(y)),
        xanchor=xanchor,
        yanchor=yanchor,
        showarrow=False,
        font={"size": size},
    )
