"""Pictures with their titles side by side, as large as the type says, so that they grow with it in Present."""

from __future__ import annotations

import html
from collections.abc import Iterable

import numpy as np
import streamlit as st

from dhc.ui.answers.album import inline


def image(pixels: np.ndarray, side: float, alt: str) -> str:
    """HTML of a picture, (H, W, 3) uint8, `side` times as wide as the type is high."""
    style = f"width: {side}rem; outline: 1px solid #8888; border-radius: 6px"
    return f'<div style="{style}">{inline(pixels, size=1000, alt=alt)}</div>'


def row(parts: Iterable[tuple[str, str]]) -> None:
    """Draw figures side by side, each a title, which is plain text, and its HTML."""
    figures = (
        f'<figure style="margin: 0"><figcaption>{html.escape(title)}</figcaption>{body}</figure>'
        for title, body in parts
    )
    st.html(f'<div style="display: flex; flex-wrap: wrap; gap: 0.4rem 1.2rem">{"".join(figures)}</div>')
