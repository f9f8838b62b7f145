"""One picture's way through the epochs: a lane for each class that it was taken for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.trajectory import Trajectory
from dhc.figures import theme

LANES = 5  # with more classes than this the rarest share the last lane
GAPS_UP_TO = 60  # epochs; with more, gaps would eat the cells


def lanes(trajectory: Trajectory, names: Sequence[str]) -> go.Figure:
    """The true class's lane on top, then the others, the most frequent first; a mark wherever an epoch said so.

    names: K class names, all different. The epoch whose network was kept has a dotted line. Lanes and not colours alone
    tell right from wrong.
    """
    rows = lane_classes(trajectory)
    shown = len(rows) if len(rows) <= LANES else LANES - 1
    place = {c: min(row, shown) for row, c in enumerate(rows)}
    labels = [theme.escape_html(names[c]) for c in rows[:shown]]
    if shown < len(rows):
        labels.append(f"{len(rows) - shown} other classes")
    figure = theme.figure(x="epoch", y="")
    figure.add_trace(_marks(trajectory, [place[c] for c in trajectory.predicted], labels, names))
    figure.add_vline(x=trajectory.best_epoch, line={"color": theme.SELECTED, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(range=[0.5, len(trajectory.predicted) + 0.5], showgrid=False, tickformat="d", nticks=8)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, showgrid=False,
                        range=[len(labels) - 0.5, -0.5], fixedrange=True)  # fmt: skip
    figure.update_layout(margin={"l": 8, "r": 8, "t": 2, "b": 36})
    return figure


def lane_classes(trajectory: Trajectory) -> list[int]:
    """The true class, then every other class predicted, by the number of epochs, equals by the earlier epoch."""
    counted = Counter(c for c in trajectory.predicted if c != trajectory.true)
    return [trajectory.true, *(c for c, _ in counted.most_common())]


def _marks(trajectory: Trajectory, places: Sequence[int], labels: Sequence[str], names: Sequence[str]) -> go.Heatmap:
    """A cell for each epoch, 1 where right and 0 where wrong, in its lane; nothing elsewhere."""
    epochs = len(trajectory.predicted)
    z = np.full((len(labels), epochs), np.nan, dtype=np.float32)
    hover = [[""] * epochs for _ in labels]
    for epoch, (row, c) in enumerate(zip(places, trajectory.predicted, strict=True)):
        z[row, epoch] = c == trajectory.true
        hover[row][epoch] = f"{theme.escape_html(names[c])}, {'right' if c == trajectory.true else 'wrong'}"
    return go.Heatmap(
        x=np.arange(1, epochs + 1),
        z=z,
        zmin=0,
        zmax=1,
        colorscale=[[0, theme.VAL], [1, theme.BEST]],
        showscale=False,
        xgap=1 if epochs <= GAPS_UP_TO else 0,
        ygap=3,
        hoverongaps=False,
        hovertext=hover,
        hovertemplate="after epoch %{x}: %{hovertext}<extra></extra>",
        uid="verdicts",
    )
