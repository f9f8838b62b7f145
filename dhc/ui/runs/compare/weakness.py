"""Weak spots: which classes a run mixes up, which families they form, of which classes val says little; each with its pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.analysis import weakness
from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.ranking import best_first
from dhc.analysis.significance import ALPHA, contingency_table, mcnemar_p
from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.answers.pairs import align
from dhc.ui.runs.compare import nothing
from dhc.ui.shell import address, chosen, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.widgets.controls import segments

KEY = "dhc_weakness_"
RUN = "weak_run"
MOST_RUNS = 8  # to choose from
NONE = "None of the selected runs has answers yet: the first epoch must end, and its answers must still be there."


def draw(runs: Sequence[RunInfo]) -> None:
    """The weak spots of one of the runs, at first the best, and whether val can tell the best two apart."""
    with_answers = best_first([info for info in runs if (info.folder / rundir.PREDICTIONS).is_file()])[:MOST_RUNS]
    if not with_answers:
        nothing.say(NONE, icon=":material/hourglass_empty:", count=1)
        return
    info = _pick(with_answers)
    predictions = session.predictions(info)
    matrix = confusion_matrix(predictions.y_true, predictions.predicted, len(predictions.classes))
    if matrix.sum() == matrix.trace():
        st.markdown(f"{bold(info.title)} makes no mistake on val.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        _pairs(info, matrix, predictions.classes)
        _uncertain(info, matrix, predictions.classes)
        if len(with_answers) > 1:
            _size_of_val(*with_answers[:2])
    with right:
        _families(info, matrix, predictions.classes)


def _pick(runs: Sequence[RunInfo]) -> RunInfo:
    if len(runs) == 1:
        return runs[0]
    by_id, names = {info.id: info for info in runs}, titles(runs)
    labels = {run_id: shorten(names[run_id], 30) for run_id in by_id}
    binding = address.bound_choice(RUN, list(by_id), runs[0].id, key=KEY + "run", write_default=True)
    return by_id[segments("Of", labels, **binding)]


def _pairs(info: RunInfo, matrix: np.ndarray, classes: Sequence[str]) -> None:
    st.markdown("**Mixed up most**")
    for pair in weakness.mixed_pairs(matrix):
        i, j = pair.cell
        _spot(weakness.pair_text(pair, classes, bold), "Confusion", "Their pictures", run=info.id, cell=f"{i},{j}")


def _uncertain(info: RunInfo, matrix: np.ndarray, classes: Sequence[str]) -> None:
    found = weakness.uncertain_classes(matrix)
    if found:
        st.markdown("**Of these classes val says little**")
    for one in found:
        place = {chosen.CLASSES: address.listed([classes[one.place]])}
        _spot(weakness.uncertain_text(one, classes, bold), "Mistakes", "Its mistakes", run=info.id, **place)


def _spot(sentence: str, page: str, text: str, **params: str) -> None:
    """A weak spot in a sentence, and the link to its pictures."""
    left, right = st.columns([5, 2], gap="small", vertical_alignment="center")
    left.markdown(sentence)
    with right:
        link(page, text=text, **params)


def _families(info: RunInfo, matrix: np.ndarray, classes: Sequence[str]) -> None:
    found = weakness.families(matrix)
    st.markdown(weakness.families_text(matrix, found))
    if not found:
        return
    rows = [
        {
            "family": ", ".join(shorten(classes[place], 28) for place in one.places),
            "exactly": 100 * one.recall,
            "within": 100 * one.within,
            "share": 100 * one.share,
        }
        for one in found
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key=KEY + "families",
        height=min(38 + 35 * len(rows), 388),
        column_config={
            "family": st.column_config.TextColumn(width=290),
            "exactly": st.column_config.NumberColumn(
                help="Share of its pictures that get their own class.", format="%.0f%%"
            ),
            "within": st.column_config.NumberColumn(
                help="Share of its pictures that get a class of the family.", format="%.0f%%"
            ),
            "share": st.column_config.NumberColumn(
                "of all mistakes", help="Share of all mistakes that stay within the family.", format="%.0f%%"
            ),
        },
        alt="Families of classes that are taken for one another",
    )


def _size_of_val(a: RunInfo, b: RunInfo) -> None:
    """Whether val has pictures enough to tell two runs apart."""
    try:
        table = contingency_table(align(a, b).pairing)
    except RunError:
        return  # other pictures: Real or noise? says so
    if mcnemar_p(table) < ALPHA:
        return
    names = titles([a, b])
    more = weakness.needed_text(weakness.pictures_needed(table))
    st.markdown(
        f"**Val is too small** to tell {plain(shorten(names[a.id], 40))} and {plain(shorten(names[b.id], 40))} apart: its "
        f"{count_text(table.n, 'picture')} do not show the difference, {more}."
    )
