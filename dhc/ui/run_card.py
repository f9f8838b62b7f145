"""The card of one run: how it stands, where it can be looked at, and all that can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dhc.jobs import launch, trash
from dhc.runs.rundir import RunError
from dhc.runs.store import RunInfo
from dhc.ui import bet, session, submission
from dhc.ui.frame import choose_run, link
from dhc.ui.pickers import state_badge
from dhc.ui.states import error_box, plain

DELETED = "dhc_deleted"
DELETIONS = (
    "dhc_deletions"  # how many runs this session has deleted: what names a row by its number is wrong after each
)


def draw(info: RunInfo) -> None:
    """The run's state, links, actions and settings."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(info)
            st.markdown(f"`{info.id}`", width="content")
            link("Live", run=info.id)
            if info.best_val_accuracy is not None:
                link("Mistakes", run=info.id)
                link("Confusion", run=info.id)
            if info.state.alive:
                st.button("Stop", icon=":material/stop:", on_click=_stop, args=(info.id,))
            else:
                st.button(
                    "Delete",
                    icon=":material/delete:",
                    on_click=_delete,
                    args=(info.id,),
                    help="Moves it to the trash; you can undo it.",
                )
        if info.status.reason:
            st.markdown(plain(info.status.reason))
        if info.problem:
            error_box(info.problem)
        bet.card(info)
        submission.draw(info)
        if info.config is not None:
            with st.expander("Settings"):
                st.code(info.config.to_json(), language="json")


def _stop(run_id: str) -> None:
    _try(lambda: launch.stop(session.runs_dir(), run_id))


def _delete(run_id: str) -> None:
    def delete() -> None:
        st.session_state[DELETED] = str(trash.delete(session.runs_dir(), run_id))
        st.session_state[DELETIONS] = st.session_state.get(DELETIONS, 0) + 1
        choose_run(None)

    _try(delete)


def undo() -> None:
    """After a deletion: say so, and offer to take it back."""
    place = st.session_state.get(DELETED)
    if place is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/delete: `{Path(place).name.partition('.')[0]}` is in the trash.", width="content")
        st.button("Undo", icon=":material/undo:", on_click=_restore, args=(place,))


def _restore(place: str) -> None:
    st.session_state.pop(DELETED, None)
    _try(lambda: choose_run(trash.restore(session.runs_dir(), Path(place))))


def _try(action: Callable[[], None]) -> None:
    try:
        action()
    except (RunError, OSError) as error:
        st.toast(plain(str(error)), icon=":material/error:")
