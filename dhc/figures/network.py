"""A network drawn as blocks: height and depth follow its maps' sides, width its channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dhc.analysis.network import NetworkLayer, field_text, shape_text
from dhc.figures import theme
from dhc.text import amount_text, counted

HEIGHT = 230  # CSS pixels
SKIP = "#8a5cf0"  # the colour of a skip and of where it is added
# Layers with a block: the others change no shape, and add nothing to the maps.
DRAWN = ("resize", "conv", "pool", "add", "average", "dense")
COLORS = {
    **{"input": theme.MUTED, "resize": theme.MUTED, "conv": theme.TRAIN, "pool": theme.VAL, "average": theme.VAL},
    "add": SKIP,
}
TITLES = {
    "input": "picture",
    "resize": "smaller picture",
    "conv": "convolution",
    "pool": "pooling",
    "add": "skip added",
    "average": "mean of each map",
    "dense": "dense",
}
# Lengths are roots of the numbers: in true proportion the last maps would be points beside the first.
SIDE_POWER, CHANNEL_POWER = 0.6, 0.4
TALLEST = 100.0  # of a block, the picture's, in units of the drawing
DEEP = 0.1  # of its height: how far its top and its side lead back
GAP, ROOM = 5.0, 19.0  # between two blocks, and from one block's label to the next, at least
WIDER = 1.2  # the room of `dense 4`, a longer word than the others
ARC = 18.0  # how far a skip leads above the blocks
END = 0.75  # of that room, on either side of the drawing
MOST_NAMES = 24  # of units, beside one another
FOOT = -TALLEST / 2 - 4  # where labels begin


@dataclass(frozen=True)
class Block:
    """One block: where it begins, its width and height; `place` is its layer's, -1 the picture's."""

    place: int
    kind: str
    label: str
    hover: str
    left: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Of its front, from left to right."""
        return self.left + self.width / 2

    @property
    def depth(self) -> float:
        """How far it leads back."""
        return DEEP * self.height


def blocks(layers: Sequence[NetworkLayer], side: int = 64) -> tuple[Block, ...]:
    """The blocks of a network's layers from left to right, the picture first."""
    picture: tuple[int, ...] = (side, side, 3)
    drawn = [(-1, "input", f"picture<br>{side}×{side}<br>×3", "the picture", picture)]
    drawn += [
        (layer.place, layer.kind, _label(layer), _hover(layer), layer.shape) for layer in layers if layer.kind in DRAWN
    ]
    row: list[Block] = []
    left = 0.0
    for place, kind, label, hover, shape in drawn:
        maps = shape if len(shape) == 3 else (1, 1, *shape)
        height, width = TALLEST * (maps[0] / side) ** SIDE_POWER, float(maps[2]) ** CHANNEL_POWER
        room = WIDER * ROOM if kind == "dense" else ROOM
        margin = max(0.0, room - width) / 2
        row.append(Block(place, kind, label, hover, left + margin, width, height))
        left += max(room, width + GAP)
    return tuple(row)


def drawing(layers: Sequence[NetworkLayer], chosen: int | None = None) -> go.Figure:
    """The blocks as a figure; that of the layer at place `chosen` is outlined. A click on one carries its place as customdata."""
    row = blocks(layers)
    figure = theme.figure(x="", y="")
    for kind, title in TITLES.items():
        same = [block for block in row if block.kind == kind]
        if same:
            figure.add_trace(_bars(same, title))
    figure.add_trace(_labels(row))
    figure.update_layout(
        shapes=[
            *(shape for block in row for shape in _back(block)),
            *(_arc(row, layer.skipped, layer.place) for layer in layers if layer.skipped is not None),
            *_outline(row, chosen),
        ],
        bargap=0,
        barmode="overlay",
        hovermode="closest",
        margin={"l": 4, "r": 4, "t": 22, "b": 0},
        legend={"itemclick": False, "itemdoubleclick": False},
    )
    ends = [
        row[0].middle - END * ROOM,
        row[-1].middle + END * ROOM,
    ]  # so that the outer labels stand whole, in Present, too
    figure.update_xaxes(visible=False, range=ends, fixedrange=True)
    figure.update_yaxes(visible=False, range=[FOOT - 38, TALLEST / 2 + DEEP * TALLEST + 1], fixedrange=True)
    return figure


