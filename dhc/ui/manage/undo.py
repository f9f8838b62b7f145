"""Deleting runs on a screen: they go into the trash, which is said, and come back at a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.jobs import trash
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, current_run
from dhc.ui.shell.states import error_box, guard, toast

DELETED = "dhc_deleted"  # where they are now, and what was said of those that could not be deleted
KEY = "dhc_undo_"


def delete(run_ids: Sequence[str]) -> None:
    """Delete those that can be; to be called in a callback. `draw` says what became of them."""
    done = trash.delete_all(session.runs_dir(), run_ids)
    st.session_state[DELETED] = (done.places, list(done.refused.values()))
    if current_run() in {trash.id_of(place) for place in done.places}:
        choose_run(None)


def draw() -> None:
    """After a deletion: say so, and offer to take it back."""
    places, refused = st.session_state.get(DELETED, ((), ()))
    if places:
        told = f"`{trash.id_of(places[0])}` is" if len(places) == 1 else f"{count_text(len(places), 'run')} are"
        with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
            st.markdown(f":material/delete: {told} in the trash.", width="content")
            st.button("Undo", icon=":material/undo:", on_click=bring_back, args=places, key=KEY + "undo")
            st.button("Dismiss", type="tertiary", on_click=_forget, key=KEY + "dismiss")
    if refused:
        error_box(" ".join(f"{sentence.rstrip('.')}." for sentence in refused))


def bring_back(*places: Path) -> None:
    """Bring deleted runs back; to be called in a callback. A toast says why where that cannot be."""
    st.session_state.pop(DELETED, None)
    for place in places:
        with guard(toast):
            choose_run(trash.restore(session.runs_dir(), place))


def _forget() -> None:
    st.session_state.pop(DELETED, None)
