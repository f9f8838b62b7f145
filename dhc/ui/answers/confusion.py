"""The Confusion screen: the matrix, the ranked pairs, the pictures of one cell, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, percent_text, short_names
from dhc.ui.answers import average, moment, picture, recall, scores, versus
from dhc.ui.answers import cell as panel
from dhc.ui.answers.matrix import (
    KEY,
    MatrixView,
    click_on,
    clicked_cell,
    controls,
    matrix_figure,
    matrix_of,
    order_of,
    pairs_of,
    top_of,
)
from dhc.ui.answers.subject import Subject, open_subject
from dhc.ui.shell import chosen
from dhc.ui.shell.states import guard
from dhc.ui.widgets.film import Reel
from dhc.ui.widgets.plot import plot
from dhc.ui.widgets.ranking import Item, clicked_row, ranking

MATRIX, PAIRS, BOX = KEY + "matrix", KEY + "pairs", KEY + "box"
MATRIX_B, BOX_B = KEY + "matrix_b", KEY + "box_b"
HEIGHT = 300  # CSS pixels that the matrix has at least
PAIRS_HEIGHT = 166
MAX_PAIRS = 500


def view(info: RunInfo, head: DeltaGenerator) -> None:
    """Draw the screen for a run; `head` is the place beside the title.

    Raises RunError when the run has no predictions that can be read.
    """
    subject = open_subject(info)
    if subject is None:
        return
    with head:
        other = versus.pick(info)
        classes = chosen.control(subject.predictions.classes)
    if other is None:
        _explore(subject, classes)
    else:
        pair = versus.beside(subject, other)
        if pair is None:
            return
        subject = pair[0]
        _explore_pair(*pair, classes)
    st.divider()
    scores.report(info, matrix_of(subject.predictions, subject.epoch), subject.predictions.classes)


@st.fragment
def _explore(subject: Subject, classes: tuple[int, ...]) -> None:
    """Matrix, pairs and pictures.

    A click runs only this, and is in the address before anything is drawn; another epoch runs the whole page.
    """
    with guard():
        pairs = _pairs(subject, classes)
        cell = _take_clicks(subject, pairs)
        left, right = st.columns([3, 2], gap="medium")
        above, list_place, cell_place, maps_place, examples_place = (right.container(gap="xsmall") for _ in range(5))
        # Drawn in the order in which someone who clicked waits for it: pictures, list, and last the matrix with its outline.
        with cell_place:
            rows = panel.draw(subject, cell)
        with list_place:
            _draw_pairs(subject.predictions, pairs, cell)
        with above:
            film_place = st.container()
            matrix_view = controls()
        order = drawn_classes(subject, matrix_view, classes)
        with film_place:
            _film(subject, matrix_view, order)
        with left, st.container(key=BOX):
            _draw_matrix(subject, matrix_view, cell, order, key=MATRIX)
        with examples_place:
            panel.examples(subject, cell)
        with maps_place:
            average.draw(subject, cell)
        recall.draw(subject, cell, classes)
        picture.show(subject, rows)


@st.fragment
def _explore_pair(a: Subject, b: Subject, classes: tuple[int, ...]) -> None:
    """A's matrix beside B's in the same order, colours and zoom; below, the pictures of a cell of either."""
    with guard():
        pairs = _pairs(a, classes)
        cell = _take_clicks(a, pairs)
        film_place, controls_place = st.columns(2, gap="medium")
        left, right = st.columns(2, gap="small")
        list_place, cell_place = st.columns([2, 3], gap="medium")
        with cell_place:
            rows = panel.draw(a, cell, b)
        with list_place:
            _draw_pairs(a.predictions, pairs, cell)
        with controls_place:
            matrix_view = controls(beside=True)
        order = drawn_classes(a, matrix_view, classes)
        with film_place:
            _film(a, matrix_view, order, b)
        top = max(top_of(subject.predictions, matrix_view) for subject in (a, b))
        parts = zip((left, right), (a, b), versus.headings(a, b), (BOX, BOX_B), (MATRIX, MATRIX_B), strict=True)
        for column, subject, heading, box, key in parts:
            with column, st.container(key=box, gap="xxsmall"):
                st.markdown(heading)
                _draw_matrix(subject, matrix_view, cell, order, key=key, top=top, link="pair")
        recall.draw(a, cell, classes)
        picture.show(a, rows, other=b)


def _take_clicks(subject: Subject, pairs: pd.DataFrame) -> tuple[int, int] | None:
    """Take a new epoch or cell into the address; returns the cell. Another epoch runs the whole page anew."""
    k = len(subject.predictions.classes)
    if moment.take_click(subject.predictions):
        st.rerun(scope="app")
    _take_click(pairs, k)
    return panel.of_address(k)


def _film(a: Subject, matrix_view: MatrixView, order: np.ndarray, b: Subject | None = None) -> None:
    """The slider that plays the matrix, or both, through the epochs of A."""
    parts = [(a, BOX)] if b is None else [(a, BOX), (b, BOX_B)]
    reels = [Reel(box, one.predictions, order, matrix_view.colour, matrix_view.diagonal) for one, box in parts]
    moment.slider(a.info, a.predictions, a.epoch, reels)
    moment.say_epoch(a.predictions, a.epoch)


def drawn_classes(subject: Subject, matrix_view: MatrixView, classes: tuple[int, ...]) -> np.ndarray:
    """(M,) the classes that the matrix shows, in the view's order: the chosen ones.

    Of a single one also those that it is taken for and that are taken for it, at the best epoch.
    """
    order = order_of(subject.predictions, matrix_view.order)
    if not classes:
        return order
    shown = set(classes)
    if len(classes) == 1:
        counts = matrix_of(subject.predictions, subject.predictions.best_epoch)
        shown |= set(np.flatnonzero(counts[classes[0]] + counts[:, classes[0]]).tolist())
    return order[np.isin(order, sorted(shown))]


def _pairs(subject: Subject, classes: tuple[int, ...]) -> pd.DataFrame:
    """The confused pairs with a chosen class on either side."""
    pairs = pairs_of(subject.predictions, subject.epoch)
    if classes:
        pairs = pairs[pairs["i"].isin(classes) | pairs["j"].isin(classes)].reset_index(drop=True)
    return pairs


def _take_click(pairs: pd.DataFrame, k: int) -> None:
    """Put a cell clicked in the matrix or in the list into the address, before both are drawn."""
    cell = clicked_cell(MATRIX, k) or clicked_cell(MATRIX_B, k)
    row = clicked_row(click_on(PAIRS), len(pairs.head(MAX_PAIRS)))
    if cell is None and row is not None:
        cell = int(pairs["i"].iloc[row]), int(pairs["j"].iloc[row])
    if cell is not None:
        panel.choose(*cell)


def _draw_matrix(
    subject: Subject,
    matrix_view: MatrixView,
    cell: tuple[int, int] | None,
    order: np.ndarray,
    *,
    key: str,
    top: float | None = None,
    link: str = "",
) -> None:
    predictions, epoch = subject.predictions, subject.epoch
    figure = matrix_figure(predictions, matrix_view, cell, epoch=epoch, order=order, top=top, link=link)
    wrong = int((predictions.predicted_after(epoch) != predictions.y_true).sum())
    alt = f"Confusion matrix of {len(order)} classes after epoch {epoch}, {wrong} of {len(predictions.ids)} pictures off the diagonal"
    plot(figure, key=key, height=HEIGHT, alt=alt, fill=True)


def _draw_pairs(predictions: Predictions, pairs: pd.DataFrame, cell: tuple[int, int] | None) -> None:
    if pairs.empty:
        st.success("No two classes are confused: every val picture is right.", icon=":material/celebration:")
        return
    title, total = "Most confused pairs", len(pairs)
    st.markdown(
        f"**{title}** · {total:,} in all", help="True class → predicted class, pictures, share of the true class"
    )
    shown = pairs.head(MAX_PAIRS)
    items = pair_items(predictions, shown)
    ranking(items, key=PAIRS, selected_index=_row_of(shown, cell), height=PAIRS_HEIGHT, label=title)


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
