"""A search for a learning rate: the loss of each batch over its rate, and the rates that matter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.rates import RateCurve, RatePass
from dhc.figures import theme
from dhc.figures.palette import faint

ROOM = 1.4  # of the first smoothed loss: what is higher has blown up, and would press the rest flat
COLORS = {
    "start": theme.BEST,
    "valley": theme.BEST,
    "steep": theme.SELECTED,
}  # the form's own rate, and a bet, are grey


def search(curve: RateCurve, marks: Mapping[str, float]) -> go.Figure:
    """Each batch's loss as a faint dot, its running average as a line, and a labelled line at each of the `marks`, which are rates.

    Where there are several passes both are of their mean, and the running average of each is a thin line. The figure waits where
    there is no batch yet.
    """
    rates, losses, averages = curve.rates, curve.losses, curve.averages
    figure = theme.figure(x="learning rate", y="loss")
    is_one = len(curve.passes) < 2
    for number, one in enumerate(() if is_one else curve.passes, start=1):
        figure.add_trace(_pass(number, one))
    figure.add_trace(
        go.Scatter(
            x=theme.numbers(rates),
            y=theme.numbers(losses),
            mode="markers",
            marker={"size": 5, "color": faint(theme.TRAIN, 0.35)},
            hoverinfo="skip",
            name="one batch" if is_one else "mean of the passes",
            uid="batches",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=theme.numbers(rates),
            y=theme.numbers(averages),
            mode="lines",
            line={"color": theme.TRAIN, "width": 2.5},
            hovertemplate="%{x:.3~g}: %{y:.3f}<extra></extra>",
            name="running average",
            uid="average",
        )
    )
    for number, (name, rate) in enumerate(marks.items()):
        color = COLORS.get(name, theme.MUTED)
        figure.add_vline(x=rate, line={"color": color, "width": 2, "dash": "dot"})
        figure.add_annotation(
            text=f"{name} {rate:.2g}",
            x=np.log10(rate),
            y=0.99 - 0.085 * number,  # one below the other: rates that lie side by side keep their names apart
            yref="paper",
            xanchor="left",
            xshift=4,
            yanchor="top",
            showarrow=False,
            font={"color": color},
        )
    figure.update_xaxes(type="log", exponentformat="power", dtick=1)
    finite = averages[np.isfinite(averages)]
    if len(finite):
        lowest = min(float(finite.min()), float(np.nanmin(losses)))  # the average lags behind where the loss falls fast
        figure.update_yaxes(range=[0.9 * lowest, ROOM * float(finite[: len(finite) // 2 + 1].max())])
    else:
        theme.say(figure, theme.WAITING)
    return figure


def _pass(number: int, one: RatePass) -> go.Scatter:
    return go.Scatter(
        x=theme.numbers(one.rates),
        y=theme.numbers(one.averages),
        mode="lines",
        line={"color": faint(theme.TRAIN, 0.6), "width": 1},
        hoverinfo="skip",
        name="each pass",
        legendgroup="passes",
        showlegend=number == 1,
        uid=f"pass-{number}",
    )