def vector(values: np.ndarray, names: Sequence[str] = ()) -> go.Figure:
    """A layer's output that is no map, (C,) float32, as bars; `names` of the units, where they have some."""
    figure = theme.figure(x="unit", y="value")
    text = [theme.escape_html(name) for name in names] or [f"unit {counted(unit)}" for unit in range(len(values))]
    figure.add_trace(
        go.Bar(
            x=np.arange(1, len(values) + 1),
            y=theme.numbers(values),
            text=text,
            textposition="none",
            marker={"color": theme.TRAIN, "line": {"width": 0}},
            hovertemplate="%{text}: %{y:.4g}<extra></extra>",
        )
    )
    if 0 < len(names) <= MOST_NAMES:
        figure.update_xaxes(tickvals=list(range(1, len(names) + 1)), ticktext=text, title=None)
    figure.update_layout(showlegend=False, bargap=0 if len(values) > 200 else 0.1)
    return figure


def _label(layer: NetworkLayer) -> str:
    if not layer.has_maps:
        return f"{layer.name}<br>{shape_text(layer.shape)}"
    return f"{layer.name}<br>{layer.shape[0]}×{layer.shape[1]}<br>×{layer.shape[2]:,}"


def _hover(layer: NetworkLayer) -> str:
    cost = (
        f"{amount_text(layer.parameters)} parameters, {amount_text(layer.flops)} FLOPs<br>" if layer.parameters else ""
    )
    return f"<b>{layer.name}</b>: {layer.words}<br>output {shape_text(layer.shape)}<br>{cost}a unit sees {field_text(layer)}"


def _bars(same: Sequence[Block], title: str) -> go.Bar:
    return go.Bar(
        x=[block.middle for block in same],
        y=[block.height for block in same],
        base=[-block.height / 2 for block in same],
        width=[block.width for block in same],
        customdata=[block.place for block in same],
        text=[block.hover for block in same],
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
        name=title,
        marker={"color": COLORS.get(same[0].kind, theme.BEST), "line": {"width": 0}},
    )


def _outline(row: Sequence[Block], chosen: int | None) -> list[dict[str, object]]:
    """A frame around the chosen layer's block; for one that has none, around that of the layer before, whose output it changes."""
    before = [block for block in row if chosen is not None and block.place <= chosen]
    if not before:
        return []
    block, margin = before[-1], 1.5
    top = block.height / 2 + block.depth
    ends = {
        "x0": block.left - margin,
        "x1": block.left + block.width + block.depth + margin,
        "y0": -block.height / 2 - margin,
        "y1": top + margin,
    }
    return [{"type": "rect", **ends, "line": {"color": theme.SELECTED, "width": 2}}]


def _arc(row: Sequence[Block], start: int, end: int) -> dict[str, object]:
    """The way of a skip, above the blocks: from the layer at the place `start`, whose output it takes, to where that is added."""
    source = [block for block in row if block.place <= start][-1]
    target = next(block for block in row if block.place == end)
    low, high = (block.height / 2 + block.depth + 1 for block in (target, source))
    top = max(low, high) + ARC
    path = f"M{source.middle},{high} C{source.middle},{top} {target.middle},{top} {target.middle},{low}"
    return {"type": "path", "path": path, "line": {"color": SKIP, "width": 2}}


def _labels(row: Sequence[Block]) -> go.Scatter:
    return go.Scatter(
        x=[block.middle for block in row],
        y=[FOOT] * len(row),
        text=[block.label for block in row],
        mode="text",
        textposition="bottom center",
        textfont={"size": 10},
        hoverinfo="skip",
        showlegend=False,
    )


def _back(block: Block) -> list[dict[str, object]]:
    """The top and the right side of a block, as shapes."""
    left, right = block.left, block.left + block.width
    low, high, deep = -block.height / 2, block.height / 2, block.depth
    top = f"M{left},{high} L{left + deep},{high + deep} L{right + deep},{high + deep} L{right},{high} Z"
    side = f"M{right},{high} L{right + deep},{high + deep} L{right + deep},{low + deep} L{right},{low} Z"
    color = COLORS.get(block.kind, theme.BEST)
    common = {"type": "path", "fillcolor": color, "line": {"width": 0}, "layer": "below"}
    return [{**common, "path": top, "opacity": 0.45}, {**common, "path": side, "opacity": 0.65}]
