"""Loss and accuracy along the line between two networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from dhc.figures import theme

Say = Callable[..., str]  # the lesson's words


def line(
    shares: Sequence[float],
    loss: Sequence[float] | None,
    accuracy: Sequence[float] | None,
    *,
    at: float,
    bet: float,
    say: Say,
) -> go.Figure:
    """The accuracy above, the loss below, by the share of the second network; where one stands is marked.

    Without figures only the bet shows, halfway. say: the labels accuracy, loss, first, second, your_bet, hidden, point.
    """
    figure = theme.figure(x="", y="")
    for values, axis, color, name in ((accuracy, "y", theme.BEST, "accuracy"), (loss, "y2", theme.VAL, "loss")):
        if values is None:
            continue
        hovers = [
            say("point", share=share, value=value, name=say(name)) for share, value in zip(shares, values, strict=True)
        ]
        figure.add_trace(
            go.Scatter(
                x=list(shares),
                y=theme.numbers(values),
                yaxis=axis,
                mode="lines+markers",
                line={"color": color, "width": 3},
                marker={"size": [14 if share == at else 6 for share in shares]},
                customdata=hovers,
                hovertemplate="%{customdata}<extra></extra>",
                name=say(name),
            )
        )
    mark = {"symbol": "x", "size": 12, "color": theme.SELECTED}
    hover = f"{say('your_bet', value=bet)}<extra></extra>"
    figure.add_trace(
        go.Scatter(x=[0.5], y=[bet], mode="markers", marker=mark, name=say("your_bet", value=bet), hovertemplate=hover)
    )
    if accuracy is None:
        middle = {"x": 0.5, "xref": "paper", "y": 0.17, "yref": "paper"}  # of the lower part, which is empty
        figure.add_annotation(text=say("hidden"), showarrow=False, font={"size": 15}, **middle)
    ticks = {"tickvals": [0, 0.25, 0.5, 0.75, 1], "ticktext": [say("first"), "¼", "½", "¾", say("second")]}
    figure.update_xaxes(range=[-0.05, 1.05], **ticks)
    figure.update_yaxes(range=[0, 1.05], domain=(0.52, 1), tickformat=".0%", title=say("accuracy"))
    below = {"domain": [0, 0.34], "anchor": "x", "rangemode": "tozero", "title": say("loss"), "automargin": True}
    figure.update_layout(yaxis2=below, hovermode="closest", uirevision="between")
    return figure
