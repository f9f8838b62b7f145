"""The live view of one run: what it is busy with, its curves as they grow, its pace, its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psutil
import streamlit as st

from dhc.analysis import progress
from dhc.figures import curves
from dhc.jobs import control, launch
from dhc.machine.cores import cores
from dhc.runs import rundir
from dhc.runs.contract import Process
from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo, log_tail
from dhc.text import count_text, duration_text
from dhc.ui.live import coach, knn
from dhc.ui.manage import autopsy, queue
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import state_badge, title_markdown
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.plot import plot

TICK = 0.5  # seconds between two looks at a run that is alive
PHASES = {
    "starting": "Starting the backend (a few seconds)",
    "pictures": "Reading the pictures",
    "network": "Building the network",
    "neighbours": "Comparing with the training pictures",
    "training": "Compiling the first step",
    "finishing": "Writing the summary",
}


def draw(run_id: str) -> None:
    """Draw the run and, while it is alive, look again twice a second without running the page again."""
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
    _how_it_stands(info, log, history)
    if info.config is not None and not info.trains_network:
        knn.draw(info, info.config, history)
        _events(log)
    else:
        _curves(info, log, history)
    with st.expander("Log", expanded=False):
        st.code(log_tail(info.folder) or "nothing yet", language=None, wrap_lines=True)


def _curves(info: RunInfo, log: EventLog, history: History) -> None:
    _metrics(info, log, history)
    total, said = info.epochs_total, coach.advise(info, log, history)
    left, right = st.columns(2)
    with left:
        figure = curves.learning_curves(history, metric="accuracy", epochs_total=total)
        plot(
            coach.annotate(figure, said.marks),
            key=f"accuracy-{info.id}",
            height=360,
            alt="Accuracy on training and val pictures by epoch",
            clicks=False,
        )
    with right:
        figure = curves.learning_curves(history, metric="loss", epochs_total=total)
        alt = "Loss on training and val pictures by epoch"
        plot(coach.annotate(figure, said.marks), key=f"loss-{info.id}", height=360, alt=alt, clicks=False)
    left, right = st.columns(2)
    with left:
        figure = curves.learning_rate(history, epochs_total=total)
        plot(figure, key=f"rate-{info.id}", height=240, alt="Learning rate by epoch", clicks=False)
    with right:
        _patience(info, history)
        _events(log)
    coach.draw(info, said)


def _head(info: RunInfo, log: EventLog, history: History) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="dhc-live-head"):
        state_badge(info)
        st.markdown(title_markdown(info), width="content")
        if where := log.last.get("start", {}).get("device"):
            st.markdown(plain(str(where)), width="content")
        if info.state.alive:
            _ending(info)
        if not history.epochs.empty:
            link("Mistakes")
            link("Confusion")


def _ending(info: RunInfo) -> None:
    """Stop, and for a run that does not obey, Kill."""
    with st.popover("Stop", icon=":material/stop:", key="dhc-ending"):
        if info.state is not State.STOPPING:
            st.markdown(_stop_words(info))
            stop = (launch.stop, session.runs_dir(), info.id)
            st.button("Stop this run", type="primary", on_click=attempt, args=stop, key="dhc-stop")
        if info.state is not State.QUEUED:
            kept = " What its finished epochs left is kept." if info.trains_network else ""
            st.markdown(f"If it does not obey, end its process at once.{kept}")
            st.button(
                "Kill this run",
                icon=":material/dangerous:",
                on_click=attempt,
                args=(control.kill, session.runs_dir(), info.id),
                key="dhc-kill",
            )


def _stop_words(info: RunInfo) -> str:
    if info.state is State.QUEUED:
        return "Takes it out of the queue; it can be queued again."
    if not info.trains_network:
        return "Ends it before it has any answers."
    return "Ends at the next batch and keeps the best network so far."


def _how_it_stands(info: RunInfo, log: EventLog, history: History) -> None:
    if info.state is State.QUEUED:
        queue.draw_wait(info)
    elif info.state is State.STOPPING:
        st.progress(
            _fraction(info, history), text="Stopping at the next batch …" if info.trains_network else "Stopping …"
        )
    elif info.state is State.RUNNING:
        _running(info, log, history)
    elif info.state is State.FINISHED:
        st.success(
            plain(f"{info.state.capitalize()}: {info.status.reason.rstrip('.')}."), icon=":material/check_circle:"
        )
    else:
        autopsy.draw(info)
    if info.problem:
        error_box(info.problem)


def _running(info: RunInfo, log: EventLog, history: History) -> None:
    if history.batches.empty:
        phase = str(log.last.get("phase", {}).get("phase", "starting"))
        st.progress(_share_done(phase, log.last.get("progress", {})), text=f"{plain(PHASES.get(phase, phase))} …")
        return
    last = log.last["epoch"] if history.epochs["t"].max() == history.batches["t"].max() else log.last["batch"]
    eta = last.get("eta")
    epoch = min(int(progress.position(history)) + 1, info.epochs_total or 1)
    left = f", about {duration_text(eta)} left" if isinstance(eta, int | float) else ""
    st.progress(_fraction(info, history), text=f"Epoch {epoch} of {info.epochs_total}{left}")


def _share_done(phase: str, told: Mapping[str, Any]) -> float:
    """How much of the phase is done, 0 to 1, as far as the log tells that."""
    done, total = told.get("done"), told.get("total")
    if told.get("phase") != phase or not isinstance(done, int) or not isinstance(total, int) or total < 1:
        return 0.0
    return min(1.0, max(0.0, done / total))


def _fraction(info: RunInfo, history: History) -> float:
    return progress.fraction_done(history, info.epochs_total or 1)


def _metrics(info: RunInfo, log: EventLog, history: History) -> None:
    columns = st.columns(6)
    epochs = history.epochs
    last = epochs.iloc[-1] if len(epochs) else None
    best = "–" if info.best_val_accuracy is None else f"{info.best_val_accuracy:.3f}"
    at = None if info.best_epoch is None else f"epoch {info.best_epoch}"
    columns[0].metric("Best val_accuracy", best, delta=at, delta_color="off", delta_arrow="off")
    columns[1].metric("val_accuracy", "–" if last is None else f"{last['val_accuracy']:.3f}")
    columns[2].metric("accuracy", _latest(history, "accuracy"))
    columns[3].metric("Learning rate", _rate(info, history))
    speed = _latest(history, "pictures_per_second", "{:.0f}")
    columns[4].metric("Pictures/s", speed)
    name, use = usage(info)
    columns[5].metric(name, use, help="Of the whole device, now.")


def _latest(history: History, column: str, form: str = "{:.3f}") -> str:
    for table in (history.batches, history.epochs):
        known = table[column].dropna()
        if len(known):
            return form.format(known.iloc[-1])
    return "–"


def _rate(info: RunInfo, history: History) -> str:
    if len(history.lr_changes):
        return f"{history.lr_changes['new'].iloc[-1]:.2e}"
    if len(history.epochs):
        return f"{history.epochs['learning_rate'].iloc[-1]:.2e}"
    return "–" if info.config is None else f"{info.config.optimizer.learning_rate:.2e}"


def usage(info: RunInfo) -> tuple[str, str]:
    """Which device's use to show, and how busy it is now; ``–`` when the run does not run here."""
    if info.device.startswith("gpu:"):
        busy = (
            {f"gpu:{gpu.index}": f"{gpu.utilization} %" for gpu in session.gpus()}
            if info.state is State.RUNNING
            else {}
        )
        return "GPU use", busy.get(info.device, "–")
    process = Process.read(info.folder)
    child = None if process is None else process.child
    if info.state is not State.RUNNING or child is None or child.pid is None or child.created is None:
        return "CPU use", "–"
    return "CPU use", _cpu_use(child.pid, child.created)


