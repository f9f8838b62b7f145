"""What all figures share: colours for light and dark pages, a clear ground, axis names.

Whatever belongs to the page's theme (text, grid, colour scale, hover label) stands in the figure's *template*, never
in its layout. `ui.plot` replaces the template by the page's own theme; a figure on its own, in an exported file,
still looks right.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

import numpy as np
import plotly.graph_objects as go

# At least 3 : 1 against white and against the dark page (WCAG 2.2, 1.4.11), apart for red-blind and green-blind eyes;
# tests/test_figures.py measures both.
TRAIN = "#2f7fd6"
VAL = "#d9730d"
BEST = "#0f9d6b"
MUTED = "#858199"
SELECTED = "#f0620a"
# One colour, from nearly transparent to full: over any page, more colour is more, in even steps (OKLab).
RAMP = ((0.0, "rgba(138,92,240,0.10)"), (1.0, "rgba(138,92,240,1)"))

GRID = "rgba(133,129,153,0.25)"
RATES = {"tickformat": "~g", "hoverformat": "~g"}  # an axis of learning rates: as `dhc.text.rate_text` writes them
WAITING = "no batch recorded"


def figure(*, x: str, y: str) -> go.Figure:
    """An empty figure with named axes; zoom and hidden traces outlive an update (uirevision)."""
    return go.Figure(layout={"template": template(), "uirevision": "keep", "xaxis_title": x, "yaxis_title": y})


def template() -> go.layout.Template:
    """The look of a figure outside the app: transparent, grey grid, legend above, plain text."""
    axis = {"gridcolor": GRID, "linecolor": GRID, "zeroline": False, "automargin": True}
    clear = "rgba(0,0,0,0)"
    return go.layout.Template(
        layout={
            "paper_bgcolor": clear,
            "plot_bgcolor": clear,
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 56, "r": 16, "t": 32, "b": 44},
            "legend": {"orientation": "h", "x": 0, "y": 1.01, "xanchor": "left", "yanchor": "bottom", "bgcolor": clear},
            "hoverlabel": {"bgcolor": "#2b2940", "bordercolor": MUTED, "font": {"color": "#f3f1fa"}, "align": "left"},
        },
        data={
            "heatmap": [{"colorscale": [list(stop) for stop in RAMP], "colorbar": {"outlinewidth": 0, "thickness": 12}}]
        },
    )


def epoch_ticks(epochs: int, most: int) -> dict[str, object]:
    """An axis of so many epochs with about `most` ticks, none between two epochs; zoomed in, none has another's number."""
    return {"tickformat": "~f"} | ({"dtick": 1} if epochs <= most else {"nticks": most})


def say(figure: go.Figure, text: str) -> None:
    """Write a sentence into the middle of the plot, where nothing is drawn yet."""
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 15})


def escape_html(name: str) -> str:
    """A foreign name for Plotly, which shows it letter by letter and does not obey it as HTML."""
    return html.escape(name, quote=False)


def numbers(values: Iterable[float]) -> np.ndarray:
    """The values as float32, half the bytes to send; what is not finite becomes NaN, a gap."""
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
    with np.errstate(over="ignore"):
        small = array.astype(np.float32)
    small[~np.isfinite(small)] = np.nan
    return small
