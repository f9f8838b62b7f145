"""A second run beside the first on the screens of answers: B beside A, on the pictures that both were judged on."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import streamlit as st

from dhc.analysis.mistakes import outcomes
from dhc.analysis.paired import Pairing, on_shared_pictures, reviewed_text
from dhc.analysis.pictures import pictures_of, same_data
from dhc.errors import RunError
from dhc.runs.naming import titles
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.answers.pairs import align
from dhc.ui.answers.subject import Subject
from dhc.ui.shell import address, session
from dhc.ui.shell.chosen import VERSUS
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import offered
from dhc.ui.shell.states import error_box

KEY = "dhc_versus"
TITLE = 44  # characters of a run's title


def pick(info: RunInfo) -> RunInfo | None:
    """Draw the choice of the run to compare with, those on the same pictures first; returns it, None for none."""
    others = [one for one in session.runs() if one.id != info.id and one.epochs_done > 0]
    if not others:
        return None
    comparable = {one.id for one in others if _has_data_of(info, one)}
    others.sort(key=lambda one: one.id not in comparable)
    infos = {one.id: one for one in offered(others, (st.query_params.get(VERSUS, ""),))}
    names = titles([info, *infos.values()])
    st.session_state[KEY] = address.choice(VERSUS, list(infos), "") or None
    run_id: str | None = st.selectbox(
        "Compare with",
        list(infos),
        index=None,
        key=KEY,
        placeholder="Compare with …",
        format_func=lambda run_id: (
            _label(infos.get(run_id), names.get(run_id, run_id))
            + ("" if run_id in comparable else " · on other pictures")
        ),
        on_change=_save,
        label_visibility="collapsed",
        width="stretch" if st.session_state[KEY] else 210,
    )
    return infos.get(run_id or "")


def _has_data_of(info: RunInfo, other: RunInfo) -> bool:
    """Whether both are of one val split, as far as their settings can be read."""
    return not (info.config and other.config) or same_data(pictures_of(info), pictures_of(other))


def _label(info: RunInfo | None, name: str | None) -> str:
    best = "" if info is None or info.best_val_accuracy is None else f" · {info.best_val_accuracy:.3f}"
    return f"{shorten(name or '', TITLE)}{best}"


def _save() -> None:
    address.put(**{VERSUS: st.session_state[KEY], "show": None, "page": None, "picture": None})


def beside(subject: Subject, other: RunInfo) -> tuple[Subject, Subject] | None:
    """A and B on the pictures that both were judged on; None, said in a sentence, where they cannot be compared.

    A's epoch is B's too, as far as B has so many; at A's best epoch B is at its own best.
    """
    try:
        pair = align(subject.info, other)
    except RunError as error:
        error_box(error)
        st.button("Show this run alone", key=KEY + "_none", on_click=address.put, kwargs={VERSUS: None})
        return None
    a, b = _on_shared(pair.pairing, pair.predictions_a, pair.predictions_b)
    if pair.pairing.only_a or pair.pairing.only_b:
        st.caption(f"On the {count_text(len(a.ids), 'val picture')} that A and B share.")
    if reviewed := reviewed_text(pair.pairing.reviewed):
        st.caption(reviewed)
    album = replace(subject.album, ids=a.ids)
    epoch = b.best_epoch if subject.of_best else min(subject.epoch, len(b.y_pred))
    return (
        Subject(pair.a, a, _table(a, subject.epoch), album, subject.epoch),
        Subject(pair.b, b, _table(b, epoch), album, epoch),
    )


def headings(a: Subject, b: Subject) -> tuple[str, str]:
    """Markdown: A and B with their titles, what their answers reached, and after which epoch."""
    names = titles([a.info, b.info])
    return _heading("A", a, names[a.info.id]), _heading("B", b, names[b.info.id])


def _heading(letter: str, subject: Subject, name: str) -> str:
    best = ", the best" if subject.of_best else ", not the best"
    accuracy = float(subject.table["correct"].mean())
    return f"**{letter}** · {plain(shorten(name, TITLE))} · **{accuracy:.3f}** after epoch {subject.epoch:,}{best}"


_table = lru_cache(maxsize=8)(outcomes)


@lru_cache(maxsize=8)
def _on_shared(pairing: Pairing, a: Predictions, b: Predictions) -> tuple[Predictions, Predictions]:
    return on_shared_pictures(pairing, a, pairing.rows_a), on_shared_pictures(pairing, b, pairing.rows_b)
