"""What the network thought of one picture: its most probable classes as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.text import fine_percent_text


def probabilities(names: Sequence[str], p: Sequence[float] | np.ndarray, true_name: str) -> go.Figure:
    """One horizontal bar per class, the first on top, in the order given (`mistakes.top_k` ranks them).

    p: as many probabilities, 0 to 1. The true class has a colour and the word "true" of its own; when it is not among
    the names, no bar has.
    """
    figure = theme.figure(x="probability", y="")
    labels = [theme.escape_html(name) for name in names]
    chances = theme.numbers(np.asarray(p))
    right = [name == true_name for name in names]
    figure.add_trace(
        go.Bar(
            x=chances,
            y=labels,
            orientation="h",
            marker={"color": [theme.BEST if is_true else theme.MUTED for is_true in right]},
            text=[
                fine_percent_text(float(chance)) + (" ✓ true" if is_true else "")
                for chance, is_true in zip(chances, right, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(range=[0, 1.2], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    figure.update_layout(bargap=0.3)
    return figure
