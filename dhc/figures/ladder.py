"""The ladder as a chart: each step's reported accuracy beside the best one measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dhc.analysis.ladder import Step
from dhc.figures import theme


def rungs(steps: Sequence[Step]) -> go.Figure:
    """One row per step, the first on top: a bar for what was measured, a mark for the report.

    A step that is still training has a paler bar up to its best epoch so far. Bars carry their run's id as customdata.
    """
    figure = theme.figure(x="accuracy", y="")
    labels = [theme.escape_html(step.rung.title) for step in steps]
    bars = _measurements(steps, labels)
    figure.add_trace(_bars(bars))
    figure.add_trace(_reported(steps, labels))
    figure.add_trace(_figures(bars))
    figure.update_xaxes(range=[0, 1.2], tickvals=[0, 0.2, 0.4, 0.6, 0.8, 1], fixedrange=True)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=labels, showgrid=False)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.5], fixedrange=True)
    figure.update_layout(bargap=0.35, margin={"l": 8, "r": 8, "t": 28, "b": 40})
    return figure


@dataclass(frozen=True)
class _Bar:
    label: str
    value: float
    run: str
    final: bool


def _measurements(steps: Sequence[Step], labels: Sequence[str]) -> list[_Bar]:
    """What was measured; where nothing was, what the run that is alive has reached."""
    bars = []
    for step, label in zip(steps, labels, strict=True):
        run = step.best_run or step.live_run
        if run is not None and run.best_val_accuracy is not None:
            bars.append(_Bar(label, run.best_val_accuracy, run.id, run is step.best_run))
    return bars


def _bars(bars: Sequence[_Bar]) -> go.Bar:
    return go.Bar(
        x=theme.numbers([bar.value for bar in bars]),
        y=[bar.label for bar in bars],
        orientation="h",
        marker={"color": theme.TRAIN, "opacity": [1.0 if bar.final else 0.45 for bar in bars]},
        customdata=[bar.run for bar in bars],
        hovertemplate="%{y}<br>measured here, on val: %{x:.3f}<br>%{customdata}<extra></extra>",
        name="measured here, on val",
        uid="measured",
        showlegend=True,
    )


def _figures(bars: Sequence[_Bar]) -> go.Scatter:
    """The measured figures in a column at the right, where no bar and no mark covers them."""
    return go.Scatter(
        x=[1.02] * len(bars),
        y=[bar.label for bar in bars],
        mode="text",
        text=[f"{bar.value:.3f}" + ("" if bar.final else " so far") for bar in bars],
        textposition="middle right",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
        uid="figures",
    )


def _reported(steps: Sequence[Step], labels: Sequence[str]) -> go.Scatter:
    """A mark in the middle of the reported range, and the range as its error bar."""
    rungs = [(label, step.rung) for step, label in zip(steps, labels, strict=True) if step.rung.reported is not None]
    ranges = [rung.reported for _, rung in rungs if rung.reported is not None]
    half = [(high - low) / 2 for low, high in ranges]
    return go.Scatter(
        x=theme.numbers([(low + high) / 2 for low, high in ranges]),
        y=[label for label, _ in rungs],
        mode="markers",
        marker={"symbol": "diamond", "size": 10, "color": theme.VAL},
        error_x={"type": "data", "array": theme.numbers(half), "color": theme.VAL, "thickness": 3, "width": 5},
        text=[rung.reported_text for _, rung in rungs],
        hovertemplate="%{y}<br>reported, on the competition's test set: %{text}<extra></extra>",
        name="reported, on the competition's test set",
        uid="reported",
    )
