"""How a network's layers fare: small heatmaps of layer by epoch, and histograms of one layer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.layers import LayerTable
from dhc.figures import theme
from dhc.runs.histograms import KINDS, Histograms

GAP = 0.022  # between two heatmaps, of the figure's width
CLEAR = "rgba(133,129,153,0.22)"  # the middle of a scale with two ends, over any page
ENDS = [[0.0, theme.TRAIN], [0.5, CLEAR], [1.0, theme.VAL]]
ROW = 11  # CSS pixels of a layer
FOOT = 96  # of titles and axes
LOW, HIGH = 1e-12, 1e12  # beyond, a logarithm only spoils the scale
DECADES = 5  # that a scale of powers of ten spans at most: the 0 of a dead layer would leave the others no difference
Scale = Literal["ratio", "log", "share", "around zero"]


@dataclass(frozen=True)
class Panel:
    """One heatmap: its figure in `LayerTable`, its title, how its values are coloured."""

    figure: str
    title: str
    scale: Scale


PANELS = (
    Panel("update_ratio", "update ratio", "ratio"),
    Panel("gradient_norm", "gradient norm", "log"),
    Panel("dead_share", "dead units", "share"),
    Panel("mean", "mean", "around zero"),
    Panel("std", "spread", "log"),
)
SOFTMAX = (
    f"softmax: <span style='color:{theme.TRAIN}'>largest</span>, <span style='color:{theme.VAL}'>above 0.99</span>"
)
Limits = Mapping[str, tuple[float, float]]


def height(table: LayerTable, columns: int) -> int:
    """How high the strip is with so many heatmaps in a row, in CSS pixels."""
    rows = -(-(len(PANELS) + 1) // columns)
    return rows * max(150, ROW * len(table.names)) + rows * FOOT // 2 + FOOT // 2


def limits(tables: Sequence[LayerTable]) -> Limits:
    """Where each colour scale begins and ends, so that it is one for all these tables."""
    return {panel.figure: _limits(panel, [table.figures[panel.figure] for table in tables]) for panel in PANELS}


def strip(table: LayerTable, of_all: Limits, columns: int = 6, chosen: tuple[str, int] | None = None) -> go.Figure:
    """A heatmap for each figure, layers from the top, and a plot of the softmax; `chosen` (layer, epoch) is outlined, at the nearest look.

    A click on a heatmap carries y, the layer's name, and as customdata the epoch. A cell is as wide as the way to the looks beside it.
    """
    figure = theme.figure(x="", y="")
    rows = -(-(len(PANELS) + 1) // columns)
    for number, panel in enumerate(PANELS):
        figure.add_trace(_heatmap(panel, table, of_all[panel.figure], number))
        _place(figure, number, panel.title, rows, columns, table.epochs[-1])
        _layers_axis(figure, number, table, is_first=number % columns == 0)
    _add_softmax(figure, table)
    _place(figure, len(PANELS), SOFTMAX, rows, columns, table.epochs[-1])
    if chosen is not None:
        _outline(figure, table, chosen)
    figure.update_layout(showlegend=False, hovermode="closest", margin={"l": 8, "r": 8, "t": 26, "b": 34})
    return figure


def histogram(histograms: Histograms, layer: str, epochs: Mapping[str, int]) -> go.Figure:
    """A layer's weights and activations after some epochs, each named by what it is: ``{"best": 7}``.

    Densities, so that those of different ranges compare; of activations on a logarithmic axis, since most ReLUs are 0.
    """
    figure = theme.figure(x="weights", y="density")
    row = histograms.layers.index(layer)
    colors = (theme.SELECTED, theme.MUTED, theme.BEST, theme.TRAIN)
    for number, kind in enumerate(KINDS):
        for (name, epoch), color in zip(epochs.items(), colors, strict=False):
            place = histograms.epochs.index(epoch)
            x, y = _density(histograms.counts[kind][place, row], histograms.ranges[kind][place, row])
            figure.add_trace(
                go.Scatter(
                    x=theme.numbers(x),
                    y=theme.numbers(np.where(y > 0, y, np.nan) if number else y),
                    mode="lines",
                    line={"shape": "hvh", "color": color, "width": 2, "dash": "solid" if color == colors[0] else "dot"},
                    name=f"{name}: epoch {epoch}",
                    legendgroup=name,
                    showlegend=not number,
                    xaxis=f"x{number + 1 if number else ''}",
                    yaxis=f"y{number + 1 if number else ''}",
                    hovertemplate="%{x:.3g}: %{y:.3g}",
                )
            )
    figure.update_layout(
        xaxis={"domain": [0, 0.47]},
        xaxis2={"domain": [0.53, 1], "anchor": "y2", "title": "activations on the probe's pictures"},
        yaxis2={"anchor": "x2", "type": "log", "tickformat": "~g", "dtick": 1},
    )
    return figure


def edges(epochs: Sequence[int]) -> list[float]:
    """Where the cells of E epochs begin and, at last, end: E + 1 numbers, midway between two looks."""
    inner = [(one + other) / 2 for one, other in itertools.pairwise(epochs)]
    return [epochs[0] - 0.5, *inner, epochs[-1] + 0.5]


def _density(counts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bins' middles and densities, with an empty bin before and behind."""
    low, high = float(ends[0]), float(ends[1])
    width = (high - low) / len(counts) or max(abs(low), 1.0) * 1e-3
    total = float(counts.sum()) or 1.0
    x = low + width * (np.arange(-1, len(counts) + 1) + 0.5)
    return x, np.concatenate([[0.0], counts / total / width, [0.0]])


