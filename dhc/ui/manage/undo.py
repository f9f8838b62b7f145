"""Deleting runs on a screen: they go into the trash, and come back at a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.jobs import trash
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, current_run
from dhc.ui.shell.states import error_box, guard, toast

DELETED = "dhc_deleted"  # places in the trash, and sentences on the runs that could not be deleted
KEY = "dhc_undo_"


def delete(run_ids: Sequence[str]) -> None:
    """Delete those of the runs that have ended, in a callback. `draw` says what became of them."""
    deletion = trash.delete_all(session.runs_dir(), run_ids)
    st.session_state[DELETED] = (deletion.places, list(deletion.refusals.values()))
    if current_run() in {trash.id_of(place) for place in deletion.places}:
        choose_run(None)


def draw() -> None:
    """After a deletion: say so, and offer to undo it."""
    places, failures = st.session_state.get(DELETED, ((), ()))
    if places:
        runs = f"`{trash.id_of(places[0])}` is" if len(places) == 1 else f"{count_text(len(places), 'run')} are"
        with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
            st.markdown(f":material/delete: {runs} in the trash.", width="content")
            st.button("Undo", icon=":material/undo:", on_click=restore, args=places, key=KEY + "undo")
            st.button("Dismiss", type="tertiary", on_click=_forget, key=KEY + "dismiss")
    if failures:
        error_box(" ".join(f"{failure.rstrip('.')}." for failure in failures))


def restore(*places: Path) -> None:
    """Restore deleted runs, in a callback. A toast says what could not be restored."""
    st.session_state.pop(DELETED, None)
    for place in places:
        with guard(toast):
            choose_run(trash.restore(session.runs_dir(), place))


def _forget() -> None:
    st.session_state.pop(DELETED, None)
