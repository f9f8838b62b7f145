"""Learning curves and the learning rate of one run, while it trains and afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dhc.figures import changes, junction, theme
from dhc.figures.junction import Joint
from dhc.runs.records import History
from dhc.text import rate_text

MAX_BATCH_POINTS = 1500
# A schedule that changes the rate more often is smooth: its own figure shows it, lines would only hatch.
MAX_RATE_MARKS = 24
LABEL_WIDTH = (
    0.1  # of the axis, that the label of a rate takes in a small chart; the page hides those that have less room
)
HEADROOM = 1.2  # times the highest accuracy: room for the rates' labels above rising curves
MARKERS_UP_TO = 60  # epochs; beyond that the markers would run together
# The right edge of the x axis stands still for a while, then jumps: the eye would follow one that moves with every batch.
EDGES = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000)


def learning_curves(
    history: History,
    *,
    metric: Literal["loss", "accuracy"],
    show_batches: bool = True,
    epochs_total: int | None = None,
    log: bool = False,
    joints: Sequence[Joint] = (),
) -> go.Figure:
    """Train and val `metric` by epoch; the best epoch, drops of the learning rate, changes by hand and the `joints` marked.

    An epoch's figures stand where it ends (epoch 3 at x = 3), a batch's where it was seen (x = 2.37). Batches are
    thinned to MAX_BATCH_POINTS, peaks and dips kept. Traces keep their places whatever the history holds, so that
    what a person hid stays hidden. `log` draws y logarithmically. What was taken over from another run, up to the last of
    the `joints`, is thin. Without any point: axes and a line that says what is waited for.
    """
    figure = theme.figure(x="epoch", y=metric)
    epochs = history.epochs
    figure.add_trace(_batch_trace(history, metric if show_batches else None))
    inherited, own = junction.split(epochs, joints)
    for column, *look in ((metric, theme.TRAIN, "solid", "circle"), (f"val_{metric}", theme.VAL, "dash", "diamond")):
        figure.add_trace(_epoch_trace(own, column, *look))
        if joints:
            figure.add_traces(_inherited_traces(inherited, own, column, *look))
    _mark_best(figure, history, metric)
    length = _edge(history, epochs_total)
    _mark_rates(figure, history.lr_changes, length=length)
    junction.mark(figure, joints, length=length, high=metric == "loss")
    changes.mark(figure, history.steps, length=length, high=metric == "loss", level=len(joints))
    _say_if_broken(figure, history, metric)
    # No spike: over a transparent ground Plotly edges it in white, a glaring bar on a dark page.
    figure.update_xaxes(**_x_axis(history, epochs_total), unifiedhovertitle_text="epoch %{x}", showspikes=False)
    # Accuracy is read against 0; a loss that starts at 4.6 and moves by a tenth would look like a flat line.
    rangemode = "tozero" if metric == "accuracy" else "nonnegative"
    figure.layout.yaxis.update(type="log" if log else "linear", rangemode="normal" if log else rangemode)
    if metric == "accuracy" and not log and 1 <= len(history.lr_changes) <= MAX_RATE_MARKS:
        figure.layout.yaxis.autorangeoptions.include = [HEADROOM * _highest(history, metric)]
    figure.update_layout(hovermode="x unified" if len(epochs) else "closest")
    if not len(history.batches) and not len(epochs):
        _wait(figure)
    return figure


def learning_rate(
    history: History, *, epochs_total: int | None = None, first: float | None = None, joints: Sequence[Joint] = ()
) -> go.Figure:
    """The learning rate as steps: that of epoch 3 runs from x = 2 to x = 3.

    A rate that is already known goes on from the last epoch: that of a drop or a change by hand, or `first`, the one at which a run begins
    whose first epoch has not ended. What was taken over up to the last of the `joints` is thin.
    """
    figure = theme.figure(x="epoch", y="learning rate")
    epochs = history.epochs
    at, rates = epochs["epoch"].to_numpy(), epochs["learning_rate"].to_numpy(dtype=np.float64)
    if len(at):
        at, rates = np.append(at - 1, at[-1]), np.append(rates, history.rate or rates[-1])
    elif len(history.batches) and first is not None:
        at, rates = np.array([0.0, history.batches["position"].max()]), np.array([first, first])
    else:
        _wait(figure)
    figure.add_traces(_rate_traces(at, rates, joints))
    junction.mark(figure, joints, length=_edge(history, epochs_total))
    junction.draw_bare_lines(figure, [epoch - 1 for epoch in history.steps])
    figure.update_xaxes(**_x_axis(history, epochs_total))
    figure.update_yaxes(rangemode="tozero", **theme.RATES)
    return figure


def rate_steps(at: np.ndarray, rates: np.ndarray, *, inherited: bool = False) -> go.Scatter:
    """A step line: rates[n] from x = at[n] (epochs done) on; the last point only ends the line. Thin where `inherited`."""
    return go.Scatter(
        x=at,
        y=theme.numbers(rates),
        mode="lines",
        line={"shape": "hv", "color": theme.TRAIN, "width": junction.THIN if inherited else 2},
        text=[f"epoch {start + 1:g}: learning rate {rate_text(rate)}" for start, rate in zip(at, rates, strict=True)],
        hovertemplate="%{text}<extra></extra>",
        name="learning rate",
        uid="learning-rate-inherited" if inherited else "learning-rate",
        showlegend=False,
    )


def _rate_traces(at: np.ndarray, rates: np.ndarray, joints: Sequence[Joint]) -> list[go.Scatter]:
    """The run's own rates, and thin those before the last of the `joints`."""
    start = joints[-1].epoch if joints else 0
    is_own = at >= start
    traces = [rate_steps(at[is_own], rates[is_own])]
    if joints and len(before := at[~is_own]):
        held = rates[~is_own]
        traces.append(rate_steps(np.append(before, start), np.append(held, held[-1]), inherited=True))
    return traces


