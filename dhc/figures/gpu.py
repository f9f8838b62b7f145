"""Memory, load and heat of a run's GPU over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dhc.figures import theme

PAUSE = 6.0  # times longer than usual between two looks: the run was interrupted, and its clock stood still
GIB = 1024.0  # MiB


def load(gpu: pd.DataFrame) -> go.Figure:
    """Lines for utilization, memory and temperature on one axis from 0 to 100, by minutes of training.

    `gpu` is `History.gpu`. What the GPU does not tell has an empty line.
    """
    figure = theme.figure(x="minutes of training", y="GPU: %, °C")
    memory = gpu["memory_used"] / gpu["memory"].where(gpu["memory"] > 0)
    amounts = [
        f"{used / GIB:.3g} of {whole / GIB:.3g} GiB"
        for used, whole in zip(gpu["memory_used"], gpu["memory"], strict=True)
    ]
    for name, values, color, texts in (
        ("utilization, %", gpu["utilization"], theme.TRAIN, None),
        ("memory, %", 100 * memory, theme.VAL, amounts),
        ("temperature, °C", gpu["temperature"], theme.BEST, None),
    ):
        figure.add_trace(
            go.Scatter(
                x=_minutes(gpu["t"].to_numpy(dtype=np.float64)),
                y=theme.numbers(values.to_numpy()),
                mode="lines",
                line={"color": color, "width": 2},
                name=name,
                uid=name.partition(",")[0],  # a word: Plotly looks for it by a CSS selector
                text=texts,
                showlegend=bool(values.notna().any()),
                hovertemplate="%{y:.0f}" if texts is None else "%{y:.0f}, %{text}",
            )
        )
    figure.update_layout(hovermode="x unified" if len(gpu) else "closest")
    figure.update_xaxes(rangemode="tozero", unifiedhovertitle_text="%{x:.1f} min", labelalias={"0": ""})
    figure.update_yaxes(range=[0, 105])
    if not len(gpu):
        theme.say(figure, theme.WAITING)
    return figure


def _minutes(moments: np.ndarray) -> np.ndarray:
    """Minutes since the first moment (N,), in seconds; of a pause only the usual step counts."""
    steps = np.diff(moments, prepend=moments[:1])
    usual = float(np.median(steps[1:])) if len(steps) > 1 else 0.0
    return np.cumsum(np.where((steps > PAUSE * usual) | (steps < 0), usual, steps)) / 60
