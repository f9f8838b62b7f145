"""Home's overview: data sets, runs, the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dhc.errors import DataError
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo, by_activity
from dhc.text import shorten
from dhc.ui.manage import queue
from dhc.ui.shell import errand, password, session, sharing, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import state_badge, title_link
from dhc.ui.shell.states import empty, guard
from dhc.ui.shell.visitors import is_this_machine_only
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.gallery import Tile, gallery

TICK = 2.0  # seconds between two updates while something trains
MOST_RUNS = 8  # in each of the two lists
STRIP = 10  # pictures
PROBLEM_LENGTH = 200  # characters
NO_RUNS = "No runs yet. The demo above trains a small network in minutes, or set up your own."
NO_PICTURES = "None yet. The stand-in pictures are drawn in {}; your own are added on *Data*."


def draw() -> None:
    """What is here, what runs, and what to do next."""
    _pictures()
    left, right = st.columns([2, 1], gap="large")
    with left:
        every = session.runs()
        if _any_alive(every):
            watch(session.runs, _runs, every=TICK, alive=_any_alive, key="dhc-home-runs")
        else:
            with guard():
                _runs(every)
    with right:
        _data()
        _device()


def _any_alive(runs: Sequence[RunInfo]) -> bool:
    return any(info.state.alive for info in runs)


def _runs(every: Sequence[RunInfo]) -> None:
    """What trains and what waits, in the order of the queue; then the newest of the others."""
    queue.offer_work([*every, *session.searches()])
    alive = by_activity(info for info in every if info.state.alive)
    rest = [info for info in every if not info.state.alive and not info.labels.archived]
    if alive:
        st.subheader("Running now", anchor=False)
        _list(alive)
    if rest or not alive:
        st.subheader("Before that" if alive else "Latest runs", anchor=False)
        _list(rest)
    if not every:
        empty(NO_RUNS, step="Set up your own run", page="Train", main=False)
    elif not alive and not rest:
        empty("All runs are archived.", step="Show the archived runs", page="Runs", params={"archived": "1"})


def _pictures() -> None:
    """A strip of val pictures of the first data set."""
    folder = next(iter(session.data_folders()), None)
    if folder is None:
        return
    with guard():
        val = session.pictures(folder, "val")
        names = session.dataset(folder).classes
        assert val.y is not None
        rows = np.random.default_rng(0).permutation(len(val.ids))[:STRIP]
        gallery(
            [Tile(val.x[row], names[int(val.y[row])]) for row in rows], key="dhc-home-pictures", size=84, is_strip=True
        )


def _list(infos: Sequence[RunInfo]) -> None:
    names = titles(infos[:MOST_RUNS])
    for info in infos[:MOST_RUNS]:
        _run(info, names[info.id])
    if (more := len(infos) - MOST_RUNS) > 0:
        link("Runs", text=f"and {more:,} more")


def _run(info: RunInfo, title: str) -> None:
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center"):
        state_badge(info)
        best = (
            "no epoch finished yet"
            if info.best_val_accuracy is None
            else f"best val_accuracy **{info.best_val_accuracy:.3f}** at epoch {info.best_epoch}"
        )
        example = ", an example" if info.example else ""
        progress = f"{best}, {info.epochs_done} of {info.epochs_total or '?'} epochs{example}"
        problem = f"  \n:material/warning: {plain(shorten(info.problem, PROBLEM_LENGTH))}" if info.problem else ""
        with st.container(gap=None):
            title_link(info, title)
            st.markdown(f":small[{progress}]{problem}")
        if info.best_val_accuracy is not None:
            link("Mistakes", run=info.id)
            link("Confusion", run=info.id)


def _data() -> None:
    st.subheader("Pictures", anchor=False)
    folders = session.data_folders()
    for folder in folders:
        try:
            dataset = session.dataset(folder)
        except DataError as error:
            st.markdown(f":material/error: {plain(str(error))}")
            continue
        counts = ", ".join(f"{len(split.files):,} {name}" for name, split in dataset.splits.items())
        name, classes = plain(dataset.root.name), len(dataset.classes)
        st.markdown(f":material/photo_library: **{name}**: {classes} classes, {counts}")
    if not folders and errand.is_under_way():
        st.caption("None yet: the demo's are being drawn.")
    elif not folders:
        standin.offer_whole(NO_PICTURES, key="home", button="secondary")  # the demo is the first thing to do
    link("Data")


def _device() -> None:
    st.subheader("Device", anchor=False)
    gpus = session.gpus()
    for gpu in gpus:
        size = f"{gpu.memory / 1024:.0f} GiB"
        st.markdown(f":material/memory: GPU {gpu.index}: {plain(gpu.name)}, {size}, {gpu.utilization} % busy")
    if not gpus:
        st.markdown(f":material/memory: CPU, {cores()} cores ({plain(hardware.cpu_name())}). No NVIDIA GPU was found.")
    link("Machines")
    if sharing.is_read_only():
        st.markdown(":material/visibility: Shared to be looked at: nothing can be started, changed or deleted here.")
        return
    warning = exposure_warning(st.get_option("server.address"), st.get_option("server.port"))
    if warning is None:
        st.markdown(":material/lock: Served on this machine only (127.0.0.1).")
    else:
        st.warning(warning, icon=":material/lock_open:")


def exposure_warning(address: str | None, port: int) -> str | None:
    """A sentence where others than this machine's users can reach the server, else None.

    No address means every network interface.
    """
    if address is not None and is_this_machine_only(address):
        return None
    who = "Everyone who knows the password and" if password.is_asked() else "Everyone who"
    return f"{who} can reach this machine's port {port} can start and delete runs."
