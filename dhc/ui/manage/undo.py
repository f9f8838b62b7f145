"""Deleting runs on a screen: they go into the trash, and come back at a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.jobs import trash
from dhc.runs.naming import telling_title
from dhc.text import count_text
from dhc.ui.shell import address, session
from dhc.ui.shell.frame import choose_run, current_run
from dhc.ui.shell.markdown import bold
from dhc.ui.shell.states import error_box, guard, toast

# Places in the trash, what the first was called, sentences on the runs that could not be deleted.
DELETED = "dhc_deleted"
KEY = "dhc_undo_"


def delete(run_ids: Sequence[str]) -> None:
    """Delete those of the runs that have ended, in a callback. `draw` says what became of them; the address forgets them."""
    everyone = session.runs()
    deletion = trash.delete_all(session.runs_dir(), run_ids)
    ids = [trash.id_of(place) for place in deletion.places]
    names = [telling_title(info, everyone) for info in everyone if info.id in ids[:1]]
    st.session_state[DELETED] = (deletion.places, "".join(names or ids[:1]), list(deletion.refusals.values()))
    baseline = st.query_params.get("baseline")
    _select([run_id for run_id in address.words("select") if run_id not in ids])
    address.put(baseline=None if baseline in ids else baseline)
    if current_run() in ids:
        choose_run(None)


def draw() -> None:
    """After a deletion: say so, and offer to undo it."""
    places, name, failures = st.session_state.get(DELETED, ((), "", ()))
    if places:
        runs = f"{bold(name)} is" if len(places) == 1 else f"{count_text(len(places), 'run')} are"
        with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
            st.markdown(f":material/delete: {runs} in the trash.", width="content")
            st.button("Undo", icon=":material/undo:", on_click=restore, args=places, key=KEY + "undo")
            st.button("Dismiss", type="tertiary", on_click=_forget, key=KEY + "dismiss")
    if failures:
        error_box(" ".join(f"{failure.rstrip('.')}." for failure in failures))


def restore(*places: Path) -> None:
    """Restore deleted runs and select them, in a callback. A toast says what could not be restored."""
    st.session_state.pop(DELETED, None)
    for place in places:
        with guard(toast):
            run_id = trash.restore(session.runs_dir(), place)
            choose_run(run_id)
            _select([*address.words("select"), run_id])


def _select(run_ids: Sequence[str]) -> None:
    address.put(select=",".join(filter(None, dict.fromkeys(run_ids))) or None)


def _forget() -> None:
    st.session_state.pop(DELETED, None)
