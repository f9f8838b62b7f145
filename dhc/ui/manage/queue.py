"""The queues, device by device: who trains, who waits, moving, cancelling, resuming."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from dhc.cluster.overview import is_in_order_of_its_own
from dhc.cluster.settings import NAMES
from dhc.jobs import launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.rundir import ENGINES
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.runs.workers import Standing
from dhc.text import count_text
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import describe
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK = 2.0  # seconds between two updates while a run waits
MOST_ROWS = 20  # of one queue
SOON = 10.0  # seconds that a worker may take to start
MOVES = {
    "first": ":material/vertical_align_top:",
    "up": ":material/arrow_upward:",
    "down": ":material/arrow_downward:",
}
OWN_ORDER = "Slurm begins the jobs that it has in an order of its own: a place here counts only for runs that it was not handed yet."
WHY_GONE = ": the machine was restarted, or the worker was ended"


def draw(runs: Sequence[RunInfo]) -> None:
    """The queues, which update themselves; nothing where neither run nor search waits."""
    if is_any_queued(runs):
        # The rest of the page shows, too, which runs wait.
        watch(session.runs_and_searches, _devices, every=TICK, alive=is_any_queued, page=_queued_ids, key="dhc-queue")


def is_any_queued(runs: Sequence[RunInfo]) -> bool:
    """Whether one of them waits."""
    return any(info.state is State.QUEUED for info in runs)


def _needs_worker(info: RunInfo) -> bool:
    """Whether somebody must work on its queue: until it ends where a cluster has it, else until it begins."""
    return info.state is State.QUEUED or (info.state.alive and _device_of(info) in ENGINES)


def _queued_ids(runs: Sequence[RunInfo]) -> set[str]:
    return {info.id for info in runs if info.state is State.QUEUED}


def _devices(runs: Sequence[RunInfo]) -> None:
    alive = [info for info in runs if info.state.alive]
    for device in sorted({_device_of(info) for info in alive if info.state is State.QUEUED}):
        _device(device, {info.id: info for info in alive if _device_of(info) == device})


def draw_wait(info: RunInfo) -> None:
    """What one queued run waits for."""
    offer_work([info])
    st.progress(0.0, text=_wait_text(info))


def _wait_text(info: RunInfo) -> str:
    runs_dir, device = session.runs_dir(), _device_of(info)
    worker = queues.worker_of(runs_dir, device)
    if reason := info.status.reason or ("" if worker is None else worker.waits):
        return plain(f"Queued: {reason}")
    order = [folder.name for folder in queues.queue(runs_dir, device)]
    ahead = order.index(info.id) if info.id in order else 0
    ahead += queues.training_run(runs_dir, device) is not None
    if ahead:
        return f"Queued behind {count_text(ahead, 'run')}"
    return "Next to run" if worker is None else "Starting …"


def idle_devices(runs: Sequence[RunInfo]) -> list[str]:
    """Devices for which runs wait, or that have runs in a cluster, without a worker: after a restart or a kill."""
    latest: dict[str, float] = {}
    for info in runs:
        if _needs_worker(info):
            latest[_device_of(info)] = max(latest.get(_device_of(info), 0.0), info.queued_at or 0.0)
    overdue = [device for device, moment in latest.items() if not 0 <= time.time() - moment < SOON]
    return sorted(device for device in overdue if queues.worker_of(session.runs_dir(), device) is None)


def offer_work(runs: Sequence[RunInfo]) -> None:
    """Say that a queue stands still, with the button that resumes it; nothing where none does."""
    idle = idle_devices(runs)
    if not idle:
        return
    waiting = [info for info in runs if _needs_worker(info) and _device_of(info) in idle]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="dhc-idle"):
        text = f"{_what_they_do(waiting)}, but {_why_idle(waiting, idle)}."
        st.markdown(f":material/hourglass_disabled: {plain(text)}", width="stretch")
        if sharing.is_read_only():
            return
        work, icon = (launch.work, session.runs_dir()), ":material/play_arrow:"
        st.button("Resume the queue", type="primary", icon=icon, key="dhc_work", on_click=attempt, args=work)


def _what_they_do(runs: Sequence[RunInfo]) -> str:
    """``3 runs wait``, ``2 runs go on in the cluster``, or both."""
    waiting = sum(info.state is State.QUEUED for info in runs)
    going_on = len(runs) - waiting
    parts = [f"{count_text(waiting, 'run')} {'waits' if waiting == 1 else 'wait'}"] if waiting else []
    if going_on:
        verb = "goes" if going_on == 1 else "go"
        parts.append(f"{going_on if parts else count_text(going_on, 'run')} {verb} on in the cluster")
    return " and ".join(parts)


def _why_idle(waiting: Sequence[RunInfo], idle: Sequence[str]) -> str:
    """Why these runs are not started: each for a reason of its own, or for their worker's."""
    if all(info.status.reason for info in waiting) and not {_device_of(info) for info in waiting} & set(ENGINES):
        return waiting[0].status.reason
    reason = queues.idle_reason(session.runs_dir(), idle[0])
    return f"{reason}{WHY_GONE}" if reason == Standing.GONE.value else reason


