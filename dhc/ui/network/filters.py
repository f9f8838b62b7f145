"""The filters of the first convolution as small pictures: what they look for in the pixels themselves."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.text import count_text, counted
from dhc.ui.network import asked
from dhc.ui.network.maps import WAIT
from dhc.ui.network.subject import Subject
from dhc.ui.shell.states import guard, loading
from dhc.ui.widgets.gallery import Tile, gallery

KEY = "dhc_network_"
MOST, TILE = 128, 60  # filters shown; CSS pixels of one


def draw(subject: Subject, epoch: int) -> None:
    """The filters, each as large as its kernel."""
    with guard():
        with loading(WAIT):
            filters = asked.first_filters(subject, epoch)
        height, width, _, count = filters.shape
        largest = float(np.abs(filters).max())
        rest = f" The first {MOST} are shown." if count > MOST else ""
        st.caption(
            f"{count_text(count, 'filter')} of {height}×{width} pixels and three colours, on one scale: grey is weight 0, "
            f"full red, green or blue a weight of {largest:.3g}, none of it -{largest:.3g}.{rest} A pattern that looks like a filter makes it respond most."
        )
        tiles = [
            Tile(picture_of_filter(filters[..., number], largest), str(counted(number)), f"filter {counted(number)}")
            for number in range(min(count, MOST))
        ]
        gallery(tiles, key=KEY + "filters", size=TILE)


def picture_of_filter(weights: np.ndarray, largest: float) -> np.ndarray:
    """(h, w, 3) uint8 of weights (h, w, 3): grey is 0, `largest` full, and what is as far below none."""
    shares = 0.5 + 0.5 * weights / (largest or 1.0)
    return np.rint(255 * np.clip(shares, 0, 1)).astype(np.uint8)
