"""How well single classes were recognised after each epoch, as curves beside the mean of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.palette import distinct

MOST_EPOCHS = 2_000  # of a curve
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
    best_epoch     1-based, marked by a dotted line, and by a star on the mean
    rate_changes   epochs before which the learning rate changed, marked by faint dashed lines
    epoch          another one to mark
    """
    figure = theme.figure(x="epoch", y="recall")
    epochs = _drawn_epochs(len(recall), best_epoch)
    last, recall = len(recall), recall[epochs - 1]
    mode = "lines+markers" if len(epochs) <= MARKERS_UP_TO else "lines"
    mean = recall[:, ~np.isnan(recall[0])].mean(axis=1)
    curves = [_curve(epochs, mean, MEAN, "mean", {"color": theme.MUTED, "dash": "dot", "width": 2}, "lines")]
    for c, color in zip(shown, distinct(len(shown)), strict=True):
        name = theme.escape_html(names[c])
        curves.append(_curve(epochs, recall[:, c], name, f"class-{c}", {"color": color, "width": 2.5}, mode))
    figure.add_traces([*curves, _star(best_epoch, float(mean[epochs == best_epoch][0]))])
    figure.update_layout(
        shapes=_marks(best_epoch, rate_changes, epoch),
        xaxis={"range": [0.5, last + 0.5], **theme.epoch_ticks(last, 12)},
        yaxis={"range": [-0.02, 1.02], "tickformat": ".0%"},
    )
    return figure


def _drawn_epochs(total: int, best_epoch: int) -> np.ndarray:
    """All epochs, or evenly spread ones with the first, the best and the last: more than a screen can show costs seconds."""
    spread = np.linspace(1, total, min(total, MOST_EPOCHS)).round().astype(np.int64)
    return np.union1d(spread, [best_epoch])


def _curve(
    epochs: np.ndarray, values: np.ndarray, name: str, uid: str, line: dict[str, object], mode: str
) -> dict[str, object]:
    hover = "after epoch %{x}: %{y:.0%}<extra>%{fullData.name}</extra>"
    drawn: dict[str, object] = {
        "type": "scatter",
        "mode": mode,
        "line": line,
        "marker": {"size": 5},
        "hovertemplate": hover,
    }
    return drawn | {"x": epochs, "y": theme.numbers(values), "name": name, "uid": uid}


def _star(epoch: int, mean: float) -> dict[str, object]:
    """What it stands for is said in the legend, where it covers nothing."""
    marker = {"symbol": "star", "size": 14, "color": theme.BEST}
    point: dict[str, object] = {"x": [epoch], "y": [mean], "name": f"best epoch {epoch}: {mean:.0%}", "uid": "best"}
    return point | {"type": "scatter", "mode": "markers", "marker": marker, "hoverinfo": "skip"}


def _marks(best_epoch: int, rate_changes: Sequence[int], epoch: int | None) -> list[dict[str, object]]:
    """Lines from top to bottom: where the rate changed, the best epoch, and the one that is shown."""
    lines: list[tuple[str, float, dict[str, object]]] = []
    for change in rate_changes:
        lines.append(("rate", change - 0.5, {"color": theme.MUTED, "width": 1, "dash": "dash"}))
    lines.append(("best", best_epoch, {"color": theme.BEST, "width": 1.5, "dash": "dot"}))
    if epoch is not None and epoch != best_epoch:
        lines.append(("shown", epoch, {"color": theme.SELECTED, "width": 1.5}))
    return [
        {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line, "name": name}
        for name, x, line in lines
    ]
