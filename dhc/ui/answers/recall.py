"""The recall of single classes over the epochs: those of the clicked cell, of the choice, and of a list beside the curves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import streamlit as st

from dhc.analysis.epochs import recall_by_epoch
from dhc.figures.recall import recall_curves
from dhc.runs.records import Predictions
from dhc.text import NAME_LENGTH, short_names, shorten
from dhc.ui.answers import moment
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address
from dhc.ui.widgets.plot import plot

CURVES = "curves"
KEY = "dhc_recall_"
MOST = 10  # curves that an eye tells apart
WORST = 4  # classes, where none is chosen
HEIGHT = 300
ABOUT = (
    "Recall: of the val pictures of a class, the share that was recognised after the epoch. Dashed lines: the learning rate changed. "
    "A click on a cell of the matrix, or on a class's name beside it, brings its curves."
)


def draw(subject: Subject, cell: tuple[int, int] | None, chosen: Sequence[int]) -> None:
    """Title, list of classes, curves."""
    predictions = subject.predictions
    if len(predictions.y_pred) < 2:
        return
    classes, recall = predictions.classes, _recall(predictions)
    st.subheader("Each class over the epochs", anchor=False, help=ABOUT)
    listed: list[str] = st.multiselect(
        "Classes",
        placeholder="add a class's curve",
        format_func=lambda name: shorten(name, NAME_LENGTH),
        label_visibility="collapsed",
        **address.bound_items(CURVES, classes, key=KEY + CURVES),
    )
    shown = list(dict.fromkeys([*(cell or ()), *map(classes.index, listed), *chosen]))
    if not shown:
        shown = _worst(recall[predictions.best_epoch - 1])
        st.caption(f"No class is chosen: the {len(shown)} that the best epoch recognises least.")
    elif len(shown) > MOST:
        st.caption(f"The first {MOST} of {len(shown):,} classes.")
    _curves(subject, recall, shown[:MOST])


def _curves(subject: Subject, recall: np.ndarray, shown: Sequence[int]) -> None:
    predictions = subject.predictions
    names = short_names(predictions.classes)
    figure = recall_curves(
        recall,
        names,
        shown,
        best_epoch=predictions.best_epoch,
        rate_changes=[drop.epoch for drop in moment.drops(subject.info)],
        epoch=subject.epoch,
    )
    alt = f"Recall after each epoch of {', '.join(names[c] for c in shown)}"
    plot(figure, key=KEY + "figure", height=HEIGHT, alt=alt, clicks=False)


def _worst(recall: np.ndarray) -> list[int]:
    """The classes of the lowest recall, (K,) with NaN for those without pictures, which are left out."""
    order = np.argsort(recall, kind="stable")
    return [int(c) for c in order[:WORST] if not np.isnan(recall[c])]


@lru_cache(maxsize=8)
def _recall(predictions: Predictions) -> np.ndarray:
    return recall_by_epoch(predictions)
