"""Figures in a page of their own that asks nothing from outside: plotly.js as text, and a figure as JSON with its template."""

from __future__ import annotations

from typing import cast

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs


def plotly_js() -> str:
    """The whole of plotly.js (4.8 MB) out of the installed package, for a ``<script>``."""
    return cast(str, get_plotlyjs())


def to_json(figure: go.Figure) -> str:
    """``{"data": …, "layout": …}`` as JSON, arrays as base64 of their bytes. Not escaped for HTML."""
    return cast(str, pio.json.to_json_plotly(figure))