def _device_of(info: RunInfo) -> str:
    return rundir.queue_of(info.device)


def _device(device: str, alive: dict[str, RunInfo]) -> None:
    order = [folder.name for folder in queues.queue(session.runs_dir(), device) if folder.name in alive]
    worker = queues.worker_of(session.runs_dir(), device)
    name = "the CPU" if device == "cpu" else NAMES.get(device, device)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Queue of {plain(name)}**: {count_text(len(order), 'run')} waiting", width="content")
        if device in ENGINES:
            link("Machines", engine=device)
    if worker is not None and worker.waits:
        st.markdown(f":material/hourglass_top: {plain(worker.waits[:1].upper() + worker.waits[1:])}.")
    if any(is_in_order_of_its_own(alive[run_id].folder) for run_id in order[:MOST_ROWS]):
        st.caption(OWN_ORDER)
    for info in alive.values():
        if info.state is not State.QUEUED:
            with _row(info, "Now"):
                link("Live", run=info.id)
    for place, run_id in enumerate(order[:MOST_ROWS]):
        with _row(alive[run_id], f"{place + 1}."):
            _moves(run_id, place, last=len(order) - 1)
    if len(order) > MOST_ROWS:
        st.caption(f"… and {len(order) - MOST_ROWS} more.")


@contextmanager
def _row(info: RunInfo, place: str) -> Iterator[None]:
    """A run's place and description; the block draws what follows."""
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.markdown(plain(place), width=40)  # a bare "10." would begin a list, whose number is cut off
        why = f": {info.status.reason}" if info.state is State.QUEUED and info.status.reason else ""
        st.markdown(plain(f"{describe(info)}{why}"), width="stretch")
        yield


def _moves(run_id: str, place: int, *, last: int) -> None:
    """Buttons that give a waiting run another place, from 0 to `last`, or cancel it."""
    if sharing.is_read_only():
        return
    runs_dir = session.runs_dir()
    for name, target in (("first", 0), ("up", place - 1), ("down", place + 1)):
        is_useless = place == (last if name == "down" else 0)
        st.button(
            "",
            icon=MOVES[name],
            help="Run it next" if name == "first" else f"Move {name}",
            key=f"dhc_move_{name}_{run_id}",
            disabled=is_useless,
            on_click=attempt,
            args=(queues.move, runs_dir, run_id, target),
            type="tertiary",
        )
    help, cancel = "Takes it out of the queue; it can be queued again.", (launch.stop, runs_dir, run_id)
    st.button("Cancel", key=f"dhc_cancel_{run_id}", help=help, on_click=attempt, args=cancel, type="tertiary")
