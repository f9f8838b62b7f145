"""Overfitting: a run's two curves, the gap between them, and where early stopping would have ended it."""

from __future__ import annotations

import streamlit as st

from dhc.figures import lesson_curves
from dhc.lessons.stopping import ending, gaps
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.ui.lessons import recorded
from dhc.ui.shell import address

PATIENCE = "of_patience"  # in the address
FIRST_PATIENCE, MOST_PATIENCE = 2, 30
KEY = "dhc_lesson_overfitting_"


def draw(words: Words) -> None:
    """The run, a patience, the curves, and what it comes to in figures."""
    left, right = st.columns([3, 2])
    with left:
        curves = recorded.choose(words, key=f"{KEY}run", telling=_gap)
    if curves is None:
        return
    bound = address.bound_integer(PATIENCE, low=1, high=MOST_PATIENCE, key=f"{KEY}patience", default=FIRST_PATIENCE)
    end = ending(curves.val, int(right.slider(words("patience"), **bound)))
    gap = gaps(curves.train, curves.val)
    columns = st.columns(4)
    for column, label, text in zip(
        columns,
        ("last", "best", "best_value", "gap"),
        (
            words("of", epoch=end.last, epochs=len(curves.val)),
            words("epoch_number", epoch=end.best),
            words("share", value=curves.val[end.best - 1]),
            words("share", value=gap[end.last - 1]),
        ),
        strict=True,
    ):
        column.metric(words(label), text)
    figure = lesson_curves.overfitting(curves.train, curves.val, end, say=words)
    alt = words("alt", last=end.last, best=end.best, gap=gap[end.last - 1])
    recorded.show(figure, words, key=f"{KEY}chart", alt=alt, height=300)


def _gap(info: RunInfo) -> float:
    return info.gap or 0.0
