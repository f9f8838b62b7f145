"""Learning by heart: train and val accuracy with shuffled labels, and with the true ones, beside pure chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme

Say = Callable[..., str]  # the lesson's words


@dataclass(frozen=True)
class Learnt:
    """A run's accuracies by epoch, and what it is called."""

    title: str
    train: Sequence[float]
    val: Sequence[float]


def curves(
    shuffled: Learnt | None, honest: Learnt | None, *, chance: float, epochs: int, bet: float | None, say: Say
) -> go.Figure:
    """The curves of both runs; a run that is None is not shown yet.

    chance: accuracy of guessing, 0 to 1; bet: how high train was thought to climb, None for none. say: the labels epoch,
    accuracy, train, val, chance, your_bet, hidden.
    """
    figure = theme.figure(x=say("epoch"), y=say("accuracy"))
    for run, color in ((shuffled, theme.VAL), (honest, theme.TRAIN)):
        if run is not None:
            _lines(figure, run, color, say)
    _level(figure, chance, say("chance", value=chance), theme.MUTED, "top")
    if bet is not None:
        _level(figure, bet, say("your_bet", value=bet), theme.SELECTED, "bottom")
    if shuffled is None:
        theme.say(figure, say("hidden"))
    figure.update_xaxes(range=[0.5, epochs + 0.5])
    figure.update_yaxes(range=[0, 1.05], tickformat=".0%")
    figure.update_layout(hovermode="closest", uirevision="nonsense")
    return figure


def _lines(figure: go.Figure, run: Learnt, color: str, say: Say) -> None:
    for values, dash, name in ((run.train, "solid", "train"), (run.val, "dot", "val")):
        figure.add_trace(
            go.Scatter(
                x=np.arange(1, len(values) + 1),
                y=theme.numbers(values),
                mode="lines",
                line={"color": color, "width": 3, "dash": dash},
                name=f"{run.title}, {say(name)}",
                hovertemplate="%{x}: %{y:.1%}<extra></extra>",
            )
        )


def _level(figure: go.Figure, value: float, text: str, color: str, side: str) -> None:
    line = {"color": color, "width": 1.5, "dash": "dash"}
    figure.add_shape(type="line", x0=0, x1=1, xref="paper", y0=value, y1=value, line=line)
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": value, "yanchor": side}
    figure.add_annotation(text=text, showarrow=False, **place)
