"""Ending a run with the epoch that runs: the button for it, and the one that takes it back."""

from __future__ import annotations

import streamlit as st

from dhc.jobs import launch
from dhc.runs.status import State, ends_after_epoch
from dhc.runs.store import RunInfo
from dhc.ui.shell import session
from dhc.ui.shell.states import attempt


def after_epoch_button(info: RunInfo, *, key: str) -> None:
    """Draw it for a network that trains; nothing for any other run."""
    if info.state is not State.RUNNING or not info.has_epochs:
        return
    is_asked = ends_after_epoch(info.folder)
    st.button(
        "Go on after all" if is_asked else "Stop after this epoch",
        icon=":material/play_arrow:" if is_asked else ":material/stop_circle:",
        help="It is about to stop with the epoch that runs."
        if is_asked
        else "The epoch is finished, judged and saved.",
        on_click=attempt,
        args=(launch.keep_on if is_asked else launch.stop_after_epoch, session.runs_dir(), info.id),
        key=key,
    )
