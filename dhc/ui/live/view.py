"""The live view of one run: what it is doing, its curves as they grow, its log, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import streamlit as st

from dhc.analysis import progress
from dhc.figures import curves
from dhc.jobs import control, launch
from dhc.runs import rundir
from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo, log_tail
from dhc.text import count_text, duration_text
from dhc.ui.live import coach, knn, metrics
from dhc.ui.manage import autopsy, queue
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.plot import plot

TICK = 0.5  # seconds between two updates while the run is alive
NOTES = 3  # of the log, the latest
PHASES = {
    "starting": "Starting the backend (a few seconds)",
    "pictures": "Reading the pictures",
    "network": "Building the network",
    "neighbours": "Comparing with the training pictures",
    "training": "Compiling the first step",
    "finishing": "Writing the summary",
}


def draw(run_id: str) -> None:
    """Draw the run; while it is alive, twice a second, without running the page again."""
    watch(
        lambda: session.run(run_id),
        _draw,
        every=TICK,
        alive=lambda info: info.state.alive,
        page=lambda info: info.state,  # the page's picker names it
        key="dhc-live",
    )


def _draw(info: RunInfo) -> None:
    log = session.log(info.id)
    history = log.history()
    _head(info, log, history)
    _state(info, log, history)
    if info.config is not None and not info.trains_network:
        knn.draw(info, info.config, history)
        _notes(log)
    else:
        _network(info, log, history)
    with st.expander("Log", expanded=False):
        st.code(log_tail(info.folder) or "nothing yet", language=None, wrap_lines=True)


def _network(info: RunInfo, log: EventLog, history: History) -> None:
    metrics.draw(info, history)
    advice = coach.advise(info, log, history)
    left, right = st.columns(2)
    with left:
        _curves("accuracy", info, history, advice)
    with right:
        _curves("loss", info, history, advice)
    left, right = st.columns(2)
    with left:
        figure = curves.learning_rate(history, epochs_total=info.epochs_total)
        plot(figure, key=f"rate-{info.id}", height=240, alt="Learning rate by epoch", clicks=False)
    with right:
        _patience(info, history)
        _notes(log)
    coach.draw(info, advice)


def _curves(metric: Literal["accuracy", "loss"], info: RunInfo, history: History, advice: coach.Advice) -> None:
    figure = curves.learning_curves(history, metric=metric, epochs_total=info.epochs_total)
    alt = f"{metric.capitalize()} on training and val pictures by epoch"
    plot(coach.annotate(figure, advice.marks), key=f"{metric}-{info.id}", height=360, alt=alt, clicks=False)


def _head(info: RunInfo, log: EventLog, history: History) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="dhc-live-head"):
        if info.state is State.FINISHED:
            st.markdown(plain(f"{info.state.capitalize()}: {info.status.reason.rstrip('.')}."), width="content")
        if device := log.last.get("start", {}).get("device"):
            st.markdown(plain(str(device)), width="content")
        st.markdown(f":small[`{info.id}`]", width="content")
        if info.state.alive and not sharing.is_read_only():
            _ending(info)
        if not history.epochs.empty:
            link("Mistakes")
            link("Confusion")


def _ending(info: RunInfo) -> None:
    """Stop, and Kill for a run that does not react."""
    with st.popover("Stop", icon=":material/stop:", key="dhc-ending"):
        if info.state is not State.STOPPING:
            st.markdown(_stop_effect(info))
            stop = (launch.stop, session.runs_dir(), info.id)
            st.button("Stop this run", type="primary", on_click=attempt, args=stop, key="dhc-stop")
        if info.state is not State.QUEUED:
            loss = " The results of its finished epochs are kept." if info.trains_network else ""
            st.markdown(f"If it does not react, end its process at once.{loss}")
            st.button(
                "Kill this run",
                icon=":material/dangerous:",
                on_click=attempt,
                args=(control.kill, session.runs_dir(), info.id),
                key="dhc-kill",
            )


def _stop_effect(info: RunInfo) -> str:
    if info.state is State.QUEUED:
        return "Takes it out of the queue; it can be queued again."
    if not info.trains_network:
        return "Ends it before it has any answers."
    return "Ends at the next batch and keeps the best network so far."


def _state(info: RunInfo, log: EventLog, history: History) -> None:
    if info.state is State.QUEUED:
        queue.draw_wait(info)
    elif info.state is State.STOPPING:
        text = "Stopping at the next batch …" if info.trains_network else "Stopping …"
        st.progress(_fraction(info, history), text=text)
    elif info.state is State.RUNNING:
        _running(info, log, history)
    elif info.state is not State.FINISHED:
        autopsy.draw(info)
    if info.problem:
        error_box(info.problem)


def _running(info: RunInfo, log: EventLog, history: History) -> None:
    if history.batches.empty:
        phase = str(log.last.get("phase", {}).get("phase", "starting"))
        fraction = _phase_fraction(phase, log.last.get("progress", {}))
        st.progress(fraction, text=f"{plain(PHASES.get(phase, phase))} …")
        return
    last = log.last["epoch"] if history.epochs["t"].max() == history.batches["t"].max() else log.last["batch"]
    eta = last.get("eta")
    epoch = min(int(progress.position(history)) + 1, info.epochs_total or 1)
    time_left = f", about {duration_text(eta)} left" if isinstance(eta, int | float) else ""
    st.progress(_fraction(info, history), text=f"Epoch {epoch} of {info.epochs_total}{time_left}")


def _phase_fraction(phase: str, event: Mapping[str, Any]) -> float:
    """How much of the phase is done, 0 to 1, by the log's last progress event.

    0 where that event is of another phase.
    """
    count, total = event.get("done"), event.get("total")
    if event.get("phase") != phase or not isinstance(count, int) or not isinstance(total, int) or total < 1:
        return 0.0
    return min(1.0, max(0.0, count / total))


def _fraction(info: RunInfo, history: History) -> float:
    return progress.fraction_done(history, info.epochs_total or 1)


def _patience(info: RunInfo, history: History) -> None:
    if info.config is None or info.config.schedule.name != "plateau":
        return
    schedule = info.config.schedule
    patience = progress.patience(
        history, patience=schedule.patience, min_lr=schedule.min_lr, min_delta=schedule.min_delta
    )
    end = "; the learning rate is at its minimum" if patience.exhausted else ""
    text = f"{patience.wait} of {patience.patience} epochs without a better val_accuracy{end}"
    st.progress(min(1.0, patience.wait / patience.patience), text=text)


def _notes(log: EventLog) -> None:
    """The latest notes of the log, and what of it could not be read."""
    for note in [event for event in log.others if event.get("kind") == "note"][-NOTES:]:
        st.caption(plain(str(note.get("text", ""))))
    if log.problem:
        st.caption(f":material/warning: {plain(log.problem)}")
    if log.damaged_lines:
        lines = count_text(log.damaged_lines, "damaged line")
        st.caption(f"{lines} of {rundir.EVENTS} {'was' if log.damaged_lines == 1 else 'were'} skipped.")
