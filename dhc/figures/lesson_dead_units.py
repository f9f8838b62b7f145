"""The share of dead units of each layer by epoch, of several runs side by side and in the same colours."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.layers import LayerTable
from dhc.figures import theme
from dhc.figures.layers import edges
from dhc.figures.palette import faint

NOTE = 16  # letters of a line of a note
GAP = 0.03  # between two panels, of the figure's width


@dataclass(frozen=True, eq=False)
class Panel:
    """One run: its title, its table, or the sentence that stands in the place of one."""

    title: str
    table: LayerTable | None
    note: str = ""


def relu_layers(table: LayerTable) -> list[int]:
    """The rows of the layers that can have dead units: those with a share after any look."""
    return np.flatnonzero(np.isfinite(table.figures["dead_share"]).any(axis=1)).tolist()


def worst(table: LayerTable) -> tuple[str, float]:
    """The layer with the most dead units after the last look, and their share. Raises ValueError where there is no ReLU."""
    rows = relu_layers(table)
    shares = table.figures["dead_share"][rows, -1]
    place = int(np.nanargmax(shares))
    return table.names[rows[place]], float(shares[place])


def panels(runs: Sequence[Panel], layers: Sequence[str], labels: Mapping[str, str]) -> go.Figure:
    """A heatmap for each run, its `layers` from the top. labels: epoch, share, and hover, a template with %{y}, %{x}, %{z}."""
    figure = theme.figure(x="", y="")
    width = (1 - GAP * (len(runs) - 1)) / len(runs)
    for number, panel in enumerate(runs):
        suffix = str(number + 1) if number else ""
        left = number * (width + GAP)
        figure.layout[f"xaxis{suffix}"] = {
            "domain": [left, left + width],
            "anchor": f"y{suffix}",
            "title": {"text": labels["epoch"]},
            "showgrid": False,
            **theme.epoch_ticks(0 if panel.table is None else panel.table.epochs[-1], 5),
        }
        figure.layout[f"yaxis{suffix}"] = _layers_axis(layers, suffix, has_names=not number)
        if panel.table is not None:
            figure.add_trace(_heatmap(panel.table, layers, suffix, labels))
        else:
            _veil(figure, left, left + width)
            _note(
                figure,
                "<br>".join(textwrap.wrap(panel.note, NOTE)),
                left + width / 2,
                0.5,
                "middle",
                size=16 if panel.note[1:] else 48,
            )
            figure.layout[f"xaxis{suffix}"].update(visible=False)
            nothing = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "showlegend": False, "hoverinfo": "skip"}
            figure.add_trace(go.Scatter(x=[None], y=[layers[0]], **nothing))
        _note(figure, f"<b>{panel.title}</b>", left, 1.0, "bottom", "left")
    figure.update_layout(hovermode="closest", margin={"l": 8, "r": 8, "t": 30, "b": 44})
    return figure


def _heatmap(table: LayerTable, layers: Sequence[str], suffix: str, labels: Mapping[str, str]) -> go.Heatmap:
    rows = [table.names.index(name) if name in table.names else -1 for name in layers]
    shares = np.array([table.figures["dead_share"][row] if row >= 0 else [np.nan] * len(table.epochs) for row in rows])
    return go.Heatmap(
        x=edges(table.epochs),
        y=list(layers),
        z=theme.numbers(shares),
        customdata=np.tile(np.array(table.epochs, np.int32), (len(layers), 1)),
        zmin=0,
        zmax=1,
        xaxis=f"x{suffix}",
        yaxis=f"y{suffix}",
        showscale=not suffix,
        colorbar={
            "title": {"text": labels["share"], "side": "right"},
            "tickformat": ".0%",
            "outlinewidth": 0,
            "thickness": 12,
        },
        hovertemplate=f"{labels['hover']}<extra></extra>",
        xgap=1,
        ygap=1,
        uid=f"dead{suffix}",
    )


def _layers_axis(layers: Sequence[str], suffix: str, *, has_names: bool) -> dict[str, object]:
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": list(reversed(layers)),
        "range": [-0.5, len(layers) - 0.5],
        "anchor": f"x{suffix}",
        "title": {"text": ""},
        "tickmode": "linear",
        "showticklabels": has_names,
        "showgrid": False,
        "fixedrange": True,
    }


def _veil(figure: go.Figure, left: float, right: float) -> None:
    figure.add_shape(
        type="rect",
        x0=left,
        x1=right,
        y0=0,
        y1=1,
        xref="paper",
        yref="paper",
        fillcolor=faint(theme.MUTED, 0.14),
        line={"width": 0},
        layer="below",
    )


def _note(
    figure: go.Figure, text: str, x: float, y: float, yanchor: str, xanchor: str = "center", size: int = 14
) -> None:
    figure.add_annotation(
        text=text,
        x=x,
        y=y,
        xref="paper",
        yref="paper",
        xanchor=xanchor,
        yanchor=yanchor,
        showarrow=False,
        font={"size": size},
    )
