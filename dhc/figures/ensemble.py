"""How many members of an ensemble have how many pictures right, and how alike each two of them answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.text import count_text

NUMBERS_UP_TO = 12  # runs whose table has room for figures


def right_counts(right: Sequence[int], wrong: Sequence[int], *, selected: int | None = None) -> go.Figure:
    """Bars of how many pictures 0, 1, … members have right: those that the ensemble has right, on them those that it has wrong.

    A click carries the number of members. `selected` is one whose bar is marked.
    """
    members = len(right) - 1
    figure = theme.figure(x=f"members that are right, of {members}", y="val pictures")
    for name, counts, color in (("ensemble right", right, theme.BEST), ("ensemble wrong", wrong, theme.VAL)):
        figure.add_bar(
            x=list(range(members + 1)),
            y=list(counts),
            name=name,
            marker={
                "color": color,
                "line": {
                    "color": theme.SELECTED,
                    "width": [3 if place == selected else 0 for place in range(members + 1)],
                },
            },
            customdata=list(range(members + 1)),
            hovertemplate="%{x} right: %{y:,} pictures<extra>" + name + "</extra>",
        )
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_xaxes(dtick=1, showgrid=False)
    return figure


def agreement(
    values: np.ndarray, letters: Sequence[str], names: Sequence[str], *, title: str, selected: tuple[int, int] | None
) -> go.Figure:
    """A table of two runs each as a heatmap, (R, R), the diagonal left out; NaN is a gap.

    letters: what the runs are called on the axes; names: in the hover label. A click carries customdata [i, j].
    """
    z = np.array(values, dtype=np.float64)
    np.fill_diagonal(z, np.nan)
    runs = len(letters)
    known = z[np.isfinite(z)]
    figure = theme.figure(x="", y="")
    titles = [f"{letter} {theme.escape_html(name)}" for letter, name in zip(letters, names, strict=True)]
    figure.add_trace(
        go.Heatmap(
            x=list(letters),
            y=list(letters),
            z=theme.numbers(z),
            zmin=float(known.min(initial=0.0)),
            zmax=float(known.max(initial=0.0)) or 1.0,
            customdata=[[[i, j] for j in range(runs)] for i in range(runs)],
            hovertext=[[f"{a}<br>{b}" for b in titles] for a in titles],
            hovertemplate="%{hovertext}<br>" + title + ": %{z:.3f}<extra></extra>",
            texttemplate="%{z:.2f}" if runs <= NUMBERS_UP_TO else None,
            showscale=False,
            xgap=2,
            ygap=2,
            uid="agreement",
            name="",
        )
    )
    if selected is not None:
        i, j = selected
        line = {"color": theme.SELECTED, "width": 2}
        figure.add_shape(type="rect", x0=j - 0.5, x1=j + 0.5, y0=i - 0.5, y1=i + 0.5, line=line)
    figure.update_xaxes(type="category", showgrid=False, side="top")
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    figure.update_layout(hovermode="closest", margin={"t": 28, "b": 8, "l": 32, "r": 8})
    return figure


def right_counts_alt(right: Sequence[int], wrong: Sequence[int]) -> str:
    """The same bars in words."""
    parts = [
        f"{place} right: {count_text(a + b, 'picture')}" for place, (a, b) in enumerate(zip(right, wrong, strict=True))
    ]
    return f"Val pictures by how many of {len(right) - 1} members have them right: {', '.join(parts)}"
