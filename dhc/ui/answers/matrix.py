"""The confusion matrix of a run as a figure, and the controls that say how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast
from zlib import crc32

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.analysis.confusion import Order, class_order, confused_pairs, confusion_matrix, normalize
from dhc.figures.confusion import heatmap
from dhc.runs.records import Predictions
from dhc.text import short_names
from dhc.ui.shell import address
from dhc.ui.shell.glossary import explained
from dhc.ui.widgets.controls import segments

KEY = "dhc_confusion_"
COLOUR_TITLES = {"counts": "Pictures", "true": "Share of true", "pred": "Share of predicted"}
ORDER_TITLES = {"label": "Label", "frequency": "Frequency", "similarity": "Similarity"}
COLOUR_HELP = (
    "Pictures in the cell; their share of the true class (rows add up to 100%, the diagonal is recall); or of the predicted class "
    "(columns do, the diagonal is precision)."
)
ORDER_HELP = "By similarity, classes that are taken for one another stand side by side."


@dataclass(frozen=True)
class MatrixView:
    """How the matrix is drawn. colour: a key of COLOUR_TITLES; diagonal: whether it is shown."""

    colour: str
    order: Order
    diagonal: bool


@lru_cache(maxsize=16)
def matrix_of(predictions: Predictions, epoch: int) -> np.ndarray:
    """(K, K) int64 counts of a run's val after an epoch, rows true, columns predicted."""
    return confusion_matrix(predictions.y_true, predictions.predicted_after(epoch), len(predictions.classes))


@lru_cache(maxsize=24)
def order_of(predictions: Predictions, order: Order) -> np.ndarray:
    """(K,) permutation of the classes, by the best epoch: a film must not move them."""
    return class_order(matrix_of(predictions, predictions.best_epoch), order)


@lru_cache(maxsize=16)
def pairs_of(predictions: Predictions, epoch: int) -> pd.DataFrame:
    """`analysis.confusion.confused_pairs` of the run after an epoch."""
    return confused_pairs(matrix_of(predictions, epoch), predictions.classes)


def controls(*, beside: bool = False) -> MatrixView:
    """Draw the controls, each bound to the address, in lines of their own or `beside` one another; returns what they say."""
    by_colour = address.bound_choice("colour", list(COLOUR_TITLES), "counts", key=KEY + "colour")
    by_order = address.bound_choice("order", list(ORDER_TITLES), "label", key=KEY + "order")
    hide = address.bound_flag("diagonal", key=KEY + "diagonal", on="hide", off="show")
    first = _line("" if beside else "Colour", explained(COLOUR_HELP, "confusion matrix", "recall", "precision"))
    with first:
        colour = segments("Colour", COLOUR_TITLES, bare=True, **by_colour)
    with first if beside else _line("Order", ORDER_HELP):
        order = segments("Order of classes", ORDER_TITLES, bare=True, **by_order)
        hidden = st.toggle("Hide the diagonal", **hide)
    return MatrixView(colour, cast(Order, order), diagonal=not hidden)


def _line(label: str, meaning: str) -> DeltaGenerator:
    """A line of its own for a control, its label before it."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if label:
        line.markdown(label, help=meaning, width="content")
    return line


def matrix_figure(
    predictions: Predictions,
    view: MatrixView,
    cell: tuple[int, int] | None,
    *,
    epoch: int | None = None,
    order: np.ndarray | None = None,
    top: float | None = None,
    link: str = "",
) -> go.Figure:
    """The heatmap for a view after an epoch, at first the best, with `cell` (true, predicted) outlined.

    order: (M,) the classes to draw, at first all by the view's order. top: what has the full colour, at first the largest
    cell of the best epoch, so that epochs can be compared. link: what matrices that zoom together have in common.
    """
    classes = order_of(predictions, view.order) if order is None else order
    top = top_of(predictions, view) if top is None else top
    return _figure(predictions, view, cell, epoch or predictions.best_epoch, tuple(classes.tolist()), top, link)


@lru_cache(maxsize=16)
def _figure(
    predictions: Predictions,
    view: MatrixView,
    cell: tuple[int, int] | None,
    epoch: int,
    classes: tuple[int, ...],
    top: float,
    link: str,
) -> go.Figure:
    """The figure itself, which nobody changes: a page runs often, and Plotly takes its time with ten thousand cells."""
    by = cast("Literal['true', 'pred'] | None", None if view.colour == "counts" else view.colour)
    counts, order = matrix_of(predictions, epoch), np.array(classes, dtype=np.int64)
    figure = heatmap(
        normalize(counts, by) if by else counts,
        short_names(predictions.classes),
        order,
        counts=counts,
        hide_diagonal=not view.diagonal,
        selected=cell,
        top=top,
    )
    lay_out(figure, f"{view.order} {crc32(order.tobytes())}")
    figure.layout.meta["cells"]["link"] = link
    # Beside the squares is room that no height costs.
    figure.update_layout(margin={"t": 8})
    figure.update_traces(
        colorbar={"orientation": "v", "x": 1, "yref": "paper", "yanchor": "top", "len": 0.7, "title": {"side": "top"}}
    )
    return figure


def top_of(predictions: Predictions, view: MatrixView) -> float:
    """What has the full colour: the largest cell of the best epoch, in pictures or as a share."""
    counts = matrix_of(predictions, predictions.best_epoch)
    by = cast("Literal['true', 'pred'] | None", None if view.colour == "counts" else view.colour)
    values = normalize(counts, by)
    return float(values.max() if view.diagonal else (values * (1 - np.eye(len(values)))).max())


def lay_out(figure: go.Figure, order: str) -> None:
    """Put the squares at the top left and the colour scale above them.

    The zoom is forgotten when the classes change their order.
    """
    # The scale stands in a margin of our own: Plotly would reserve twice its height above the matrix.
    figure.update_layout(uirevision=order, margin={"t": 52, "r": 8})
    figure.update_traces(colorbar={"yref": "container", "y": 1, "yanchor": "top", "tickangle": 0, "len": 0.75})
    figure.update_xaxes(constraintoward="left")
    figure.update_yaxes(constraintoward="top")  # squares leave room in one direction: below and on the right


def clicked_cell(key: str, k: int) -> tuple[int, int] | None:
    """The cell (true, predicted) of k classes that was clicked in this run.

    Read before the matrix `key` is drawn, so that everything shows it.
    """
    click = click_on(key)
    cell = click.get("customdata") if isinstance(click, Mapping) else None
    if isinstance(cell, list) and len(cell) == 2 and all(isinstance(c, int) and 0 <= c < k for c in cell):
        return cell[0], cell[1]
    return None


def click_on(key: str) -> Any:
    """The click that a component has just reported, None in a run that no click of it started."""
    state = st.session_state.get(key)
    return None if state is None else state.get("click")
