"""Real or noise as charts: intervals of the difference, and what each seed reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dhc.analysis.significance import SeedResults
from dhc.figures import theme
from dhc.text import signed_points


@dataclass(frozen=True)
class Interval:
    """A line of the chart: its name, B minus A, and the 95% confidence interval, -1 to 1."""

    name: str
    difference: float
    low: float
    high: float


def interval_text(interval: Interval) -> str:
    """``−1.0 points, 95% interval −3.2 to +1.2``."""
    low, high = signed_points(interval.low), signed_points(interval.high)
    return f"{signed_points(interval.difference)} points, 95% interval {low} to {high}"


def interval_chart(intervals: Sequence[Interval]) -> go.Figure:
    """One line an interval, the first on top; across zero it leaves open which run is better."""
    figure = theme.figure(x="accuracy of B minus accuracy of A, points", y="")
    figure.add_trace(
        go.Scatter(
            x=[interval.difference for interval in intervals],
            y=[interval.name for interval in intervals],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [interval.high - interval.difference for interval in intervals],
                "arrayminus": [interval.difference - interval.low for interval in intervals],
                "color": theme.TRAIN,
                "thickness": 3,
                "width": 8,
            },
            mode="markers",
            marker={"color": theme.TRAIN, "size": 13},
            text=[interval_text(interval) for interval in intervals],
            hovertemplate="%{y}: %{text}<extra></extra>",
            name="difference",
            uid="intervals",
            showlegend=False,
        )
    )
    reach = 1.1 * max([0.005, *(max(abs(interval.low), abs(interval.high)) for interval in intervals)])
    figure.add_vline(x=0, line={"color": theme.VAL, "width": 2, "dash": "dot"})
    place = {"x": 0, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(text="← A is better", xanchor="right", xshift=-6, **place)
    figure.add_annotation(text="B is better →", xanchor="left", xshift=6, **place)
    ticks = _ticks(reach)
    figure.update_xaxes(range=[-reach, reach], tickvals=ticks, ticktext=[signed_points(tick) for tick in ticks])
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, range=[len(intervals) - 0.5, -0.5])
    figure.update_layout(margin={"t": 26, "b": 44, "r": 12})
    return figure


def _ticks(reach: float) -> list[float]:
    """Round differences from -reach to reach, at most nine."""
    steps = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    step = next((step for step in steps if reach < 5 * step), reach / 2)  # few seeds far apart reach beyond 1
    return [step * place for place in range(-4, 5) if abs(step * place) <= reach]


def seed_chart(a: SeedResults, b: SeedResults) -> go.Figure:
    """What each seed reached, a dot a run, A above B, with a bar at the mean of each side."""
    figure = theme.figure(x="best val_accuracy, a dot for each seed", y="")
    for name, side, color in (("A", a, theme.TRAIN), ("B", b, theme.VAL)):
        dots = {"color": color, "size": 11, "opacity": 0.75}
        figure.add_trace(_markers(name, name, side.values, name, dots))
        if side.n:
            bar = {"symbol": "line-ns-open", "size": 26, "color": color, "line": {"width": 3, "color": color}}
            figure.add_trace(_markers(f"mean of {name}", name, [side.mean], f"mean {name}", bar))
    figure.update_xaxes(tickformat=".3f", nticks=8)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=["B", "A"], range=[-0.5, 1.5])
    figure.update_layout(margin={"t": 8, "b": 44, "r": 12})
    return figure


def _markers(name: str, row: str, values: Sequence[float], uid: str, marker: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=list(values),
        y=[row] * len(values),
        mode="markers",
        marker=marker,
        hovertemplate=f"{name}: %{{x:.4f}}<extra></extra>",
        name=name,
        uid=uid,
        showlegend=False,
    )
