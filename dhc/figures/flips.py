"""The difference of two confusion matrices: what run B says more often than run A, and less."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.confusion import GAPS_UP_TO, NUMBERS_UP_TO, drawable, dress_axes, outline
from dhc.text import count_text

# Blue and orange are apart for red-blind and green-blind eyes; the middle is nearly clear, so that it suits any page.
LESS, MORE = (47, 127, 214), (217, 115, 13)  # theme.TRAIN and theme.VAL
OUTLINE = "#8a5cf0"
FAINT = 0.12  # opacity of the middle


def difference_heatmap(
    a: np.ndarray, b: np.ndarray, classes: Sequence[str], order: np.ndarray, *, selected: tuple[int, int] | None = None
) -> go.Figure:
    """B's matrix minus A's: true classes from the top, predicted ones from the left, in `order`.

    a, b: (K, K) counts of the same pictures. order: (K,) permutation of class indices. selected: (i, j), outlined.
    More of B is orange, less is blue, no change is clear, also where both have pictures. A click on any cell carries
    customdata [i, j].
    """
    order = np.asarray(order, dtype=np.int64)
    names = [theme.escape_html(classes[c]) for c in order]
    cells = np.ix_(order, order)
    figure = theme.figure(x="predicted", y="true")
    figure.add_trace(drawable(_cells(np.asarray(a)[cells], np.asarray(b)[cells], names, order)))
    dress_axes(figure, names)
    figure.update_layout(meta={"cells": {"text": "signed", "sqrt": True}})
    if selected is not None:
        outline(figure, order, selected)
        _keep_apart(figure)
    return figure


def _keep_apart(figure: go.Figure) -> None:
    """The outline in colours of its own: its usual orange would read as more pictures."""
    figure.update_shapes(fillcolor=theme.MUTED, selector={"type": "rect", "layer": "below"})
    figure.update_shapes(line_color=OUTLINE, selector={"name": "selected"})


def scale() -> list[list[float | str]]:
    """From full blue over nearly clear to full orange."""
    low, high = (f"{red},{green},{blue}" for red, green, blue in (LESS, MORE))
    return [
        [0.0, f"rgba({low},1)"],
        [0.4999, f"rgba({low},{FAINT})"],
        [0.5001, f"rgba({high},{FAINT})"],
        [1.0, f"rgba({high},1)"],
    ]


def _cells(a: np.ndarray, b: np.ndarray, names: list[str], order: np.ndarray) -> go.Heatmap:
    k = len(order)
    difference = (b - a).astype(np.int64)
    # By the square root, so that single pictures show beside the diagonal's dozens.
    z = np.sign(difference) * np.sqrt(np.abs(difference))
    top = float(np.abs(z).max(initial=0.0)) or 1.0
    few = k <= NUMBERS_UP_TO
    return go.Heatmap(
        x=names,
        y=names,
        z=theme.numbers(np.where(difference != 0, z, np.nan)),
        zmin=-top,
        zmax=top,
        colorscale=scale(),
        customdata=np.stack(np.meshgrid(order, order, indexing="ij"), axis=-1).astype(np.min_scalar_type(k)),
        hovertext=_hover_texts(a, b),
        hovertemplate="true <b>%{y}</b> → predicted <b>%{x}</b><br>%{hovertext}<extra></extra>",
        hoverongaps=True,  # else a cell without change could be neither hovered nor clicked
        text=[[f"{value:+d}" if value else "" for value in row] for row in difference.tolist()] if few else None,
        texttemplate="%{text}" if few else None,
        xgap=1 if k <= GAPS_UP_TO else 0,
        ygap=1 if k <= GAPS_UP_TO else 0,
        colorbar=_colorbar(int(np.abs(difference).max(initial=0))),
        name="",
        uid="cells",
    )


def _hover_texts(a: np.ndarray, b: np.ndarray) -> list[list[str]]:
    """``A 5 pictures, B 8: 3 more, better``: colours cannot say which change is for the better."""
    return [
        [_cell_text(of_a, of_b, i == j) for j, (of_a, of_b) in enumerate(zip(row_a, row_b, strict=True))]
        for i, (row_a, row_b) in enumerate(zip(a.tolist(), b.tolist(), strict=True))
    ]


def _cell_text(a: int, b: int, right: bool) -> str:
    if a == b:
        return f"A and B {count_text(a, 'picture')} each" if a else "none"
    change = f"{b - a} more" if b > a else f"{a - b} fewer"
    return f"A {count_text(a, 'picture')}, B {b}: {change}, {'better' if (b > a) == right else 'worse'}"


def _colorbar(most: int) -> dict[str, object]:
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if tick <= most][-2:]
    signed_ticks = [-tick for tick in reversed(ticks)] + ([0] if ticks else []) + ticks
    return {
        "title": {"text": "pictures, B − A", "side": "right"},
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "len": 0.6,
        "tickvals": [float(np.sign(tick) * np.sqrt(abs(tick))) for tick in signed_ticks],
        "ticktext": [f"{tick:+d}" if tick else "0" for tick in signed_ticks],
    }