@st.cache_data(ttl=2, show_spinner=False)
def _cpu_use(pid: int, created: float) -> str:
    try:
        percent = _process(pid, created).cpu_percent()
    except (psutil.Error, ValueError, OverflowError):
        return "–"
    return f"{percent / cores():.0f} %"


@st.cache_resource(max_entries=16, show_spinner=False)
def _process(pid: int, created: float) -> psutil.Process:
    """One object a process: psutil measures CPU use between two calls on the same one."""
    process = psutil.Process(pid)
    process.cpu_percent(interval=0.2)
    return process


def _patience(info: RunInfo, history: History) -> None:
    if info.config is None or info.config.schedule.name != "plateau":
        return
    schedule = info.config.schedule
    now = progress.patience(history, patience=schedule.patience, min_lr=schedule.min_lr, min_delta=schedule.min_delta)
    end = "; the learning rate is at its minimum" if now.exhausted else ""
    text = f"{now.wait} of {now.patience} epochs without a better val_accuracy{end}"
    st.progress(min(1.0, now.wait / now.patience), text=text)


def _events(log: EventLog) -> None:
    for note in [event for event in log.others if event.get("kind") == "note"][-3:]:
        st.caption(plain(str(note.get("text", ""))))
    if log.problem:
        st.caption(f":material/warning: {plain(log.problem)}")
    if log.damaged:
        lines = count_text(log.damaged, "damaged line")
        st.caption(f"{lines} of {rundir.EVENTS} {'was' if log.damaged == 1 else 'were'} passed over.")