def _limits(panel: Panel, values: Sequence[np.ndarray]) -> tuple[float, float]:
    if panel.scale == "share":
        return 0.0, 1.0
    if panel.scale == "ratio":
        return -6.0, 0.0  # a thousandth, as it should be, is the middle
    drawn = np.concatenate([_drawn(panel.scale, one).ravel() for one in values])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return 0.0, 1.0
    if panel.scale == "around zero":
        top = float(np.abs(drawn).max()) or 1.0
        return -top, top
    low, high = max(float(drawn.min()), float(drawn.max()) - DECADES), float(drawn.max())
    return (low, high) if high > low else (low - 1, high + 1)


def _drawn(scale: Scale, values: np.ndarray) -> np.ndarray:
    """What a heatmap colours: logarithms to the base of ten, or roots for the figures around zero."""
    if scale in ("ratio", "log"):
        with np.errstate(divide="ignore"):
            logs: np.ndarray = np.log10(np.clip(values, LOW, HIGH))
        return logs
    return np.sign(values) * np.sqrt(np.abs(values)) if scale == "around zero" else values


def _heatmap(panel: Panel, table: LayerTable, ends: tuple[float, float], number: int) -> go.Heatmap:
    values = table.figures[panel.figure]
    low, high = ends
    text = [[f"{value:.3g}" if np.isfinite(value) else "no such figure" for value in row] for row in values.tolist()]
    options = {"colorscale": ENDS} if panel.scale in ("ratio", "around zero") else {}
    if not np.isfinite(values).any():  # Plotly fails at a heatmap of gaps alone
        values, options = np.zeros_like(values), {"colorscale": [[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]]}
    return go.Heatmap(
        x=edges(table.epochs),
        y=[theme.escape_html(name) for name in table.names],
        customdata=np.tile(np.array(table.epochs, np.int32), (len(table.names), 1)),
        z=theme.numbers(_drawn(panel.scale, values)),
        zmin=low,
        zmax=high,
        text=text,
        hovertemplate=f"<b>%{{y}}</b>, epoch %{{customdata}}<br>{panel.title} %{{text}}<extra></extra>",
        hoverongaps=True,
        showscale=False,
        name="",
        uid=panel.figure,
        xaxis=f"x{number + 1 if number else ''}",
        yaxis=f"y{number + 1 if number else ''}",
        **options,
    )


def _place(figure: go.Figure, number: int, title: str, rows: int, columns: int, epochs: int) -> None:
    """Put a panel where it belongs, in reading order, with its title above."""
    row, column = divmod(number, columns)
    width, tall = (1 - GAP * (columns - 1)) / columns, (1 - 0.16 * (rows - 1)) / rows
    left, top = column * (width + GAP), 1 - row * (tall + 0.16)
    suffix = str(number + 1) if number else ""
    name = f"yaxis{suffix}"
    figure.layout[f"xaxis{suffix}"] = {
        "domain": [left, left + width],
        "anchor": f"y{suffix}",
        "title": {"text": "epoch" if row == rows - 1 and not column else "", "font": {"size": 12}},
        **theme.epoch_ticks(epochs, 5),
        "showgrid": False,
    }
    figure.update_layout({name: {"domain": [top - tall, top], "anchor": f"x{suffix}", "title": {"text": ""}}})
    figure.add_annotation(
        text=f"<b>{title}</b>",
        x=left,
        y=top,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"size": 12},
    )


def _layers_axis(figure: go.Figure, number: int, table: LayerTable, *, is_first: bool) -> None:
    """The layers' names, from the top, beside the first heatmap of a row."""
    figure.update_layout(
        {
            f"yaxis{number + 1 if number else ''}": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [theme.escape_html(name) for name in reversed(table.names)],
                "range": [-0.5, len(table.names) - 0.5],
                "showticklabels": is_first,
                "tickfont": {"size": 9},
                "tickmode": "linear",
                "showgrid": False,
                "fixedrange": True,
            }
        }
    )


def _add_softmax(figure: go.Figure, table: LayerTable) -> None:
    number = len(PANELS) + 1
    lines = (
        ("largest probability", table.mean_largest, theme.TRAIN),
        ("above 0.99", table.share_certain, theme.VAL),
    )
    for name, values, color in lines:
        figure.add_trace(
            go.Scatter(
                x=list(table.epochs),
                y=theme.numbers(values),
                mode="lines+markers" if len(table.epochs) < 20 else "lines",
                line={"color": color, "width": 2},
                name=name,
                uid=name.partition(" ")[0],
                xaxis=f"x{number}",
                yaxis=f"y{number}",
                hovertemplate=f"{name}: %{{y:.2f}}<br>epoch %{{x}}<extra></extra>",
            )
        )
    figure.update_layout({f"yaxis{number}": {"range": [0, 1.02], "tickfont": {"size": 9}, "side": "right"}})


def _outline(figure: go.Figure, table: LayerTable, chosen: tuple[str, int]) -> None:
    layer, epoch = chosen
    if layer not in table.names:
        return
    before, after = edges(table.epochs)[(at := table.epochs.index(table.nearest(epoch))) : at + 2]
    row = len(table.names) - 1 - table.names.index(layer)
    for number in range(len(PANELS)):
        figure.add_shape(
            type="rect",
            x0=before,
            x1=after,
            y0=row - 0.5,
            y1=row + 0.5,
            xref=f"x{number + 1 if number else ''}",
            yref=f"y{number + 1 if number else ''}",
            line={"color": theme.SELECTED, "width": 2},
        )
