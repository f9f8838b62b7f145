"""Real or noise as a chart: the intervals of the difference against zero, and what each seed of both sides reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dhc.analysis.significance import SeedResults
from dhc.figures import theme


@dataclass(frozen=True)
class Interval:
    """A line of the chart: what it is about, B minus A, and the 95% confidence interval of that, all -1 to 1."""

    name: str
    difference: float
    low: float
    high: float


def intervals(found: Sequence[Interval]) -> go.Figure:
    """One line an interval, the first on top, with zero marked: a line that crosses it leaves open which run is better."""
    figure = theme.figure(x="accuracy of B minus accuracy of A", y="")
    figure.add_trace(
        go.Scatter(
            x=[interval.difference for interval in found],
            y=[interval.name for interval in found],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [interval.high - interval.difference for interval in found],
                "arrayminus": [interval.difference - interval.low for interval in found],
                "color": theme.TRAIN,
                "thickness": 3,
                "width": 8,
            },
            mode="markers",
            marker={"color": theme.TRAIN, "size": 13},
            text=[f"{interval.low:+.1%} to {interval.high:+.1%}" for interval in found],
            hovertemplate="%{y}: %{x:+.1%}<br>95% interval %{text}<extra></extra>",
            name="difference",
            uid="intervals",
            showlegend=False,
        )
    )
    reach = 1.1 * max([0.005, *(max(abs(interval.low), abs(interval.high)) for interval in found)])
    figure.add_vline(x=0, line={"color": theme.VAL, "width": 2, "dash": "dot"})
    figure.add_annotation(text="← A is better", x=0, y=1, yref="paper", xanchor="right", yanchor="bottom", xshift=-6, showarrow=False)  # fmt: skip
    figure.add_annotation(text="B is better →", x=0, y=1, yref="paper", xanchor="left", yanchor="bottom", xshift=6, showarrow=False)  # fmt: skip
    figure.update_xaxes(range=[-reach, reach], tickformat="+.1%", nticks=9)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, range=[len(found) - 0.5, -0.5])
    figure.update_layout(margin={"t": 26, "b": 44, "r": 12})
    return figure


def seeds(a: SeedResults, b: SeedResults) -> go.Figure:
    """What each seed reached, a dot a run, A above B, with a bar at the mean of each side."""
    figure = theme.figure(x="best val_accuracy, a dot for each seed", y="")
    for name, side, colour in (("A", a, theme.TRAIN), ("B", b, theme.VAL)):
        dots = {"color": colour, "size": 11, "opacity": 0.75}
        figure.add_trace(
            go.Scatter(
                x=list(side.values), y=[name] * side.n, mode="markers", marker=dots, name=name, uid=name,
                hovertemplate=f"{name}: %{{x:.4f}}<extra></extra>", showlegend=False,
            )
        )  # fmt: skip
        if side.n:
            figure.add_trace(
                go.Scatter(
                    x=[side.mean], y=[name], mode="markers", name=f"mean of {name}", uid=f"mean {name}",
                    marker={"symbol": "line-ns-open", "size": 26, "color": colour, "line": {"width": 3, "color": colour}},
                    hovertemplate=f"mean of {name}: %{{x:.4f}}<extra></extra>", showlegend=False,
                )
            )  # fmt: skip
    figure.update_xaxes(tickformat=".3f", nticks=8)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=["B", "A"], range=[-0.5, 1.5])
    figure.update_layout(margin={"t": 8, "b": 44, "r": 12})
    return figure
