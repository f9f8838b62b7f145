"""The ladder as its story is told: the rungs so far, the one that is told in full colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from dhc.analysis.ladder import Step
from dhc.figures import theme

FADED = 0.4  # opacity of what was told before
HEIGHT = 330  # CSS pixels, at least


def climb(
    steps: Sequence[Step], shown: int, titles: Sequence[str], chance: float, words: Mapping[str, str]
) -> go.Figure:
    """The first `shown` of all steps, a row each under its title, from the top; below them there is room for the others.

    chance: the accuracy of guessing. words: ``accuracy``, ``bar``, ``mark``, ``guess``. Bars carry their run's id as customdata.
    """
    figure = theme.figure(x=words["accuracy"], y="")
    rows, end = range(shown), len(steps) + 0.2  # below the last row there is room for the word on guessing
    figure.add_trace(_bars(steps[:shown], words["bar"]))
    figure.add_trace(_marks(steps[:shown], words["mark"]))
    figure.add_vline(chance, line={"color": theme.MUTED, "dash": "dot", "width": 1})
    figure.add_annotation(
        x=chance, y=end, text=words["guess"], showarrow=False, xanchor="left", xshift=4, yanchor="bottom"
    )
    names = [theme.escape_html(title) for title in titles[:shown]]
    labels = [f"<b>{name}</b>" if row == shown - 1 else name for row, name in zip(rows, names, strict=True)]
    figure.update_yaxes(tickvals=list(rows), ticktext=labels, range=[end, -0.5], showgrid=False)
    figure.update_xaxes(range=[0, 1], dtick=0.2, fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    figure.update_layout(bargap=0.35, margin={"l": 8, "r": 8, "t": 28, "b": 40})
    return figure


def _opacity(count: int) -> list[float]:
    return [*([FADED] * (count - 1)), 1.0]


def _bars(steps: Sequence[Step], name: str) -> go.Bar:
    runs = [step.best_run or step.live_run for step in steps]
    values = [float("nan") if run is None else run.best_val_accuracy or float("nan") for run in runs]
    return go.Bar(
        x=theme.numbers(values),
        y=list(range(len(steps))),
        orientation="h",
        marker={"color": theme.TRAIN, "opacity": _opacity(len(steps))},
        customdata=["" if run is None else run.id for run in runs],
        hovertemplate=f"{name}: %{{x:.3f}}<br>%{{customdata}}<extra></extra>",
        name=name,
        uid="measured",
        showlegend=True,
    )


def _marks(steps: Sequence[Step], name: str) -> go.Scatter:
    """A mark in the middle of the reported range, and the range as its error bar."""
    ranges = [(row, *step.rung.reported) for row, step in enumerate(steps) if step.rung.reported is not None]
    return go.Scatter(
        x=theme.numbers([(low + high) / 2 for _, low, high in ranges]),
        y=[row for row, *_ in ranges],
        mode="markers",
        marker={"symbol": "diamond", "size": 11, "color": theme.VAL},
        error_x={
            "type": "data",
            "array": theme.numbers([(high - low) / 2 for _, low, high in ranges]),
            "color": theme.VAL,
            "thickness": 3,
            "width": 5,
        },
        hovertemplate=f"{name}: %{{x:.3f}}<extra></extra>",
        name=name,
        uid="reported",
        showlegend=True,
    )
