"""A run's name and note at launch: proposed by what differs from the run before, until a person writes another."""

from __future__ import annotations

import streamlit as st

from dhc.config import RunConfig
from dhc.runs.lenient import MAX_NAME, MAX_NOTE
from dhc.runs.naming import proposed_name
from dhc.runs.store import RunInfo
from dhc.ui.shell import session
from dhc.ui.train import draft

NAME, NOTE = "dhc_run_name", "dhc_run_note"
OWN, OWN_NOTE, PROPOSED = "dhc_run_name_own", "dhc_run_note_own", "dhc_run_name_proposed"
NAME_HELP = "Follows what differs from the run before, until you write your own; empty it to have the proposal back."


def ask(config: RunConfig) -> tuple[str, str]:
    """Draw both fields; returns the name and the note."""
    st.session_state[PROPOSED] = proposed_name(config, run_before())
    st.session_state[NAME] = st.session_state.get(OWN) or st.session_state[PROPOSED]
    name = st.text_input("Name", key=NAME, max_chars=MAX_NAME, help=NAME_HELP, on_change=_keep)
    return str(name or st.session_state[PROPOSED]), ask_note()


def ask_note() -> str:
    """Draw the field of the note alone, as for the runs of a sweep, which have names; returns the note."""
    st.session_state[NOTE] = st.session_state.get(OWN_NOTE, "")
    note = st.text_area(
        "Note", key=NOTE, max_chars=MAX_NOTE, height=68, placeholder="What do you try, and why?", on_change=_keep_note
    )
    return str(note or "")


def run_before() -> RunInfo | None:
    """The run that a name tells a new one from: the original of a copy, else the latest of one's own."""
    original = session.run_or_none(draft.parent() or None)
    return original or next((info for info in session.runs() if not info.example and info.config is not None), None)


def forget() -> None:
    """Let the next run have a name and a note of its own."""
    for key in (OWN, OWN_NOTE):
        st.session_state.pop(key, None)


def _keep() -> None:
    name = str(st.session_state.get(NAME) or "").strip()
    st.session_state[OWN] = "" if name == st.session_state.get(PROPOSED) else name


def _keep_note() -> None:
    st.session_state[OWN_NOTE] = st.session_state.get(NOTE, "")
