"""The line above a run's curves: how far it is, on what it runs, how it ended or can be ended, where its answers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dhc.analysis import progress
from dhc.jobs import control, launch
from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.status import State, ends_after_epoch
from dhc.runs.store import RunInfo
from dhc.text import duration_text
from dhc.ui.live import tab
from dhc.ui.manage import handed
from dhc.ui.manage.ending import after_epoch_button
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt

TIME_LEFT = "dhc_time_left"  # of the session: the run and the seconds left that it showed last
PHASES = {
    "starting": "Starting the backend (a few seconds)",
    "pictures": "Reading the pictures",
    "network": "Building the network",
    "neighbours": "Comparing with the training pictures",
    "training": "Compiling the first step",
    "finishing": "Writing the summary",
}


def draw(info: RunInfo, log: EventLog, history: History, name: str) -> None:
    """Draw it, all in one line where the window has room; `name` is what the browser's tab calls the run."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="dhc-live-head"):
        if info.state is State.RUNNING:
            _running(info, log, history)
        elif info.state is State.STOPPING:
            text = "Stopping at the next batch …" if info.trains_network else "Stopping …"
            st.progress(tab.fraction(info, history), text=text)
        elif info.state is State.FINISHED:
            sentence = plain(f"{info.state.capitalize()}: {info.status.reason.rstrip('.')}.")
            st.markdown(sentence, width="content")
        if device := log.last.get("start", {}).get("device"):
            st.markdown(f":small[{plain(str(device))}]", width="content")
        handed.place_link(info, says_why=False)  # what it waits for stands below
        st.markdown(f":small[`{info.id}`]", width="content")
        if info.state.alive and not sharing.is_read_only():
            _ending(info)
        tab.draw(info, history, name)
        if not history.epochs.empty:
            link("Mistakes")
            link("Confusion")


def _running(info: RunInfo, log: EventLog, history: History) -> None:
    if not history.search.empty:
        return  # the search says itself how far it is
    if history.batches.empty:
        phase = str(log.last.get("phase", {}).get("phase", "starting"))
        fraction = _phase_fraction(phase, log.last.get("progress", {}))
        st.progress(fraction, text=f"{plain(PHASES.get(phase, phase))} …")
        return
    epoch = progress.epoch(history, info.epochs_total)
    of = f" of {info.epochs_total}" if info.epochs_total else ""  # its settings may be unreadable
    end = f"; stops after epoch {epoch}" if ends_after_epoch(info.folder) else _time_left(info, history)
    st.progress(tab.fraction(info, history), text=f"Epoch {epoch}{of}{end}")


def _time_left(info: RunInfo, history: History) -> str:
    """How long the rest takes, in words after a comma; steadied, since a figure that jumps helps nobody."""
    seconds = progress.seconds_left(history, info.epochs_total) if info.epochs_total else None
    if seconds is None:
        return ""
    run_id, before = st.session_state.get(TIME_LEFT, ("", None))
    shown = progress.steadied(before if run_id == info.id else None, seconds)
    st.session_state[TIME_LEFT] = (info.id, shown)
    return f", about {duration_text(shown)} left"


def _phase_fraction(phase: str, event: Mapping[str, Any]) -> float:
    """How much of the phase is done, 0 to 1, by the log's last progress event.

    0 where that event is of another phase.
    """
    count, total = event.get("done"), event.get("total")
    if event.get("phase") != phase or not isinstance(count, int) or not isinstance(total, int) or total < 1:
        return 0.0
    return min(1.0, max(0.0, count / total))


def _ending(info: RunInfo) -> None:
    """Stop now or after the epoch, and Kill for a run that does not react."""
    with st.popover("Stop", icon=":material/stop:", key="dhc-ending"):
        if info.state is not State.STOPPING:
            st.markdown(_stop_effect(info))
            stop, label = (launch.stop, session.runs_dir(), info.id), _stop_label(info)
            st.button(label, type="primary", on_click=attempt, args=stop, key="dhc-stop")
        after_epoch_button(info, key="dhc-stop-after-epoch")
        if info.state is not State.QUEUED:
            loss = " The results of its finished epochs are kept." if info.has_epochs else ""
            st.markdown(f"If it does not react, end its process at once.{loss}")
            st.button(
                "Kill this run",
                icon=":material/dangerous:",
                on_click=attempt,
                args=(control.kill, session.runs_dir(), info.id),
                key="dhc-kill",
            )


def _stop_label(info: RunInfo) -> str:
    return "Take it out" if info.state is State.QUEUED else "Stop now"


def _stop_effect(info: RunInfo) -> str:
    if info.state is State.QUEUED:
        return "Takes it out of the queue; it can be queued again."
    if info.search is not None:
        return "Ends at the next batch; the batches so far are kept."
    if not info.trains_network:
        return "Ends it before it has any answers."
    return "Ends at the next batch and keeps the best network so far."
