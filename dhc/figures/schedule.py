"""The learning rate as planned, before a run is started."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import theme
from dhc.figures.curves import rate_steps


def planned_rates(rates: Sequence[float]) -> go.Figure:
    """The learning rate of each epoch as steps; rates[0] is that of epoch 1 and runs from x = 0 to x = 1."""
    figure = theme.figure(x="epoch", y="learning rate")
    planned = np.asarray(rates, dtype=np.float64)
    figure.add_trace(rate_steps(np.arange(len(planned) + 1)[: 2 * len(planned)], np.append(planned, planned[-1:])))
    figure.update_xaxes(range=[0, 1.02 * max(len(planned), 1)])
    figure.update_yaxes(rangemode="tozero")
    return figure
