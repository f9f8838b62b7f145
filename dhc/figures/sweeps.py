"""A sweep read: the best of each value, two settings together, what more runs are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.differences import is_number
from dhc.analysis.sweeps import Infeasible, Isolated, Together
from dhc.analysis.tuning import TuningCurve
from dhc.figures import theme
from dhc.figures.palette import faint
from dhc.figures.settings import tick_text
from dhc.text import percent_text

FAILED = "#dd0033"  # of crosses; in either theme at least 3 : 1


def isolation(
    isolated: Sequence[Isolated], failed: Sequence[Infeasible], *, title: str, log: bool = False
) -> go.Figure:
    """The best mean val_accuracy (y) of each value (x), ± sd over seeds; a cross at the bottom for each run that failed.

    Where values are taken together by ranges, each point has its range as a bar.

    Points and crosses carry a run's id as customdata. log: the axis logarithmic, where all values are above 0.
    """
    figure = theme.figure(x=theme.escape_html(title), y="best val_accuracy, the rest tuned")
    every = [*(one.value for one in isolated), *(one.value for one in failed)]
    numeric = all(map(is_number, every))
    position: Any = float if numeric else tick_text
    values = theme.numbers([one.results.mean for one in isolated])
    figure.add_trace(
        go.Scatter(
            x=[position(one.value) for one in isolated],
            y=values,
            error_x=_reach(isolated) if numeric else None,
            error_y={"array": theme.numbers([one.results.sd or 0.0 for one in isolated]), "thickness": 2},
            mode="lines+markers" if numeric else "markers",
            line={"color": theme.VAL, "width": 2},
            marker={"size": 10, "symbol": "diamond"},
            customdata=[one.runs[0] for one in isolated],
            text=[f"{len(one.runs)} of {one.settings}" for one in isolated],
            hovertemplate="%{x}: %{y:.3f}<extra></extra>",
            uid="best",
            showlegend=False,
        )
    )
    floor = float(np.nanmin(values)) - 0.03 if len(values) else 0.0
    figure.update_yaxes(minallowed=min(floor, 0.0), maxallowed=1.05)  # of equal results Plotly shows -1 to 1
    figure.add_trace(
        go.Scatter(
            x=[position(one.value) for one in failed],
            y=[floor] * len(failed),
            mode="markers",
            marker={"size": 11, "symbol": "x", "color": FAILED},
            customdata=[one.run for one in failed],
            text=[theme.escape_html(one.cause) for one in failed],
            hovertemplate="%{x}: failed (%{text})<extra></extra>",
            name="failed",
            uid="failed",
            showlegend=bool(failed),
        )
    )
    if log and numeric and all(value > 0 for value in every):
        figure.update_xaxes(type="log", dtick="D2", exponentformat="power")
    elif not numeric:
        figure.update_xaxes(type="category")
    figure.update_layout(hovermode="closest", uirevision=f"{title} {log}")
    return figure


def pairs(record: Together, *, rows: str, columns: str) -> go.Figure:
    """The best mean val_accuracy of each pair of values as a heatmap with its figures; a gap where none was tried."""
    figure = theme.figure(x=theme.escape_html(columns), y=theme.escape_html(rows))
    z = np.array([[np.nan if value is None else value for value in row] for row in record.best], dtype=np.float64)
    figure.add_trace(
        go.Heatmap(
            x=[span_text(*span) for span in record.columns],
            y=[span_text(*span) for span in record.rows],
            z=z,
            texttemplate="%{z:.3f}",
            showscale=False,
            hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
            xgap=2,
            ygap=2,
            uid="pairs",
        )
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False)
    figure.update_layout(hovermode="closest")
    return figure


def _reach(isolated: Sequence[Isolated]) -> dict[str, Any] | None:
    if all(low == high for low, high in (one.span for one in isolated)):
        return None
    reach = {
        "array": [max(0.0, one.span[1] - one.value) for one in isolated],
        "arrayminus": [max(0.0, one.value - one.span[0]) for one in isolated],
    }
    return {"symmetric": False, "thickness": 1, "width": 0, **reach}


def span_text(low: Any, high: Any) -> str:
    """A value, or a range of them, on an axis."""
    return tick_text(low) if low == high else f"{tick_text(low)} to {tick_text(high)}"


def importance(shares: Mapping[str, float]) -> go.Figure:
    """A bar for each setting by its title, the greatest on top; shares 0 to 1."""
    figure = theme.figure(x="share in what tells the best tenth from the rest", y="")
    figure.add_trace(
        go.Bar(
            x=theme.numbers(list(shares.values())),
            y=[theme.escape_html(title) for title in shares],
            orientation="h",
            marker={"color": theme.VAL},
            text=[percent_text(share) for share in shares.values()],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            showlegend=False,
            uid="shares",
        )
    )
    figure.update_xaxes(range=[0, 1.1], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    figure.update_layout(bargap=0.35)
    return figure


def tuning(curve: TuningCurve, tried: int) -> go.Figure:
    """The best val_accuracy to expect (y) of so many runs (x), with its 95% band; a line where the runs that were made end."""
    figure = theme.figure(x="runs", y="best val_accuracy to expect")
    runs = np.concatenate([curve.runs, curve.runs[::-1]])
    band = np.concatenate([curve.high, curve.low[::-1]])
    figure.add_trace(
        go.Scatter(
            x=runs,
            y=theme.numbers(band),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=faint(theme.VAL, 0.18),
            hoverinfo="skip",
            name="95% band",
            uid="band",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=curve.runs,
            y=theme.numbers(curve.expected),
            mode="lines",
            line={"color": theme.VAL, "width": 2.5},
            name="expected",
            hovertemplate="%{x} runs: %{y:.3f}<extra></extra>",
            uid="expected",
        )
    )
    figure.add_vline(x=tried, line={"color": theme.MUTED, "width": 1.5, "dash": "dot"})
    figure.update_yaxes(range=[max(0.0, float(curve.expected[0]) - 0.15), 1.0])
    return figure
