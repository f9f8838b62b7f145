"""The confusion matrix of a run as a figure, and the controls that say how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dhc.analysis.confusion import Order, class_order, confused_pairs, confusion_matrix, normalize
from dhc.figures.confusion import heatmap
from dhc.runs.records import Predictions
from dhc.text import short_names
from dhc.ui.shell import address

KEY = "dhc_confusion_"
COLOUR = {"counts": "Pictures", "true": "Share of true", "pred": "Share of predicted"}
ORDERED = {"label": "Label", "frequency": "Frequency", "similarity": "Similarity"}


@dataclass(frozen=True)
class MatrixView:
    """How the matrix is drawn: a key of COLOUR, an order of the classes, and whether the diagonal is shown."""

    colour: str
    order: Order
    diagonal: bool


@lru_cache(maxsize=8)
def matrix_of(p: Predictions) -> np.ndarray:
    """(K, K) int64 counts of a run's val, rows true, columns predicted."""
    return confusion_matrix(p.y_true, p.predicted, len(p.classes))


@lru_cache(maxsize=24)
def order_of(p: Predictions, by: Order) -> np.ndarray:
    """(K,) permutation of the classes."""
    return class_order(matrix_of(p), by)


@lru_cache(maxsize=8)
def pairs_of(p: Predictions) -> pd.DataFrame:
    """`analysis.confusion.confused_pairs` of the run."""
    return confused_pairs(matrix_of(p), p.classes)


def controls() -> MatrixView:
    """Draw the controls, set to what the address says; each change is written into the address. Returns the view."""
    colour = st.segmented_control(
        "Colour",
        format_func=COLOUR.__getitem__,
        required=True,
        help="Pictures in the cell; their share of the true class (rows add up to 100%, the diagonal is recall); or of "
        "the predicted class (columns do, the diagonal is precision).",
        **address.bound_choice("colour", list(COLOUR), "counts", key=KEY + "colour"),
    )
    order = st.segmented_control(
        "Order of classes",
        format_func=ORDERED.__getitem__,
        required=True,
        help="By similarity, classes that are taken for one another stand side by side.",
        **address.bound_choice("order", list(ORDERED), "label", key=KEY + "order"),
    )
    hide = address.bound_flag("diagonal", key=KEY + "diagonal", on="hide", off="show")
    return MatrixView(colour, cast(Order, order), diagonal=not st.toggle("Hide the diagonal", **hide))


def matrix_figure(p: Predictions, look: MatrixView, cell: tuple[int, int] | None) -> go.Figure:
    """The heatmap for a look, with `cell` outlined."""
    counts = matrix_of(p)
    how = cast("Literal['true', 'pred'] | None", None if look.colour == "counts" else look.colour)
    figure = heatmap(
        normalize(counts, how) if how else counts,
        short_names(p.classes),
        order_of(p, look.order),
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
