"""The Confusion screen: the matrix, the ranked pairs beside it, the pictures of the cell in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, short_names
from dhc.ui.answers import cell, picture, scores
from dhc.ui.answers import subject as fresh
from dhc.ui.answers.matrix import KEY, MatrixView, controls, matrix_figure, matrix_of, pairs_of
from dhc.ui.answers.subject import Subject
from dhc.ui.shell.states import guard
from dhc.ui.widgets import assets
from dhc.ui.widgets.plot import plot
from dhc.ui.widgets.ranking import Item, clicked_row, ranking

MATRIX, PAIRS = KEY + "matrix", KEY + "pairs"
HEIGHT = 820  # CSS pixels of the matrix
PAIRS_HEIGHT = 292
MAX_PAIRS = 500


def view(info: RunInfo) -> None:
    """Draw the screen for a run. Raises RunError when it has no predictions that can be read."""
    subject = fresh.subject(info)
    if subject is None:
        return
    p = subject.predictions
    _explore(subject)
    st.divider()
    scores.report(info, matrix_of(p), p.classes)


@st.fragment
def _explore(subject: Subject) -> None:
    """Matrix, pairs and pictures. A click runs only this, and is in the address before anything is drawn."""
    with guard():
        p = subject.predictions
        pairs = pairs_of(p).head(MAX_PAIRS)
        clicked = _clicked(pairs, len(p.classes))
        if clicked is not None:
            cell.choose(*clicked)
        chosen = cell.chosen(len(p.classes))
        above = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
        left, right = st.columns([3, 2], gap="medium")
        list_place, cell_place, examples_place = right.container(), right.container(), right.container()
        # Drawn in the order in which someone who clicked waits for it: pictures, list, and last the matrix with its outline.
        with cell_place:
            listed = cell.panel(subject, chosen)
        with list_place:
            _draw_pairs(p, pairs, chosen)
        with above:
            look = controls()
        with left:
            _draw_matrix(p, look, chosen)
        with examples_place:
            cell.examples(subject, chosen)
        picture.show_chosen(subject, listed)


def _clicked(pairs: pd.DataFrame, k: int) -> tuple[int, int] | None:
    """The cell clicked in this run, in the matrix or in the list, read before both are drawn so that both show it."""
    click = _trigger(MATRIX)
    if isinstance(click, Mapping):
        spot = click.get("customdata")
        if isinstance(spot, list) and len(spot) == 2 and all(isinstance(c, int) and 0 <= c < k for c in spot):
            return spot[0], spot[1]
    row = clicked_row(_trigger(PAIRS), len(pairs))
    return None if row is None else (int(pairs["i"].iloc[row]), int(pairs["j"].iloc[row]))


def _trigger(key: str) -> Any:
    """The click that a component has just reported, None in a run that no click of it started."""
    state = st.session_state.get(key)
    return None if state is None else state.get("click")


def _draw_matrix(p: Predictions, look: MatrixView, chosen: tuple[int, int] | None) -> None:
    figure = matrix_figure(p, look, chosen)
    wrong = int((p.predicted != p.y_true).sum())
    alt = f"Confusion matrix of {len(p.classes)} classes, {wrong} of {len(p.ids)} pictures off the diagonal"
    st.html(assets.path("answers/confusion.css"))
    with st.container(key=KEY + "box"):
        plot(figure, key=MATRIX, height=HEIGHT, alt=alt)


def _draw_pairs(p: Predictions, pairs: pd.DataFrame, chosen: tuple[int, int] | None) -> None:
    if pairs.empty:
        st.success("No two classes are confused: every val picture is right.", icon=":material/celebration:")
        return
    total = len(pairs_of(p))
    st.markdown(
        f"**Most confused pairs** · {total:,} in all",
        help="True class → predicted class, pictures, share of the true class",
    )
    ranking(
        pair_items(p, pairs), key=PAIRS, selected=_row_of(pairs, chosen), height=PAIRS_HEIGHT,
        label="Most confused pairs",
    )  # fmt: skip


def _row_of(pairs: pd.DataFrame, chosen: tuple[int, int] | None) -> int | None:
    """The place of a cell among the pairs, None for a cell that is not there."""
    if chosen is None:
        return None
    at = np.flatnonzero((pairs["i"] == chosen[0]) & (pairs["j"] == chosen[1]))
    return int(at[0]) if len(at) else None


def pair_items(p: Predictions, pairs: pd.DataFrame) -> list[Item]:
    """Rows of `analysis.confusion.confused_pairs` as rows of the list; the longest bar is the most pictures."""
    names = short_names(p.classes)
    most = int(pairs["count"].max())
    return [
        Item(
            names[i], names[j], f"{count:,}", percent_text(share), count / most,
            tooltip=f"{clean(true)} taken for {clean(predicted)}: {count_text(count, 'picture')}, {percent_text(share)} of {clean(true)}",
        )
        for true, predicted, count, share, i, j in pairs.itertuples(index=False)
    ]  # fmt: skip
