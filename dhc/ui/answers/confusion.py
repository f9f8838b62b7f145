"""The Confusion screen: the matrix, the ranked pairs, the pictures of one cell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, short_names
from dhc.ui.answers import cell as panel
from dhc.ui.answers import picture, scores
from dhc.ui.answers.matrix import KEY, MatrixView, click_on, clicked_cell, controls, matrix_figure, matrix_of, pairs_of
from dhc.ui.answers.subject import Subject, open_subject
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
    subject = open_subject(info)
    if subject is None:
        return
    _explore(subject)
    st.divider()
    scores.report(info, matrix_of(subject.predictions), subject.predictions.classes)


@st.fragment
def _explore(subject: Subject) -> None:
    """Matrix, pairs and pictures.

    A click runs only this, and is in the address before anything is drawn.
    """
    with guard():
        predictions = subject.predictions
        pairs = pairs_of(predictions).head(MAX_PAIRS)
        _take_click(pairs, len(predictions.classes))
        cell = panel.of_address(len(predictions.classes))
        above = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
        left, right = st.columns([3, 2], gap="medium")
        list_place, cell_place, examples_place = right.container(), right.container(), right.container()
        # Drawn in the order in which someone who clicked waits for it: pictures, list, and last the matrix with its outline.
        with cell_place:
            rows = panel.draw(subject, cell)
        with list_place:
            _draw_pairs(predictions, pairs, cell)
        with above:
            matrix_view = controls()
        with left:
            _draw_matrix(predictions, matrix_view, cell)
        with examples_place:
            panel.examples(subject, cell)
        picture.show(subject, rows)


def _take_click(pairs: pd.DataFrame, k: int) -> None:
    """Put a cell clicked in the matrix or in the list into the address, before both are drawn."""
    cell = clicked_cell(MATRIX, k)
    row = clicked_row(click_on(PAIRS), len(pairs))
    if cell is None and row is not None:
        cell = int(pairs["i"].iloc[row]), int(pairs["j"].iloc[row])
    if cell is not None:
        panel.choose(*cell)


def _draw_matrix(predictions: Predictions, matrix_view: MatrixView, cell: tuple[int, int] | None) -> None:
    figure = matrix_figure(predictions, matrix_view, cell)
    wrong = int((predictions.predicted != predictions.y_true).sum())
    alt = f"Confusion matrix of {len(predictions.classes)} classes, {wrong} of {len(predictions.ids)} pictures off the diagonal"
    st.html(assets.path("answers/confusion.css"))
    with st.container(key=KEY + "box"):
        plot(figure, key=MATRIX, height=HEIGHT, alt=alt)


def _draw_pairs(predictions: Predictions, pairs: pd.DataFrame, cell: tuple[int, int] | None) -> None:
    if pairs.empty:
        st.success("No two classes are confused: every val picture is right.", icon=":material/celebration:")
        return
    title, total = "Most confused pairs", len(pairs_of(predictions))
    st.markdown(
        f"**{title}** · {total:,} in all", help="True class → predicted class, pictures, share of the true class"
    )
    items = pair_items(predictions, pairs)
    ranking(items, key=PAIRS, selected_index=_row_of(pairs, cell), height=PAIRS_HEIGHT, label=title)


def _row_of(pairs: pd.DataFrame, cell: tuple[int, int] | None) -> int | None:
    """The place of a cell among the pairs, None for a cell that is not there."""
    if cell is None:
        return None
    at = np.flatnonzero((pairs["i"] == cell[0]) & (pairs["j"] == cell[1]))
    return int(at[0]) if len(at) else None


def pair_items(predictions: Predictions, pairs: pd.DataFrame) -> list[Item]:
    """Rows of `analysis.confusion.confused_pairs` as rows of the list, with bars by pictures."""
    names = short_names(predictions.classes)
    most = int(pairs["count"].max())
    items = []
    for true, predicted, count, share, i, j in pairs.itertuples(index=False):
        of_class = f"{percent_text(share)} of {clean(true)}"
        tooltip = f"{clean(true)} taken for {clean(predicted)}: {count_text(count, 'picture')}, {of_class}"
        items.append(Item(names[i], names[j], f"{count:,}", percent_text(share), count / most, tooltip))
    return items
