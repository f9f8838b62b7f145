"""Who wins a contest that is held again and again: a bar a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dhc.figures import theme

Say = Callable[..., str]  # the lesson's words


def victories(
    names: Sequence[str], accuracies: Sequence[float], wins: Sequence[float] | None, *, say: Say
) -> go.Figure:
    """A bar a run, the best on top: the share of the contests that it wins; before they are held, its accuracy alone.

    say: the labels share, accuracy, bar, won, measured.
    """
    labels = [theme.escape_html(name) for name in names]
    figure = theme.figure(x=say("accuracy" if wins is None else "share"), y="")
    values = list(accuracies if wins is None else wins)
    hovers = [
        say("measured", value=accuracy) if wins is None else say("won", share=value, value=accuracy)
        for value, accuracy in zip(values, accuracies, strict=True)
    ]
    figure.add_bar(
        x=theme.numbers(values),
        y=labels,
        orientation="h",
        marker={"color": [theme.BEST if row == 0 else theme.TRAIN for row in range(len(values))]},
        text=[say("bar", value=value) for value in values],
        textposition="outside",
        cliponaxis=False,
        customdata=hovers,
        hovertemplate="%{customdata}<extra></extra>",
    )
    figure.update_xaxes(range=[0, 1.1], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(bargap=0.3, showlegend=False, uirevision="victories")
    return figure
