"""Any Plotly figure on a page: it keeps its zoom, follows the theme, reports clicks."""

from __future__ import annotations

import re
from typing import Any, TypedDict, cast

import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from dhc.ui.widgets import assets, learn


class Click(TypedDict):
    """A click: number of the trace, x, y and z, the index in the trace, customdata.

    The index is ``[row, column]`` for a heatmap. z is None where there is none, also in an empty cell.
    """

    curve: int
    x: Any
    y: Any
    z: Any
    point: int | list[int] | None
    customdata: Any


def plot(
    figure: go.Figure | str, *, key: str, height: int = 360, alt: str, clicks: bool = True, fill: bool = False
) -> Click | None:
    """Draw ``figure``, or what `to_json` made of one, as wide as its container; return the click of THIS run, if any.

    ``height`` is in CSS pixels. ``key`` names the chart. The next figure with the same key is drawn into the same chart by
    ``Plotly.react``, so zoom, hidden traces and hover stay (``layout.uirevision`` is set where the figure has none; change
    it to forget the zoom). A click starts a rerun of the page, or of the fragment that the chart stands in; so does a
    second click on the same spot, and a click on an empty heatmap cell. ``clicks=False`` reports none. ``alt`` says in
    words what the chart shows. With ``fill`` it is as high as the window has room below its top, though not much higher than
    wide; ``height`` is the least.

    A figure with ``layout.meta["cells"]`` is a matrix whose labels and numbers fit its cells: see ``cells.js``.

    Colours that the figure leaves open come from the theme: text, grid, lines, colour scales. To name one of the theme's
    own, write ``"var(--st-red-color)"`` where Plotly wants a colour. The figure's template, width and height are ignored.

    A lesson that names the chart in the catalogue is linked to from its lower corner.
    """
    result = assets.component("plot", isolate_styles=False, parts=("cells",))(
        key=key,
        data={
            "figure": figure if isinstance(figure, str) else to_json(figure),
            "plotly": assets.plotly_url(),
            "height": height,
            "alt": alt,
            "name": re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-") or "chart",
            "clicks": clicks,
            "fill": fill,
            "lessons": learn.of_chart(key),
        },
        on_click_change=_rerun,
    )
    return cast("Click | None", result.get("click"))


def clicked(key: str) -> Click | None:
    """The click on the chart of that key which started THIS run, if any: asked before it is drawn, so that it is drawn with it."""
    state = st.session_state.get(key)
    return None if state is None else cast("Click | None", state.get("click"))


def to_json(figure: go.Figure) -> str:
    """Return ``{"data": …, "layout": …}`` as JSON, without the template.

    The browser uses its theme in place of the template. The figure is left as it is. Arrays travel as base64 of their
    bytes, so 10,000 points cost a few milliseconds.
    """
    parts = figure.to_dict()
    parts.get("layout", {}).pop("template", None)
    parts.pop("frames", None)
    return cast(str, pio.json.to_json_plotly(parts))


def _rerun() -> None:
    """Registered so that a click starts a rerun; the page reads the returned value."""
