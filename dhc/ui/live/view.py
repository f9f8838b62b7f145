"""The live view of one run: what it is doing, its curves as they grow, its log, and its end."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import streamlit as st

from dhc.analysis import progress
from dhc.analysis.coach import Mark
from dhc.figures import curves, gpu
from dhc.figures.junction import Joint
from dhc.models.schedules import rate_of_epoch
from dhc.runs import rundir
from dhc.runs.events import EventLog
from dhc.runs.naming import telling_title, titles
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo, log_tail
from dhc.text import count_text, shorten
from dhc.ui.live import change, coach, ended, head, knn, metrics
from dhc.ui.manage import autopsy, branching, handed, kin, layers, queue
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.states import error_box
from dhc.ui.shell.watch import watch
from dhc.ui.train import search
from dhc.ui.widgets import assets
from dhc.ui.widgets.plot import plot, to_json

TICK = 0.5  # seconds between two updates while the run is alive
MANY = 1_000  # runs; at each of them is looked while one waits, for those that train
NOTES = 3  # of the log, the latest
MOST_LINKS = 3  # to runs that train
HEIGHT, LOW = 360, 240  # CSS pixels of the charts; live.css fits the upper ones to the window


def draw(run_id: str) -> None:
    """Draw the run; while it is alive, twice a second, without running the page again."""
    st.html(assets.path("live/live.css"))
    info = session.run(run_id)
    # Once a page: ten thousand runs are too many for each tick.
    name, family = telling_title(info, session.runs()), kin.family(info)
    watch(
        lambda: session.run(run_id),
        lambda info: _draw(info, name, family),
        every=queue.TICK if info.state is State.QUEUED and len(family.everyone) > MANY else TICK,
        alive=lambda info: info.state.alive,
        page=lambda info: info.state,  # the page's picker names it
        key="dhc-live",
    )
    branching.draw(session.run(run_id))


def _draw(info: RunInfo, name: str, family: kin.Family) -> None:
    log = session.log(info.id)
    history = log.history()
    head.draw(info, log, history, name)
    handed.warn(info)
    if info.state is State.QUEUED:
        queue.draw_wait(info)
        _now_training(info)
    elif not info.state.alive and info.state is not State.FINISHED:
        autopsy.draw(info)
    if info.problem:
        error_box(info.problem)
    if info.search is not None:
        search.show(info)
    elif info.config is not None and not info.trains_network:
        knn.draw(info, info.config, history)
        _aside(info, log, history, family)
    else:
        _network(info, log, history, family)
    with st.expander("Log", expanded=False):
        st.code(log_tail(info.folder) or "nothing yet", language=None, wrap_lines=True)


def _now_training(info: RunInfo) -> None:
    """Links from a run that waits to those that train, those of its own device first."""
    others = [other for other in session.runs_and_searches() if other.state in (State.RUNNING, State.STOPPING)]
    names = titles(others)
    with st.container(horizontal=True):
        for other in sorted(others, key=lambda other: other.device != info.device)[:MOST_LINKS]:
            link("Live", text=f"now training: {plain(shorten(names[other.id], TITLE_LENGTH))}", run=other.id)


def _network(info: RunInfo, log: EventLog, history: History, family: kin.Family) -> None:
    metrics.draw(info, history)
    advice, joints = coach.advise(info, log, history), kin.joints(info)
    with st.container(key="dhc-live-curves"):
        left, right = st.columns(2)
        with left:
            _curves("accuracy", info, history, advice, joints)
        with right:
            _curves("loss", info, history, advice, joints)
    below = st.columns(2 if history.gpu.empty else 3)
    with below[0]:
        first = None if info.config is None else rate_of_epoch(info.config, 0)
        figure = _rate(history, info.epochs_total, first, joints)
        plot(figure, key=f"rate-{info.id}", height=LOW, alt="Learning rate by epoch", clicks=False)
    if not history.gpu.empty:
        with below[1]:
            alt = "Utilization, memory and temperature of the GPU by time"
            plot(gpu.load(history.gpu), key=f"gpu-{info.id}", height=LOW, alt=alt, clicks=False)
    with below[-1]:
        _aside(info, log, history, family)
    layers.fold(info, history)
    coach.draw(info, advice)


def _curves(
    metric: Literal["accuracy", "loss"],
    info: RunInfo,
    history: History,
    advice: coach.Advice,
    joints: tuple[Joint, ...],
) -> None:
    figure = _learning(metric, history, info.epochs_total, advice.marks, joints)
    alt = f"{metric.capitalize()} on training and val pictures by epoch"
    plot(figure, key=f"{metric}-{info.id}", height=HEIGHT, alt=alt, clicks=False)


# A history is another one with each new figure: of one that stands still, the figures are drawn once.
@lru_cache(maxsize=8)
def _learning(
    metric: Literal["accuracy", "loss"],
    history: History,
    epochs_total: int | None,
    marks: tuple[Mark, ...],
    joints: tuple[Joint, ...],
) -> str:
    figure = curves.learning_curves(history, metric=metric, epochs_total=epochs_total, joints=joints)
    return to_json(coach.annotate(figure, marks))


@lru_cache(maxsize=4)
def _rate(history: History, epochs_total: int | None, first: float | None, joints: tuple[Joint, ...]) -> str:
    return to_json(curves.learning_rate(history, epochs_total=epochs_total, first=first, joints=joints))


def _aside(info: RunInfo, log: EventLog, history: History, family: kin.Family) -> None:
    """Beside the charts: the run's kin; while it lives, its patience; afterwards, what leads on from it."""
    kin.draw(info, family)
    change.draw(info, history)
    if info.state.alive:
        _patience(info, history)
    else:
        ended.draw(info)
    _notes(log)


def _patience(info: RunInfo, history: History) -> None:
    if info.config is None or not info.config.uses("schedule.patience"):
        return
    if info.course.holds:
        st.caption("The learning rate is held: no number of epochs without a better val_accuracy lowers it.")
        return
    schedule = info.config.schedule
    patience = progress.patience(
        history, patience=schedule.patience, min_lr=schedule.min_lr, min_delta=schedule.min_delta, course=info.course
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
