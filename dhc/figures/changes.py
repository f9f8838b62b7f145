"""What a person changed while a network trained, as marks on its curves: a line, a diamond that says it, and the words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dhc.figures import junction
from dhc.runs.course import change_text

COACH = 3  # lines that the coach's numbers take at the bottom of a chart
MOST_TEXTS = 3  # that stand beside their lines; of more, the diamonds tell
SYMBOL = "diamond"


def mark(
    figure: go.Figure,
    steps: Mapping[int, Mapping[str, tuple[float, float]]],
    *,
    length: float,
    high: bool = False,
    level: int = 0,
) -> None:
    """Draw a line where each change begins, at the end of the epoch before, with what was set from which value to which.

    steps: by the first epoch (from 1) that each holds for. length: of the axis, in epochs. `high` writes the words at the top,
    `level` lines below what stands there. Needs a second y axis from 0 to 1. Nothing is drawn where there is no change.
    """
    if not steps:
        return
    level += 0 if high else COACH
    if len(steps) > MOST_TEXTS:
        junction.draw_bare_lines(figure, [epoch - 1 for epoch in steps])
    else:
        for number, (epoch, step) in enumerate(steps.items(), start=level):
            text = change_text(step)
            junction.draw_line(figure, epoch - 1, text, left=epoch - 1 < length / 2, high=high, level=number)
    figure.add_trace(
        go.Scatter(
            x=np.array(list(steps)) - 1,
            y=np.ones(len(steps), dtype=np.float32),
            yaxis="y2",
            mode="markers",
            marker={"symbol": SYMBOL, "size": 10, "color": junction.COLOR},
            customdata=[f"changed from epoch {epoch} on: {change_text(step)}" for epoch, step in steps.items()],
            hovertemplate="%{customdata}<extra></extra>",
            name="change",
            uid="changes",
            showlegend=False,
            cliponaxis=False,
        )
    )
