"""What runs and the trash take on disk, and freeing it: on a run's card, and for all runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import streamlit as st

from dhc.jobs import trash
from dhc.jobs.trash import TrashedRun
from dhc.runs import budget, disk, rundir
from dhc.runs.disk import Totals, Usage
from dhc.runs.states import epoch_of, state_folders
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten, size_text
from dhc.ui.manage import undo
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.states import error_box, guard

KEY = "dhc_storage_"
OUTCOME = KEY + "outcome"  # of the last click: bytes freed or None, and a sentence or ""
OPEN = "storage"  # in the address
MOST_ROWS = 50  # deleted runs that are listed one by one
MOST_STATES, MOST_EPOCHS = 3, 12  # that are named one by one
LOST = "could not go on exactly where a state was kept any more: only from its best network with a fresh optimizer, or from the start"
NO_NETWORK = (
    "Without its network, curves and answers on val stay, but other pictures, such as the test set, can no longer be answered. "
    "This cannot be undone."
)


def draw() -> None:
    """In an expander: what all runs take, and a button for each way to free space.

    It is open where the address says so. While it is closed, nothing is measured: looking at all files of a thousand runs
    takes most of a second. A read-only view has nothing to free.
    """
    if sharing.is_read_only():
        return
    is_open = st.query_params.get(OPEN) == "open"
    icon = ":material/hard_drive:"
    fold = st.expander("Disk space and trash", icon=icon, expanded=is_open, key=KEY + "fold", on_change="rerun")
    if not fold.open:
        return
    with fold, guard():
        runs, totals, items = session.runs(), session.totals(), session.trash_items()
        _sums(totals, len(runs), len(items))
        _budget(runs)
        say_outcome()
        with st.container(horizontal=True, vertical_alignment="center"):
            _offer_states([info for info in runs if not info.state.alive and session.usage(info).resume], totals)
            _offer_trash(items, totals)
        if items:
            _list(items)


def of_run(info: RunInfo) -> None:
    """What one run takes on disk, and what of it can be deleted."""
    cost = session.usage(info)
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "run"):
        st.caption(f":material/hard_drive: {_usage_text(cost)}", width="content")
        if not info.state.alive and (cost.resume or cost.network) and not sharing.is_read_only():
            with st.popover("Free disk space", type="tertiary", key=KEY + "free"):
                _offers(info, cost)
    say_outcome()


def say_outcome() -> None:
    """Say once what came of the last click."""
    size, failure = st.session_state.pop(OUTCOME, (None, ""))
    if failure:
        error_box(failure)
    if size is not None:
        st.success(f"{size_text(size)} freed.", icon=":material/delete_sweep:")


def _usage_text(cost: Usage) -> str:
    parts = {"the network": cost.network, "the kept states": cost.resume}
    detail = " and ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size)
    return f"{size_text(cost.bytes)} on disk" + (f", of which {detail}" if detail else "")


def _offers(info: RunInfo, cost: Usage) -> None:
    if cost.resume:
        st.markdown(f"{_epochs_kept(info)}Without them the run {LOST}.")
        label, drop = f"Delete the kept states: {size_text(cost.resume)}", ([info], disk.drop_resume_state)
        st.button(label, on_click=_drop, args=drop, key=KEY + "drop_state")
    if cost.network:
        st.markdown(NO_NETWORK)
        label, drop = f"Delete the network: {size_text(cost.network + cost.resume)}", ([info], disk.drop_network)
        st.button(label, on_click=_drop, args=drop, key=KEY + "drop_network")


def _sums(totals: Totals, run_count: int, trash_count: int) -> None:
    columns = st.columns(4)
    networks = f"Networks: {size_text(totals.networks)}."
    columns[0].metric(count_text(run_count, "run"), size_text(totals.runs), help=networks)
    columns[1].metric("Kept states", size_text(totals.resume), help="Of runs that have ended: to go on with them.")
    columns[2].metric(f"Trash, {count_text(trash_count, 'run')}", size_text(totals.trash))
    columns[3].metric("Free on this disk", size_text(totals.free))
    if totals.ensembles:
        where = f"`{rundir.ENSEMBLES}` beside the runs: it may be deleted"
        st.caption(f"Submissions of several runs together take {size_text(totals.ensembles)}, in the folder {where}.")


def _budget(runs: Sequence[RunInfo]) -> None:
    """What the kept states of all runs may take, and which of them go first beyond it."""
    room = budget.room(session.runs_dir())
    if room.problem:
        error_box(f"{room.problem}.")
    share = 1.0 if not room.limit else min(1.0, room.used / room.limit)
    if room.used:
        of = f"{size_text(room.used)} of the {size_text(room.limit)} that kept states may take"
        st.progress(share, text=f"{of} ({budget.VARIABLE}); beyond that some go by themselves, never a best network")
        titles = {info.id: info.title for info in runs}
        first = list(itertools.islice(budget.removable(session.runs_dir()), MOST_STATES))
        words = [
            f"epoch {state.epoch} of {plain(shorten(titles.get(state.run, state.run), TITLE_LENGTH))} ({size_text(state.bytes)})"
            for state in first
        ]
        st.caption(f"First to go: {', '.join(words)}." if words else "None of them goes while its run trains or waits.")


def _epochs_kept(info: RunInfo) -> str:
    """A sentence on the epochs of the run's kept states; "" where there are none."""
    folders = [place for name in (rundir.RESUME, rundir.STATES) for place in state_folders(info.folder / name)]
    epochs = sorted({epoch_of(place) for place in folders})
    if not epochs:
        return ""
    words = ", ".join(map(str, epochs[:MOST_EPOCHS])) + (
        f" and {len(epochs) - MOST_EPOCHS} more" * (len(epochs) > MOST_EPOCHS)
    )
    return f"Exact states after {'epoch' if len(epochs) == 1 else 'epochs'} {words}. "


