"""The confusion matrix as a heatmap to zoom, hover and click, of up to hundreds of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.confusion import normalize
from dhc.figures import theme
from dhc.text import count_text, fine_percent_text

GAPS_UP_TO = 40  # classes; with more, gaps would eat the cells
NUMBERS_UP_TO = 16  # classes; with more, numbers would not fit into the cells
COUNT_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
TICK_STEP = 0.13  # of the colour scale's length, between two ticks at least
SHARE_TICKS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def heatmap(
    matrix: np.ndarray,
    classes: Sequence[str],
    order: np.ndarray,
    *,
    counts: np.ndarray,
    hide_diagonal: bool = False,
    selected: tuple[int, int] | None = None,
    scale: Literal["sqrt", "linear"] = "sqrt",
    top: float | None = None,
) -> go.Figure:
    """Rows are true classes from the top, columns predicted ones, both in `order`.

    matrix     (K, K) what the colour means, counts or shares of 0 to 1; empty cells stay clear
    order      (M,) class indices, each once: all, or those to draw
    counts     (K, K) pictures, for the hover
    selected   (i, j), true and predicted class index, outlined; an empty cell can be selected
    scale      "sqrt" colours by the square root, so that single mistakes show beside a full diagonal
    top        the value of the full colour, at first the largest one drawn

    A click on a cell, filled or empty, carries customdata [i, j], the class indices whatever the order; its x and y are
    the predicted and the true class's names (HTML-escaped).
    """
    order = np.asarray(order, dtype=np.int64)
    names = [theme.escape_html(classes[c]) for c in order]
    values = np.asarray(matrix, dtype=np.float64)[np.ix_(order, order)]
    if hide_diagonal:
        np.fill_diagonal(values, 0.0)
    shares = not np.array_equal(matrix, counts)
    figure = theme.figure(x="predicted", y="true")
    top = float(values.max(initial=0.0)) if top is None else top
    sqrt = scale == "sqrt"
    figure.add_trace(drawable(_cells(values, names, order, np.asarray(counts), shares=shares, sqrt=sqrt, top=top)))
    dress_axes(figure, names)
    figure.update_layout(meta={"cells": {"text": "share" if shares else "count", "sqrt": sqrt}})
    if selected is not None:
        outline(figure, order, selected)
    return figure


def _cells(
    values: np.ndarray, names: list[str], order: np.ndarray, counts: np.ndarray, *, shares: bool, sqrt: bool, top: float
) -> go.Heatmap:
    k = len(order)
    z = np.sqrt(values) if sqrt else values
    few = k <= NUMBERS_UP_TO
    text = fine_percent_text if shares else "{:.0f}".format
    return go.Heatmap(
        x=names,
        y=names,
        z=theme.numbers(np.where(values > 0, z, np.nan)),
        zmin=0.0,
        zmax=(float(np.sqrt(top)) if sqrt else top) or 1.0,
        customdata=np.stack(np.meshgrid(order, order, indexing="ij"), axis=-1).astype(np.min_scalar_type(len(counts))),
        hovertext=_hover_texts(counts, order),
        hovertemplate="true <b>%{y}</b> → predicted <b>%{x}</b><br>%{hovertext} of %{y}<extra></extra>",
        hoverongaps=True,  # else an empty cell could be neither hovered nor clicked
        text=[[text(value) if value > 0 else "" for value in row] for row in values.tolist()] if few else None,
        texttemplate="%{text}" if few else None,
        xgap=1 if k <= GAPS_UP_TO else 0,
        ygap=1 if k <= GAPS_UP_TO else 0,
        colorbar=_colorbar(top, shares=shares, sqrt=sqrt),
        name="",
        uid="cells",
    )


def drawable(cells: go.Heatmap) -> go.Heatmap:
    """The trace, with clear cells if none is filled: Plotly fails at a heatmap of gaps alone."""
    if np.isnan(cells.z).all():
        cells.update(z=np.zeros_like(cells.z), colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]], showscale=False)
    return cells


def _hover_texts(counts: np.ndarray, order: np.ndarray) -> list[list[str]]:
    """``5 pictures, 31%`` for each cell in `order`, ``none`` for an empty one.

    The template adds "of" and the true class.
    """
    cells = np.ix_(order, order)
    rows = zip(counts[cells].tolist(), normalize(counts, "true")[cells].tolist(), strict=True)
    return [[_cell_text(count, share) for count, share in zip(*row, strict=True)] for row in rows]


def _cell_text(count: int, share: float) -> str:
    return f"{count_text(count, 'picture')}, {fine_percent_text(share)}" if count else "none"


def _colorbar(top: float, *, shares: bool, sqrt: bool) -> dict[str, Any]:
    ticks = _apart([tick for tick in (SHARE_TICKS if shares else COUNT_TICKS) if tick <= top], top, sqrt=sqrt)
    return {
        "title": {"text": "share" if shares else "pictures", "side": "right"},
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "len": 0.5,
        "tickvals": [float(np.sqrt(tick)) if sqrt else tick for tick in ticks],
        "ticktext": [fine_percent_text(tick) if shares else str(tick) for tick in ticks],
    }


def _apart(ticks: Sequence[float], top: float, *, sqrt: bool) -> list[float]:
    """Those of the ascending ticks that stand far enough from the one before to be read on a short scale."""
    apart: list[float] = []
    for tick in ticks:
        share, before = ((value / top) ** (0.5 if sqrt else 1) for value in (tick, apart[-1] if apart else 0))
        if not apart or share - before >= TICK_STEP:
            apart.append(tick)
    return apart


def dress_axes(figure: go.Figure, names: list[str]) -> None:
    """Square cells; every name written out where there is room for it, which zooming in makes."""
    k = len(names)
    font = {"size": 8 if k > 60 else 10} if k > 24 else None
    # An axis of categories thins its labels by itself and brings them back when zoomed; tick texts would overlap.
    common = {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names,
        "showgrid": False,
        "showline": True,
        "mirror": True,
        "tickfont": font,
        "constrain": "domain",
        "ticks": "",
    }
    figure.update_xaxes(**common, tickangle=-90 if k > 24 or (k > 8 and max(map(len, names)) > 4) else None)
    figure.update_yaxes(**common, autorange="reversed", scaleanchor="x")


def outline(figure: go.Figure, order: np.ndarray, selected: tuple[int, int]) -> None:
    """A frame around a cell, and faint bands along its row and column, which lead the eye to it.

    Nothing where the cell is not drawn.
    """
    k = len(order)
    if not np.isin(selected, order).all():
        return
    row, column = (int(np.flatnonzero(order == c)[0]) for c in selected)
    band = {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": theme.SELECTED, "opacity": 0.15}
    frame = {"type": "rect", "line": {"color": theme.SELECTED, "width": 2.5}}
    figure.layout.shapes = [
        {**band, "x0": -0.5, "x1": k - 0.5, "y0": row - 0.5, "y1": row + 0.5, "name": "row"},
        {**band, "x0": column - 0.5, "x1": column + 0.5, "y0": -0.5, "y1": k - 0.5, "name": "column"},
        {**frame, "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5, "name": "selected"},
    ]
