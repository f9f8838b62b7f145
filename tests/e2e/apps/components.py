"""Plot and gallery as a page would use them, for test_components.py."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dhc.figures.confusion import heatmap
from dhc.ui.shell.frame import frame
from dhc.ui.widgets.gallery import Tile, gallery
from dhc.ui.widgets.plot import plot

CLASSES = [f"class {i}" for i in range(96)]
HOSTILE = (
    "<img src=x onerror=\"document.body.dataset.hacked='1'\">",
    "</button><script>document.body.dataset.hacked='1'</script>",
    "![](http://example.com/a.png) [x](javascript:alert(1)) $a^2$ :red[x]",
    "\u202egnp.exe\u0000\u0007 \"'&amp;",
)


def matrix() -> np.ndarray:
    """(96, 96) counts: 3 on the diagonal, 5 at row 40, column 60, nothing elsewhere."""
    counts = np.eye(96, dtype=np.int64) * 3
    counts[40, 60] = 5
    return counts


@st.fragment
def confusion() -> None:
    cell = st.session_state.get("cell")  # the figure changes because of the click: it is framed
    counts = matrix()
    figure = heatmap(counts, CLASSES, np.arange(96), counts=counts, selected=cell and tuple(cell), scale="linear")
    click = plot(figure, key="matrix", height=560, alt="Confusion matrix of 96 classes")
    if click:
        st.session_state["cell"] = click["customdata"]
        st.session_state["clicks"] = st.session_state.get("clicks", 0) + 1
    clicks = st.session_state.get("clicks", 0)
    st.text(f"cell {click and click['point']} z {click and click['z']} custom {click and click['customdata']}")
    st.text(f"clicks so far: {clicks}")


@st.fragment
def curves() -> None:
    points = st.session_state.setdefault("points", 2500)
    if st.button("Add points"):
        points = st.session_state["points"] = points + 100
    steps = np.arange(points)
    figure = go.Figure([go.Scatter(x=steps, y=np.exp(-steps / 900) + 0.1 * i, name=f"trace {i}") for i in range(4)])
    plot(figure, key="curves", height=300, alt="Four falling curves", clicks=False)
    st.text(f"points: {points}")


@st.fragment
def pictures() -> None:
    rng = np.random.default_rng(0)
    tones = ("plain", "good", "bad")
    tiles = [
        Tile(
            rng.integers(0, 255, (64, 64, 3), dtype=np.uint8),
            HOSTILE[i] if i < len(HOSTILE) else f"tile {i}",
            tooltip=HOSTILE[i % len(HOSTILE)],
            tone=tones[i % 3],
        )
        for i in range(100)
    ]
    chosen = gallery(tiles, key="gallery", selected_index=st.session_state.get("chosen"), size=64)
    if chosen is not None:
        st.session_state["chosen"] = chosen
    st.text(f"clicked {chosen} kept {st.session_state.get('chosen')}")


if __name__ == "__main__":
    frame("Components", ":material/science:")
    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.text(f"script runs: {st.session_state['runs']}")
    st.button("Run again")
    if st.toggle("Show the matrix", value=True):
        left, _ = st.columns([3, 1])
        with left:
            confusion()
    curves()
    pictures()
else:  # the server, which lets browsers keep what the product's does
    from dhc.ui.shell import server

    app = st.App(__file__, middleware=server.MIDDLEWARE)
