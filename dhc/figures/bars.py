"""The most probable classes of one picture as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.text import percent_text


def probability_bars(names: Sequence[str], probabilities: Sequence[float] | np.ndarray, true_name: str) -> go.Figure:
    """A horizontal bar for each class, the first on top (`mistakes.top_k` ranks them).

    probabilities: one for each name, 0 to 1. The true class has a colour and the word "true" of its own; when it is not
    among the names, no bar has.
    """
    figure = theme.figure(x="probability", y="")
    values = theme.numbers(np.asarray(probabilities))
    is_true = [name == true_name for name in names]
    texts = [percent_text(float(value)) for value in values]
    figure.add_trace(
        go.Bar(
            x=values,
            y=[theme.escape_html(name) for name in names],
            orientation="h",
            marker={"color": [theme.BEST if true else theme.MUTED for true in is_true]},
            text=[f"{text} ✓ true" if true else text for text, true in zip(texts, is_true, strict=True)],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(range=[0, 1.2], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%")
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    figure.update_layout(bargap=0.3)
    return figure
