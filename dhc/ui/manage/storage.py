"""What runs and the trash cost on disk, and winning room: on one run's card, and for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from dhc.jobs import trash
from dhc.jobs.trash import Trashed
from dhc.runs import disk
from dhc.runs.disk import Totals, Usage
from dhc.runs.store import RunInfo
from dhc.text import count_text, size_text
from dhc.ui.manage import undo
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box, guard

KEY = "dhc_storage_"
TOLD = KEY + "told"
OPEN = "storage"  # in the address
LISTED = 50  # deleted runs that are listed one by one


def draw() -> None:
    """Behind a fold, open where the address says so: the sums, and a button for each way to win room.

    While it is closed nothing is done: to look at all files of a thousand runs takes most of a second.
    """
    opened = st.query_params.get(OPEN) == "open"
    fold = st.expander(
        "Disk space and trash", icon=":material/hard_drive:", expanded=opened, key=KEY + "fold", on_change="rerun"
    )
    if not fold.open:
        return
    with fold, guard():
        runs, totals, deleted = session.runs(), session.totals(), session.trashed()
        _sums(totals, len(runs), len(deleted))
        tell()
        with st.container(horizontal=True, vertical_alignment="center"):
            _offer_states([info for info in runs if not info.state.alive and session.usage(info).resume], totals)
            _offer_trash(deleted, totals)
        if deleted:
            _list(deleted)


def of_run(info: RunInfo) -> None:
    """What one run costs, and what of it can be given up."""
    cost = session.usage(info)
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "run"):
        st.caption(f":material/hard_drive: {_told(cost)}", width="content")
        if not info.state.alive and (cost.resume or cost.network):
            with st.popover("Free disk space", type="tertiary", key=KEY + "free"):
                _offers(info, cost)
    tell()


def tell() -> None:
    """Say once what came of the last click."""
    won, failed = st.session_state.pop(TOLD, (None, ""))
    if failed:
        error_box(failed)
    if won is not None:
        st.success(f"{size_text(won)} won.", icon=":material/delete_sweep:")


def _told(cost: Usage) -> str:
    parts = {"the network": cost.network, "the state to go on from": cost.resume}
    of_which = " and ".join(f"{name} {size_text(size)}" for name, size in parts.items() if size)
    return f"{size_text(cost.bytes)} on disk" + (f", of it {of_which}" if of_which else "")


def _offers(info: RunInfo, cost: Usage) -> None:
    if cost.resume:
        st.markdown("Without its state, the run cannot go on where it was, only start again.")
        st.button(
            f"Give up the state: {size_text(cost.resume)}",
            on_click=_drop,
            args=([info], disk.drop_resume_state),
            key=KEY + "drop_state",
        )
    if cost.network:
        st.markdown(
            "Without its network, curves and answers on val stay; other pictures, such as the test set, cannot be answered any "
            "more. It cannot be taken back."
        )
        st.button(
            f"Give up the network: {size_text(cost.network + cost.resume)}",
            on_click=_drop,
            args=([info], disk.drop_network),
            key=KEY + "drop_network",
        )


def _sums(totals: Totals, runs: int, deleted: int) -> None:
    columns = st.columns(4)
    columns[0].metric(count_text(runs, "run"), size_text(totals.runs), help=f"Networks: {size_text(totals.networks)}.")
    columns[1].metric("States to go on from", size_text(totals.resume), help="Of runs that have ended.")
    columns[2].metric(f"Trash, {count_text(deleted, 'run')}", size_text(totals.trash))
    columns[3].metric("Free on this disk", size_text(totals.free))


def _offer_states(runs: Sequence[RunInfo], totals: Totals) -> None:
    with st.popover("Give up states to go on from", icon=":material/restart_alt:", disabled=not runs):
        several = f"{count_text(len(runs), 'run')} that ended can then only start again"
        st.markdown(
            f"{several}, not go on where {'it was' if len(runs) == 1 else 'they were'}. Networks and curves stay."
        )
        st.button(
            f"Give them up: {size_text(totals.resume)}",
            type="primary",
            on_click=_drop,
            args=(runs, disk.drop_resume_state),
            key=KEY + "drop_states",
        )


def _offer_trash(deleted: Sequence[Trashed], totals: Totals) -> None:
    with st.popover("Empty the trash", icon=":material/delete_forever:", disabled=not deleted):
        st.markdown(f"{count_text(len(deleted), 'run')} will be gone for good.")
        st.button(
            f"Empty it: {size_text(totals.trash)}",
            type="primary",
            on_click=_empty,
            args=([item.place for item in deleted],),
            key=KEY + "empty",
        )


def _list(deleted: Sequence[Trashed]) -> None:
    st.markdown("**In the trash**")
    with st.container(height=220 if len(deleted) > 4 else "content", border=False):
        for item in deleted[:LISTED]:
            with st.container(horizontal=True, vertical_alignment="center"):
                when = f"{datetime.fromtimestamp(item.when):%Y-%m-%d %H:%M}"
                st.markdown(f"`{item.id}` · deleted {when} · {size_text(item.bytes)}", width="content")
                st.button(
                    "Bring back",
                    icon=":material/undo:",
                    type="tertiary",
                    on_click=undo.bring_back,
                    args=(item.place,),
                    key=f"{KEY}back_{item.place.name}",
                )
        if len(deleted) > LISTED:
            st.caption(f"The {LISTED} deleted last of {len(deleted):,}.")


def _drop(runs: Sequence[RunInfo], drop: Callable[..., int]) -> None:
    _do(lambda: sum(drop(session.runs_dir(), info.id) for info in runs))


def _empty(places: Sequence[object]) -> None:
    _do(lambda: trash.empty(session.runs_dir(), places))  # type: ignore[arg-type]


def _do(win: Callable[[], int]) -> None:
    with guard(_remember):
        st.session_state[TOLD] = (win(), "")


def _remember(failure: str) -> None:
    st.session_state[TOLD] = (None, failure)
