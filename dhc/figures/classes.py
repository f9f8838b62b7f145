"""The classes of a data set as bars: how many pictures each has in each split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dhc.figures import theme

COLORS = {"train": theme.TRAIN, "val": theme.VAL, "test": theme.BEST}
ROW, MARGIN = 110, 120  # CSS pixels of one split's bars; of the axis with its names


def class_bars(names: Sequence[str], counts: Mapping[str, np.ndarray]) -> go.Figure:
    """A row of bars for each split, one bar a class, all above the same axis of classes.

    names: K, all different. counts: split → (K,) pictures; each split has its own scale, since train's would hide val's.
    Bars carry their class's number as customdata.
    """
    figure = make_subplots(rows=len(counts), shared_xaxes=True, vertical_spacing=0.06)
    labels = [theme.escape_html(name) for name in names]
    for row, (split, numbers) in enumerate(counts.items(), 1):
        bars = go.Bar(
            x=labels,
            y=theme.numbers(numbers),
            customdata=list(range(len(labels))),
            marker={"color": COLORS.get(split, theme.MUTED)},
            name=split,
            uid=split,
            hovertemplate=f"%{{x}}<br>{split}: %{{y:,}}<extra></extra>",
        )
        figure.add_trace(bars, row=row, col=1)
        ticks = {"dtick": 1} if numbers.max(initial=0) < 4 else {"nticks": 4}  # pictures are whole
        figure.update_yaxes(title=split, rangemode="tozero", row=row, col=1, **ticks)
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_layout(
        template=theme.template(), uirevision="keep", showlegend=False, bargap=0.15, margin={"t": 8, "r": 8, "b": 8}
    )
    return figure


def height(splits: int) -> int:
    """CSS pixels in which so many splits can be read."""
    return ROW * splits + MARGIN