def thin(y: np.ndarray, limit: int) -> np.ndarray:
    """The indices of at most `limit` of the points y (N,) whose line looks like the line of all.

    They ascend. The points are cut into equal runs; of each the lowest and the highest are kept, and the first and
    last of all. A run without any finite value keeps its first point, so that a gap stays a gap.
    """
    n = len(y)
    if n <= limit:
        return np.arange(n)
    length = -(-n // ((limit - 2) // 2))  # of a run, rounded up
    starts = np.arange(0, n, length)
    runs = np.full((len(starts), length), np.nan)
    runs.ravel()[:n] = y
    finite = np.isfinite(runs)
    low = starts + np.where(finite, runs, np.inf).argmin(axis=1)
    high = starts + np.where(finite, runs, -np.inf).argmax(axis=1)
    return np.unique(np.concatenate([[0], low, high, [n - 1]]))


def _wait(figure: go.Figure) -> None:
    theme.say(figure, theme.WAITING)
    figure.layout.yaxis.update(showticklabels=False)  # Plotly would number an empty axis from -1 to 4


def _batch_trace(history: History, metric: str | None) -> go.Scatter:
    x, y = np.array([]), np.array([])
    if metric is not None:
        x, y = (history.batches[name].to_numpy(dtype=np.float64) for name in ("position", metric))
        rows = thin(y, MAX_BATCH_POINTS)
        x, y = x[rows], y[rows]
    return go.Scatter(
        x=theme.numbers(x),
        y=theme.numbers(y),
        mode="lines",
        line={"color": theme.TRAIN, "width": 1},
        opacity=0.75,
        name="each batch",
        uid="batches",
        showlegend=bool(len(x)),
        # Beside the epochs' own figures a batch's would crowd the hover label.
        hoverinfo="skip" if len(history.epochs) else None,
        hovertemplate=None if len(history.epochs) else "%{y:.3f}<extra></extra>",
    )


def _epoch_trace(epochs: pd.DataFrame, column: str, color: str, dash: str, symbol: str) -> go.Scatter:
    return go.Scatter(
        x=epochs["epoch"].to_numpy(),
        y=theme.numbers(epochs[column].to_numpy()),
        mode="lines+markers" if len(epochs) <= MARKERS_UP_TO else "lines",
        line={"color": color, "width": 2.5, "dash": dash},
        marker={"symbol": symbol, "size": 7},
        name=column,
        uid=column,
        showlegend=bool(len(epochs)),
        hovertemplate="%{y:.3f}",
    )


def _inherited_traces(
    inherited: pd.DataFrame, own: pd.DataFrame, column: str, color: str, dash: str, symbol: str
) -> list[go.Scatter]:
    """What was taken over, thin and without marks; and the line from there to the run's own first epoch, which no hover names."""
    before = _epoch_trace(inherited, column, color, dash, symbol)
    before.update(mode="lines", line_width=junction.THIN, uid=f"{column}-inherited", showlegend=False)
    link = _epoch_trace(pd.concat([inherited[-1:], own[:1]]), column, color, dash, symbol)
    link.update(mode="lines", uid=f"{column}-link", showlegend=False, hoverinfo="skip", hovertemplate=None)
    return [before, link]


def _mark_best(figure: go.Figure, history: History, metric: str) -> None:
    """A star on the val curve at the best epoch; what it stands for is said in the legend, where it covers nothing."""
    best = history.best_epoch
    row = history.epochs[history.epochs["epoch"] == best].tail(1)
    value = theme.numbers(row[f"val_{metric}"].to_numpy())
    is_known = bool(len(value)) and bool(np.isfinite(value).all())
    figure.add_trace(
        go.Scatter(
            x=row["epoch"].to_numpy(),
            y=value,
            mode="markers",
            marker={"symbol": "star", "size": 14, "color": theme.BEST},
            name=f"best epoch {best}: {value[0]:.3f}" if is_known else "best epoch",
            uid="best",
            hoverinfo="skip",
            showlegend=is_known,
        )
    )


def _say_if_broken(figure: go.Figure, history: History, metric: str) -> None:
    """A sentence in the plot when the last batches have no finite value: the curve just ends."""
    finite = np.isfinite(history.batches[metric].to_numpy(dtype=np.float64))
    if not len(finite) or finite[-1]:
        return
    last = int(np.flatnonzero(finite)[-1]) if finite.any() else -1
    since = int(history.batches["epoch"].iloc[last + 1])
    place = {"x": 0.5, "y": 1, "xref": "paper", "yref": "paper", "yanchor": "top", "yshift": -12}
    figure.add_annotation(text=f"{metric} is not a number since epoch {since}", showarrow=False, **place)


def _mark_rates(figure: go.Figure, changes: pd.DataFrame, *, length: float) -> None:
    """A thin line where the learning rate changed, at an epoch's end, with the rates on its top where there is room."""
    if len(changes) > MAX_RATE_MARKS:
        changes = changes.iloc[:0]
    at = changes["epoch"].to_numpy() - 1
    line = {"color": theme.MUTED, "width": 1, "dash": "dot"}
    figure.layout.shapes = [
        {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}
        for x in at.tolist()
    ]
    old, new = ([rate_text(rate) for rate in changes[name]] for name in ("old", "new"))
    figure.add_trace(
        go.Scatter(
            x=at,
            y=np.ones(len(at), dtype=np.float32),
            yaxis="y2",
            mode="markers+text",
            marker={"symbol": "triangle-down", "size": 9, "color": theme.MUTED},
            text=[text if free else "" for text, free in zip(new, _apart(at, LABEL_WIDTH * length), strict=True)],
            textposition="bottom right",
            textfont={"size": 10},
            customdata=[
                f"learning rate {before} → {after} after epoch {epoch}"
                for epoch, before, after in zip(at, old, new, strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
            name="learning rate drop",
            uid="rate-drops",
            showlegend=False,
            cliponaxis=False,
        )
    )
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})


def _highest(history: History, metric: str) -> float:
    """The highest finite figure of the epochs, on train and on val, and of the batches; 0 without one."""
    columns = (history.batches[metric], history.epochs[metric], history.epochs[f"val_{metric}"])
    values = np.concatenate([column.to_numpy(dtype=np.float64) for column in columns])
    return float(values[np.isfinite(values)].max(initial=0.0))


def _apart(places: np.ndarray, distance: float) -> list[bool]:
    """Which of the ascending places (N,) stand at least so far behind the last one that does."""
    free: list[bool] = []
    last = -np.inf
    for place in places.tolist():
        free.append(place - last >= distance)
        last = place if free[-1] else last
    return free


def _x_axis(history: History, epochs_total: int | None) -> dict[str, Any]:
    """The axis of epochs, without its 0: that of the other axis stands beside it."""
    return {"range": [0.0, _edge(history, epochs_total)], "labelalias": {"0": ""}}


def _edge(history: History, epochs_total: int | None) -> float:
    """Where the axis ends: a little behind the next of EDGES, not past the planned epochs unless the run is."""
    ends = [float(history.epochs["epoch"].max())] if len(history.epochs) else []
    ends += [float(history.batches["position"].max())] if len(history.batches) else []
    position = max((end for end in ends if np.isfinite(end)), default=0.0)
    edge = next((edge for edge in EDGES if edge >= position), position)
    if epochs_total is not None:
        edge = max(min(edge, epochs_total), position)
    return 1.02 * edge
