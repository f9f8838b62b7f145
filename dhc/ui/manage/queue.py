"""Who trains and who waits, device by device: other places in the queue, cancelling, and going on after a restart."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from dhc.jobs import launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import describe
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK = 2.0  # seconds between two looks while someone waits
SHOWN = 20  # rows of one queue
SOON = 10.0  # seconds within which a worker that was only just started is there


def draw(runs: Sequence[RunInfo]) -> None:
    """The queues, looked at again by themselves; nothing where nobody waits."""
    if _anyone_waits(runs):
        watch(session.runs, _devices, every=TICK, alive=_anyone_waits, key="dhc-queue")


def _anyone_waits(runs: Sequence[RunInfo]) -> bool:
    return any(info.state is State.QUEUED for info in runs)


def _devices(runs: Sequence[RunInfo]) -> None:
    alive = [info for info in runs if info.state.alive]
    for device in sorted({_device_of(info) for info in alive if info.state is State.QUEUED}):
        _device(device, {info.id: info for info in alive if _device_of(info) == device})


def draw_wait(info: RunInfo) -> None:
    """What one queued run waits for."""
    offer_work([info])
    device = _device_of(info)
    order = [folder.name for folder in queues.queue(session.runs_dir(), device)]
    worker = queues.worker_of(session.runs_dir(), device)
    ahead = order.index(info.id) if info.id in order else 0
    if worker is not None and worker.waits:
        text = plain(f"Queued: {worker.waits}")
    else:
        ahead += queues.busy(session.runs_dir(), device) is not None
        text = (
            f"Queued behind {count_text(ahead, 'run')}" if ahead else "Next to run" if worker is None else "Starting …"
        )
    st.progress(0.0, text=text)


def idle_devices(runs: Sequence[RunInfo]) -> list[str]:
    """Devices for which runs wait while nobody works: after a restart of the machine, or when a worker was killed."""
    latest: dict[str, float] = {}
    for info in runs:
        if info.state is State.QUEUED:
            latest[_device_of(info)] = max(latest.get(_device_of(info), 0.0), info.queued_at or 0.0)
    waiting = [device for device, moment in latest.items() if not 0 <= time.time() - moment < SOON]
    return sorted(d for d in waiting if queues.worker_of(session.runs_dir(), d) is None)


def offer_work(runs: Sequence[RunInfo]) -> None:
    """Say that a queue stands still, and the one button that sets it going."""
    idle = idle_devices(runs)
    if not idle:
        return
    count = sum(info.state is State.QUEUED and _device_of(info) in idle for info in runs)
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="dhc-idle"):
        told = f"{count_text(count, 'run')} {'waits' if count == 1 else 'wait'}, and nobody is at work: the machine restarted, or the worker was ended."
        st.markdown(f":material/hourglass_disabled: {told}", width="stretch")
        work = (launch.work, session.runs_dir())
        st.button(
            "Go on with the queue",
            type="primary",
            icon=":material/play_arrow:",
            key="dhc_work",
            on_click=attempt,
            args=work,
        )


def _device_of(info: RunInfo) -> str:
    return rundir.queue_of(info.device)


def _device(device: str, alive: dict[str, RunInfo]) -> None:
    order = [folder.name for folder in queues.queue(session.runs_dir(), device) if folder.name in alive]
    worker = queues.worker_of(session.runs_dir(), device)
    busy = [info for info in alive.values() if info.state is not State.QUEUED]
    st.markdown(
        f"**Queue of {'the CPU' if device == 'cpu' else plain(device)}**: {count_text(len(order), 'run')} waiting"
    )
    if worker is not None and worker.waits:
        st.markdown(f":material/hourglass_top: {plain(worker.waits[:1].upper() + worker.waits[1:])}.")
    for info in busy:
        _row(info, "Now", [])
    for number, run_id in enumerate(order[:SHOWN]):
        last = len(order) - 1
        moves = [("first", 0, number > 0), ("up", number - 1, number > 0), ("down", number + 1, number < last)]
        _row(alive[run_id], f"{number + 1}.", moves)
    if len(order) > SHOWN:
        st.caption(f"… and {len(order) - SHOWN} more.")


MOVES = {"first": ":material/vertical_align_top:", "up": ":material/arrow_upward:", "down": ":material/arrow_downward:"}


def _row(info: RunInfo, place: str, moves: Sequence[tuple[str, int, bool]]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.markdown(plain(place), width=40)  # else "10." begins a list, of which the number is cut off
        st.markdown(plain(describe(info)), width="stretch")
        for name, to, possible in moves:
            st.button(
                "",
                icon=MOVES[name],
                help=f"Move {name}" if name != "first" else "Run it next",
                key=f"dhc_move_{name}_{info.id}",
                disabled=not possible,
                on_click=attempt,
                args=(queues.move, session.runs_dir(), info.id, to),
                type="tertiary",
            )
        if info.state is State.QUEUED:
            st.button(
                "Cancel",
                key=f"dhc_cancel_{info.id}",
                help="Takes it out of the queue; it can be queued again.",
                on_click=attempt,
                args=(launch.stop, session.runs_dir(), info.id),
                type="tertiary",
            )
        else:
            link("Live", run=info.id)
