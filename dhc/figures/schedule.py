"""The learning rate as planned, before a run is started."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.curves import rate_steps


def planned_rates(rates: Sequence[float]) -> go.Figure:
    """The learning rate of each epoch as steps; rates[0], of epoch 1, runs from x = 0 to x = 1."""
    figure = theme.figure(x="epoch", y="learning rate")
    y = np.asarray(rates, dtype=np.float64)
    figure.add_trace(rate_steps(np.arange(len(y) + 1)[: 2 * len(y)], np.append(y, y[-1:])))
    figure.update_xaxes(range=[0, 1.02 * max(len(y), 1)])
    figure.update_yaxes(rangemode="tozero", **theme.RATES)
    return figure
