"""The cell that decided: where it stands among a layer's cells, and what of the picture it sees."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme

Say = Callable[..., str]  # the lesson's words
Span = tuple[int, int]


def cell(
    picture: str, side: int, heat: np.ndarray, at: tuple[int, int], rows: Span, columns: Span, *, say: Say
) -> go.Figure:
    """Left the picture, a data URI of `side` pixels a side, with what the cell sees framed; right the layer's cells (h, w), the one that decided framed.

    rows, columns: the first pixel that the cell sees, and the one behind the last. say: the labels picture, cells, hover.
    """
    figure = theme.figure(x="", y="")
    corner = {"x": -0.5, "y": -0.5, "xref": "x", "yref": "y", "xanchor": "left", "yanchor": "top"}
    figure.add_layout_image(source=picture, sizex=side, sizey=side, sizing="stretch", layer="below", **corner)
    figure.add_trace(
        go.Scatter(x=[0, side - 1], y=[0, side - 1], mode="markers", marker={"opacity": 0}, hoverinfo="skip")
    )
    height, width = heat.shape
    hovers = [[say("hover", row=r + 1, column=c + 1) for c in range(width)] for r in range(height)]
    figure.add_trace(
        go.Heatmap(
            z=np.nan_to_num(heat).astype(np.float32),
            xaxis="x2",
            yaxis="y2",
            showscale=False,
            zmin=0,
            xgap=1,
            ygap=1,
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    _frame(figure, columns, rows, "x", "y", 0.5)
    _frame(figure, (at[1], at[1] + 1), (at[0], at[0] + 1), "x2", "y2", 0.5)
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    figure.update_layout(
        xaxis=bare | {"domain": [0, 0.48], "range": [-0.5, side - 0.5], "constrain": "domain"},
        yaxis=bare | {"range": [side - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain"},
        xaxis2=bare | {"domain": [0.52, 1], "range": [-0.5, width - 0.5], "constrain": "domain", "anchor": "y2"},
        yaxis2=bare | {"range": [height - 0.5, -0.5], "scaleanchor": "x2", "constrain": "domain", "anchor": "x2"},
        uirevision="cell",
        showlegend=False,
    )
    for x, text in ((0.24, say("picture")), (0.76, say("cells", height=height, width=width))):
        figure.add_annotation(text=text, x=x, y=1.02, xref="paper", yref="paper", yanchor="bottom", showarrow=False)
    return figure


def _frame(figure: go.Figure, columns: Span, rows: Span, x: str, y: str, half: float) -> None:
    """A frame that shows on light and on dark pixels: a dark line around a bright one."""
    corners = {"x0": columns[0] - half, "x1": columns[1] - half, "y0": rows[0] - half, "y1": rows[1] - half}
    for color, width in (("#000000", 6), ("#ffd21f", 3)):
        figure.add_shape(type="rect", xref=x, yref=y, line={"color": color, "width": width}, **corners)