def _offer_states(runs: Sequence[RunInfo], totals: Totals) -> None:
    with st.popover("Delete kept states", icon=":material/restart_alt:", disabled=not runs):
        st.markdown(f"{count_text(len(runs), 'run')} {LOST}. Networks and curves stay.")
        label, drop = f"Delete them: {size_text(totals.resume)}", (runs, disk.drop_resume_state)
        st.button(label, type="primary", on_click=_drop, args=drop, key=KEY + "drop_states")


def _offer_trash(items: Sequence[TrashedRun], totals: Totals) -> None:
    with st.popover("Empty the trash", icon=":material/delete_forever:", disabled=not items):
        st.markdown(f"{count_text(len(items), 'run')} will be gone for good.")
        label, places = f"Empty it: {size_text(totals.trash)}", [item.place for item in items]
        st.button(label, type="primary", on_click=_empty, args=(places,), key=KEY + "empty")


def _list(items: Sequence[TrashedRun]) -> None:
    st.markdown("**In the trash**")
    with st.container(height=220 if len(items) > 4 else "content", border=False):
        for item in items[:MOST_ROWS]:
            _trash_row(item)
        if len(items) > MOST_ROWS:
            st.caption(f"The {MOST_ROWS} deleted last of {len(items):,}.")


def _trash_row(item: TrashedRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        moment = f"{datetime.fromtimestamp(item.when):%Y-%m-%d %H:%M}"
        st.markdown(f"`{item.id}` · deleted {moment} · {size_text(item.bytes)}", width="content")
        st.button(
            "Restore",
            icon=":material/undo:",
            type="tertiary",
            on_click=undo.restore,
            args=(item.place,),
            key=f"{KEY}back_{item.place.name}",
        )


def _drop(runs: Sequence[RunInfo], drop: Callable[[Path, str], int]) -> None:
    _free(lambda: sum(drop(session.runs_dir(), info.id) for info in runs))


def _empty(places: Sequence[Path]) -> None:
    _free(lambda: trash.empty(session.runs_dir(), places))


def _free(action: Callable[[], int]) -> None:
    """Do it and remember how many bytes it freed, or why it failed, for `say_outcome`."""
    with guard(_remember_failure):
        st.session_state[OUTCOME] = (action(), "")


def _remember_failure(failure: str) -> None:
    st.session_state[OUTCOME] = (None, failure)
