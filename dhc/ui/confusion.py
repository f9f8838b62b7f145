"""The Confusion screen: the matrix, the ranked pairs beside it, the pictures of the cell in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dhc.analysis.confusion import ORDERS, Order, class_order, confused_pairs, confusion_matrix, normalize
from dhc.analysis.mistakes import select
from dhc.figures.confusion import heatmap
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.ui import assets, detail, fresh, links, scores, session
from dhc.ui.detail import Subject
from dhc.ui.frame import link
from dhc.ui.gallery import gallery
from dhc.ui.names import amount, bold, clean, percent, short_names
from dhc.ui.pictures import open_album, tiles
from dhc.ui.plot import plot
from dhc.ui.ranking import Item, clicked_row, ranking
from dhc.ui.states import guard, plain

KEY = "dhc_confusion_"
MATRIX, PAIRS, CELL = KEY + "matrix", KEY + "pairs", "cell"
HEIGHT = 820  # CSS pixels of the matrix
PAIRS_HEIGHT = 292
MAX_PAIRS = 500
MAX_PICTURES = 60  # of one cell; more are on the Mistakes screen
TILE = 88
COLOUR = {"counts": "Pictures", "true": "Share of true", "pred": "Share of predicted"}
ORDERED = {"label": "Label", "frequency": "Frequency", "similarity": "Similarity"}


@dataclass(frozen=True)
class Look:
    """How the matrix is drawn, as the address says it."""

    colour: str
    order: Order
    diagonal: bool

    @classmethod
    def of_address(cls) -> Look:
        """The look in the address, defaults where it says nothing sensible."""
        return cls(
            links.choice("colour", list(COLOUR), "counts"),
            cast(Order, links.choice("order", ORDERS, "label")),
            links.choice("diagonal", ["show", "hide"], "show") == "show",
        )

    def to_address(self) -> None:
        """Write it; defaults are left out."""
        links.put(
            colour=None if self.colour == "counts" else self.colour,
            order=None if self.order == "label" else self.order,
            diagonal=None if self.diagonal else "hide",
        )


@lru_cache(maxsize=8)
def matrix_of(p: Predictions) -> np.ndarray:
    """(K, K) int64 counts of a run's val, rows true, columns predicted."""
    return confusion_matrix(p.y_true, p.predicted, len(p.classes))


@lru_cache(maxsize=24)
def _order_of(p: Predictions, by: Order) -> np.ndarray:
    return class_order(matrix_of(p), by)


@lru_cache(maxsize=8)
def _pairs_of(p: Predictions) -> pd.DataFrame:
    return confused_pairs(matrix_of(p), p.classes)


def view(info: RunInfo) -> None:
    """Draw the screen for a run. Raises RunError when it has no predictions that can be read."""
    if not fresh.has_answers(info):
        return
    p, table = session.predictions(info), session.outcome_table(info)
    fresh.tell_progress(info, p)
    subject = Subject(info, p, table, open_album(info, p))
    if subject.album.problem:
        st.warning(plain(subject.album.problem), icon=":material/broken_image:")
    _explore(subject)
    st.divider()
    scores.report(info, matrix_of(p), p.classes)


@st.fragment
def _explore(subject: Subject) -> None:
    """Matrix, pairs and pictures. A click runs only this, and is in the address before anything is drawn."""
    with guard(OSError):
        p = subject.p
        pairs = _pairs_of(p).head(MAX_PAIRS)
        cell = _clicked(pairs, len(p.classes))
        if cell is not None:
            links.put(**{CELL: f"{cell[0]},{cell[1]}", detail.PICTURE: None})
        cell = links.pair(CELL, below=len(p.classes))
        controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
        left, right = st.columns([3, 2], gap="medium")
        list_place, cell_place = right.container(), right.container()
        # Drawn in the order in which someone who clicked waits for it: pictures, list, and last the matrix with its outline.
        with cell_place:
            listed = _draw_cell(subject, cell)
        with list_place:
            _draw_pairs(p, pairs, cell)
        with controls:
            look = _controls()
        with left:
            _draw_matrix(p, look, cell)
        detail.show_chosen(subject, listed)


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


def _controls() -> Look:
    look = Look.of_address()
    state = st.session_state
    state[KEY + "colour"], state[KEY + "order"], state[KEY + "diagonal"] = look.colour, look.order, not look.diagonal
    st.segmented_control(
        "Colour", list(COLOUR), key=KEY + "colour", format_func=COLOUR.__getitem__, required=True, on_change=_save,
        help="Pictures in the cell; their share of the true class (rows add up to 100%, the diagonal is recall); or of "
        "the predicted class (columns do, the diagonal is precision).",
    )  # fmt: skip
    st.segmented_control(
        "Order of classes", list(ORDERED), key=KEY + "order", format_func=ORDERED.__getitem__, required=True,
        on_change=_save, help="By similarity, classes that are taken for one another stand side by side.",
    )  # fmt: skip
    st.toggle("Hide the diagonal", key=KEY + "diagonal", on_change=_save)
    return look


def _save() -> None:
    state = st.session_state
    Look(state[KEY + "colour"], state[KEY + "order"], not state[KEY + "diagonal"]).to_address()


