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
    """The true class's lane on top, then the others by frequency, with a mark for each epoch.

    names: K class names, all different. The epoch whose network was kept has a dotted line. Lanes and not colours alone
    tell right from wrong.
    """
    classes = lane_classes(trajectory)
    own_lanes = len(classes) if len(classes) <= LANES else LANES - 1
    lane_of = {c: min(lane, own_lanes) for lane, c in enumerate(classes)}
    labels = [theme.escape_html(names[c]) for c in classes[:own_lanes]]
    if own_lanes < len(classes):
        labels.append(f"{len(classes) - own_lanes} other classes")
    figure = theme.figure(x="epoch", y="")
    figure.add_trace(_marks(trajectory, [lane_of[c] for c in trajectory.predicted], labels, names))
    figure.add_vline(x=trajectory.best_epoch, line={"color": theme.SELECTED, "width": 1.5, "dash": "dot"})
    epochs = len(trajectory.predicted)
    figure.update_xaxes(range=[0.5, epochs + 0.5], showgrid=False, **theme.epoch_ticks(epochs, 8))
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=labels, showgrid=False)
    figure.update_yaxes(range=[len(labels) - 0.5, -0.5], fixedrange=True)
    figure.update_layout(margin={"l": 8, "r": 8, "t": 2, "b": 36})
    return figure


def lane_classes(trajectory: Trajectory) -> list[int]:
    """The true class, then the others predicted, the most epochs first, of equals the earlier."""
    counts = Counter(c for c in trajectory.predicted if c != trajectory.true)
    return [trajectory.true, *(c for c, _ in counts.most_common())]


def _marks(trajectory: Trajectory, rows: Sequence[int], labels: Sequence[str], names: Sequence[str]) -> go.Heatmap:
    """A cell for each epoch, 1 where right and 0 where wrong, in its lane; nothing elsewhere."""
    epochs = len(trajectory.predicted)
    z = np.full((len(labels), epochs), np.nan, dtype=np.float32)
    hover = [[""] * epochs for _ in labels]
    for epoch, (row, c) in enumerate(zip(rows, trajectory.predicted, strict=True)):
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
