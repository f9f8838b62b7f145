"""One val picture, large, with what A and what B said of it side by side. Its row among A's stands in the address."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import percent_text, shorten
from dhc.ui.answers import picture as detail
from dhc.ui.answers.album import Album
from dhc.ui.runs.compare.pair import Pair
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard
from dhc.ui.widgets import assets

PICTURE = "flips_picture"
SIZE = 320  # CSS pixels a side: 64 × 5, so every pixel is a whole square


def chosen(pair: Pair) -> int | None:
    """The row, among A's, of the picture in the address; None when there is none, or B was not judged on it."""
    row = address.integer(PICTURE, low=0, high=len(pair.of_a.ids) - 1)
    return row if row is not None and row in pair.pairing.rows_a else None


def show_chosen(pair: Pair, album: Album, listed: Sequence[int]) -> None:
    """Open the picture in the address, if there is one, among the pictures `listed` (rows of A's, in the board's order)."""
    if chosen(pair) is None:
        return

    @st.dialog("Val picture, A and B", width="large", icon=":material/compare:", on_dismiss=lambda: _put(None))
    def dialog() -> None:
        with guard():
            row = chosen(pair)
            if row is not None:
                st.html(assets.path("answers/picture.css"))
                with st.container(key="dhc-detail", gap="small"):
                    detail.steps(lambda: chosen(pair), _put, listed)
                    _draw(pair, album, row)

    dialog()


def _put(row: int | None) -> None:
    address.put(**{PICTURE: row})


def _draw(pair: Pair, album: Album, row: int) -> None:
    at = int(np.flatnonzero(pair.pairing.rows_a == row)[0])
    in_b = int(pair.pairing.rows_b[at])
    true = pair.pairing.classes[pair.pairing.true[at]]
    st.markdown(f"### {bold(true)}")
    picture, of_a, of_b = st.columns([332, 380, 380], gap="medium")
    with picture:
        detail.large(album, row, size=SIZE)
    for column, name, info, p, index in ((of_a, "A", pair.a, pair.of_a, row), (of_b, "B", pair.b, pair.of_b, in_b)):
        with column:
            _side(name, info, p, index)


def _side(name: str, info: RunInfo, p: Predictions, index: int) -> None:
    """What one run said: right or wrong, how surely, its five most probable classes."""
    said, true = int(p.predicted[index]), int(p.y_true[index])
    sure = percent_text(float(p.probabilities[index, said]))
    st.markdown(f"**{name}** · {plain(shorten(info.title, 40))}")
    if said == true:
        st.markdown(f":green[:material/check_circle: recognised], {sure} sure")
    else:
        st.markdown(f":red[:material/cancel: taken for] {bold(p.classes[said])}, {sure} sure")
        st.caption(f"{percent_text(float(p.probabilities[index, true]))} for the true class")
    st.markdown("Most probable classes")
    detail.bars(p, index, key=f"dhc_flips_bars_{name.lower()}", reach=1.5)
    link("Mistakes", text="Open in Mistakes", run=info.id, picture=str(index))
