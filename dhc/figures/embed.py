"""Figures in a page that asks nothing from outside: plotly.js as text, a figure as JSON."""

from __future__ import annotations

from typing import cast

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs


def plotly_js() -> str:
    """The whole of plotly.js (4.8 MB) out of the installed package, for a ``<script>``."""
    return cast(str, get_plotlyjs())


def to_json(figure: go.Figure) -> str:
    """``{"data": …, "layout": …}`` as JSON, arrays as base64 of their bytes, not HTML-escaped."""
    return cast(str, pio.json.to_json_plotly(figure))
