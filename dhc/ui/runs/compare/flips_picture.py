"""One val picture, large, with what A and what B said of it side by side.

Its row among A's stands in the address.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dhc.data.album import Album
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import percent_text, shorten
from dhc.ui.answers import picture
from dhc.ui.answers.pairs import Pair
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain

PICTURE = "flips_picture"
SIZE = 320  # CSS pixels a side: 64 × 5, so every pixel is a whole square


def of_address(pair: Pair) -> int | None:
    """The row, among A's, of the picture in the address; None for none and for one B has not."""
    row = address.integer(PICTURE, low=0, high=len(pair.predictions_a.ids) - 1)
    return row if row is not None and row in pair.pairing.rows_a else None


def choose(row: int | None) -> None:
    """Put the picture in that row of A's into the address, or take it out."""
    address.put(**{PICTURE: row})


def show(pair: Pair, album: Album, rows: Sequence[int]) -> None:
    """Open the picture in the address, if there is one, among those in `rows` of A's."""
    picture.open_dialog(
        "Val picture, A and B",
        ":material/compare:",
        now=lambda: of_address(pair),
        go=choose,
        rows=rows,
        draw=lambda row: _draw(pair, album, row),
    )


def _draw(pair: Pair, album: Album, row: int) -> None:
    place = int(np.flatnonzero(pair.pairing.rows_a == row)[0])
    st.markdown(f"### {bold(pair.pairing.classes[pair.pairing.true[place]])}")
    left, middle, right = st.columns([332, 380, 380], gap="medium")
    with left:
        picture.large(album, row, pair.a, size=SIZE)
    with middle:
        _side("A", pair.a, pair.predictions_a, row)
    with right:
        _side("B", pair.b, pair.predictions_b, int(pair.pairing.rows_b[place]))


def _side(name: str, info: RunInfo, predictions: Predictions, index: int) -> None:
    """What one run said: right or wrong, how surely, its five most probable classes."""
    answer, true = int(predictions.predicted[index]), int(predictions.y_true[index])
    sure = plain(percent_text(float(predictions.probabilities[index, answer])))
    st.markdown(f"**{name}** · {plain(shorten(info.title, 40))}")
    if answer == true:
        st.markdown(f":green[:material/check_circle: recognised], {sure} sure")
    else:
        st.markdown(f":red[:material/cancel: taken for] {bold(predictions.classes[answer])}, {sure} sure")
        st.caption(f"{plain(percent_text(float(predictions.probabilities[index, true])))} for the true class")
    st.markdown("Most probable classes")
    picture.bars(predictions, index, key=f"dhc_flips_bars_{name.lower()}", reach=1.5)
    link("Mistakes", text="Open in Mistakes", run=info.id, picture=str(index))
