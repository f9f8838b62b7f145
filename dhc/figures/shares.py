"""Shares of classes side by side: how often each is answered, and how often it stands in train."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dhc.figures import theme
from dhc.text import shorten

NAME_LENGTH = 20  # characters of a class name on the axis


def predicted_classes(classes: Sequence[str], answers: Sequence[int], train: Sequence[int]) -> go.Figure:
    """Bars of each class's share among the answers, and marks at its share in train; most answered first."""
    order = sorted(range(len(classes)), key=lambda i: (-answers[i], i))
    names = [theme.escape_html(shorten(classes[i], NAME_LENGTH)) for i in order]
    answered = [answers[i] / max(1, sum(answers)) for i in order]
    trained = [train[i] / max(1, sum(train)) for i in order]
    places = list(range(len(order)))
    figure = theme.figure(x="", y="share")
    figure.add_bar(
        x=places,
        y=answered,
        name="answers",
        hovertemplate="%{customdata}: %{y:.1%} of the answers<extra></extra>",
        customdata=names,
    )
    figure.add_scatter(
        x=places,
        y=trained,
        name="train",
        mode="markers",
        marker={"symbol": "line-ew-open", "size": 12, "line": {"width": 2}},
        hovertemplate="%{customdata}: %{y:.1%} of train<extra></extra>",
        customdata=names,
    )
    few = len(names) <= 40
    figure.update_xaxes(
        tickvals=places if few else [], ticktext=names if few else [], title=None if few else f"{len(names)} classes"
    )
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_layout(
        legend={"orientation": "h", "y": 1.12}, bargap=0.2, margin={"l": 48, "r": 12, "t": 24, "b": 40}
    )
    return figure