def _draw_matrix(p: Predictions, look: Look, cell: tuple[int, int] | None) -> None:
    figure = matrix_figure(p, look, cell)
    wrong = int((p.predicted != p.y_true).sum())
    alt = f"Confusion matrix of {len(p.classes)} classes, {wrong} of {len(p.ids)} pictures off the diagonal"
    st.html(assets.path("confusion.css"))
    with st.container(key=KEY + "box"):
        plot(figure, key=MATRIX, height=HEIGHT, alt=alt)


def matrix_figure(p: Predictions, look: Look, cell: tuple[int, int] | None) -> go.Figure:
    """The heatmap for a look, with `cell` outlined."""
    counts = matrix_of(p)
    how = cast("Literal['true', 'pred'] | None", None if look.colour == "counts" else look.colour)
    figure = heatmap(
        normalize(counts, how) if how else counts,
        short_names(p.classes),
        _order_of(p, look.order),
        counts=counts,
        hide_diagonal=not look.diagonal,
        selected=cell,
    )
    figure.update_layout(uirevision=look.order)  # in another order the zoom would show other classes: forget it
    # The scale stands in a margin of our own: Plotly would reserve twice its height above the matrix.
    figure.update_traces(colorbar={"yref": "container", "y": 1, "yanchor": "top", "tickangle": 0, "len": 0.75})
    figure.update_layout(margin={"t": 52, "r": 8})
    figure.update_xaxes(constraintoward="left")
    figure.update_yaxes(constraintoward="top")  # squares leave room in one direction: below and on the right
    return figure


def _draw_pairs(p: Predictions, pairs: pd.DataFrame, cell: tuple[int, int] | None) -> None:
    if pairs.empty:
        st.success("No two classes are confused: every val picture is right.", icon=":material/celebration:")
        return
    total = len(_pairs_of(p))
    st.markdown(
        f"**Most confused pairs** · {total:,} in all",
        help="True class → predicted class, pictures, share of the true class",
    )
    ranking(
        pair_items(p, pairs), key=PAIRS, selected=_row_of(pairs, cell), height=PAIRS_HEIGHT,
        label="Most confused pairs",
    )  # fmt: skip


def _row_of(pairs: pd.DataFrame, cell: tuple[int, int] | None) -> int | None:
    """The place of a cell among the pairs, None for a cell that is not there."""
    if cell is None:
        return None
    at = np.flatnonzero((pairs["i"] == cell[0]) & (pairs["j"] == cell[1]))
    return int(at[0]) if len(at) else None


def pair_items(p: Predictions, pairs: pd.DataFrame) -> list[Item]:
    """Rows of `analysis.confusion.confused_pairs` as rows of the list; the longest bar is the most pictures."""
    names = short_names(p.classes)
    most = int(pairs["count"].max())
    return [
        Item(
            names[i], names[j], f"{count:,}", percent(share), count / most,
            tooltip=f"{clean(true)} taken for {clean(predicted)}: {amount(count, 'picture')}, {percent(share)} of {clean(true)}",
        )
        for true, predicted, count, share, i, j in pairs.itertuples(index=False)
    ]  # fmt: skip


def _draw_cell(subject: Subject, cell: tuple[int, int] | None) -> list[int]:
    """The pictures of a cell; returns their rows in the order shown."""
    if cell is None:
        st.info(
            "Click a cell of the matrix, filled or empty, or a pair of the list: its pictures appear here.",
            icon=":material/ads_click:",
        )
        return []
    i, j = cell
    rows = select(subject.table, true=i, predicted=j, only_mistakes=False)
    _cell_title(subject.p, i, j)
    if rows.empty:
        st.caption("No val picture is in this cell.")
        return []
    listed: list[int] = rows["index"].tolist()
    shown = rows.head(MAX_PICTURES)
    with st.container(
        height=HEIGHT - PAIRS_HEIGHT - 178 if len(rows) > 12 else "content", border=False, key=KEY + "cell"
    ):
        clicked = gallery(
            tiles(shown, subject.album, (percent(c) for c in shown["confidence"])), key=KEY + "pictures", size=TILE
        )
    if len(rows) > len(shown):
        st.caption(f"The {len(shown)} most confident of {len(rows):,}.")
    if clicked is not None:
        detail.choose(listed[clicked])
    return listed


def _cell_title(p: Predictions, i: int, j: int) -> None:
    """What the cell is, its figures, and ways on from here."""
    counts = matrix_of(p)
    count, of_true, of_predicted = int(counts[i, j]), int(counts[i].sum()), int(counts[:, j].sum())
    if i == j:
        st.markdown(f"#### {bold(p.classes[i])} recognised")
    else:
        st.markdown(f"#### {bold(p.classes[i])} taken for {bold(p.classes[j])}")
    st.caption(f"{_of(count, of_true)} with this true class · {_of(count, of_predicted)} with this predicted class")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if i != j:
            st.button(f"The other way round: {counts[j, i]}", key=KEY + "swap", icon=":material/swap_horiz:", on_click=links.put,
                      kwargs={CELL: f"{j},{i}", detail.PICTURE: None})  # fmt: skip
        show = {"show": "all"} if i == j else {}
        link("Mistakes", text="Open in Mistakes", true=str(i), pred=str(j), **show)


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({percent(count / total)})" if total else "0 of 0"
