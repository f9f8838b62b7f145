"""The LR-factor experiment as a chart: what each factor reached, run by run and on average."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dhc.analysis.factor import REPORTED, Trial, means
from dhc.figures import theme


def factors(trials: Sequence[Trial]) -> go.Figure:
    """Best val_accuracy by factor: a dot a run, a line through the means, the report's choice.

    Dots carry their run's id as customdata.
    """
    figure = theme.figure(x="LR factor", y="best val_accuracy")
    points = means(trials)
    figure.add_trace(
        go.Scatter(
            x=[factor for factor, _, _ in points],
            y=theme.numbers([value for _, value, _ in points]),
            mode="lines",
            line={"color": theme.MUTED, "width": 2},
            hoverinfo="skip",
            name="mean over seeds",
            uid="mean",
            showlegend=len(trials) > len(points),
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[trial.factor for trial in trials],
            y=theme.numbers([trial.val_accuracy for trial in trials]),
            mode="markers",
            marker={"color": theme.TRAIN, "size": 11},
            customdata=[trial.run for trial in trials],
            text=[f"seed {trial.seed}" for trial in trials],
            hovertemplate="factor %{x:g}, %{text}: %{y:.3f}<br>%{customdata}<extra></extra>",
            name="one run",
            uid="runs",
            showlegend=len(trials) > len(points),
        )
    )
    _mark_reported(figure)
    figure.update_xaxes(range=[0, 1.02], tickformat=".2~f", dtick=0.1)
    if trials:
        figure.update_yaxes(range=_span([trial.val_accuracy for trial in trials]))
    else:
        theme.say(figure, "waiting for the first run to end")
        figure.layout.yaxis.update(range=[0, 1], showticklabels=False)
    return figure


def _span(values: Sequence[float]) -> list[float]:
    """The values' range with some room, never so narrow that one picture looks like a cliff."""
    low, high = min(values), max(values)
    room = max(0.15 * (high - low), 0.05 - 0.5 * (high - low))
    return [low - room, high + room]


def _mark_reported(figure: go.Figure) -> None:
    figure.add_vline(x=REPORTED, line={"color": theme.VAL, "width": 1.5, "dash": "dot"})
    place = {"x": REPORTED, "xanchor": "right", "xshift": -2, "y": 1, "yref": "paper", "yanchor": "bottom"}
    figure.add_annotation(text=f"the report's {REPORTED:g}", showarrow=False, **place)
