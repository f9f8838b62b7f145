"""The learning rate as planned, before a run is started or gone on with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dhc.figures import junction, theme
from dhc.figures.curves import rate_steps
from dhc.figures.junction import Joint


def planned_rates(rates: Sequence[float]) -> go.Figure:
    """The learning rate of each epoch as steps; rates[0], of epoch 1, runs from x = 0 to x = 1."""
    figure = theme.figure(x="epoch", y="learning rate")
    y = np.asarray(rates, dtype=np.float64)
    figure.add_trace(rate_steps(np.arange(len(y) + 1)[: 2 * len(y)], np.append(y, y[-1:])))
    figure.update_xaxes(range=[0, 1.02 * max(len(y), 1)])
    figure.update_yaxes(rangemode="tozero", **theme.RATES)
    return figure


def planned_branch(before: Sequence[float], rates: Sequence[float], joint: Joint) -> go.Figure:
    """The learning rates that were trained with, thin, up to the joint, and those planned behind it.

    before[0] is the rate of epoch 1, rates[0] that of the epoch after the joint.
    """
    figure = theme.figure(x="epoch", y="learning rate")
    start, end = len(before), len(before) + len(rates)
    for at, values in ((np.arange(start + 1), before), (np.arange(start, end + 1), rates)):
        y = np.asarray(values, dtype=np.float64)
        figure.add_trace(rate_steps(at[: 2 * len(y)], np.append(y, y[-1:]), inherited=values is before))
    junction.mark(figure, [joint], length=end)
    figure.update_xaxes(range=[0, 1.02 * max(end, 1)])
    figure.update_yaxes(rangemode="tozero", **theme.RATES)
    return figure
