"""How well single classes were recognised after each epoch, as curves beside the mean of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.palette import distinct

MARKERS_UP_TO = 60  # epochs; with more, a curve's points would touch
MEAN = "mean of all classes"


def recall_curves(
    recall: np.ndarray,
    names: Sequence[str],
    shown: Sequence[int],
    *,
    best_epoch: int,
    rate_changes: Sequence[int] = (),
    epoch: int | None = None,
) -> go.Figure:
    """A curve for each class in `shown`, and the mean of all classes, dotted.

    recall         (E, K) shares of 0 to 1, NaN for a class without pictures; row 0 is epoch 1
    names          K class names
    best_epoch     1-based, marked by a dotted line and a star
    rate_changes   epochs before which the learning rate changed, marked by faint dashed lines
    epoch          another one to mark
    """
    figure = theme.figure(x="epoch", y="recall")
    epochs = np.arange(1, len(recall) + 1)
    with_pictures = recall[:, ~np.isnan(recall[0])]
    mean = go.Scatter(line={"color": theme.MUTED, "dash": "dot", "width": 2}, mode="lines")
    figure.add_trace(mean.update(_curve(epochs, with_pictures.mean(axis=1), MEAN, "mean")))
    for c, color in zip(shown, distinct(len(shown)), strict=True):
        mode = "lines+markers" if len(epochs) <= MARKERS_UP_TO else "lines"
        curve = go.Scatter(line={"color": color, "width": 2.5}, marker={"size": 5}, mode=mode)
        figure.add_trace(curve.update(_curve(epochs, recall[:, c], theme.escape_html(names[c]), f"class-{c}")))
    _mark(figure, best_epoch, rate_changes, epoch)
    figure.update_xaxes(range=[0.5, len(epochs) + 0.5], tickformat="d", nticks=12)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%")
    return figure


def _curve(epochs: np.ndarray, values: np.ndarray, name: str, uid: str) -> dict[str, object]:
    hover = "after epoch %{x}: %{y:.0%}<extra>%{fullData.name}</extra>"
    return {"x": epochs, "y": theme.numbers(values), "name": name, "uid": uid, "hovertemplate": hover}


def _mark(figure: go.Figure, best_epoch: int, rate_changes: Sequence[int], epoch: int | None) -> None:
    for change in rate_changes:
        figure.add_vline(x=change - 0.5, line={"color": theme.MUTED, "width": 1, "dash": "dash"}, name="rate")
    figure.add_vline(x=best_epoch, line={"color": theme.BEST, "width": 1.5, "dash": "dot"}, name="best")
    figure.add_annotation(
        x=best_epoch, y=1, yref="paper", yanchor="bottom", text="★ best", showarrow=False, name="best"
    )
    if epoch is not None and epoch != best_epoch:
        figure.add_vline(x=epoch, line={"color": theme.SELECTED, "width": 1.5}, name="shown")
