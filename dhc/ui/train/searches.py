"""The searches for a learning rate that were made: what each suggests, deleting one, and bringing it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from dhc.analysis.rates import read_search
from dhc.config.phrase import brief
from dhc.jobs import trash
from dhc.jobs.trash import TrashedRun
from dhc.runs.contract import Request
from dhc.runs.store import RunInfo
from dhc.text import rate_text, shorten
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, guard

KEY = "dhc_searches_"
MOST_ROWS = 10  # of each list, the newest
TITLE = 40  # characters of a search's settings


def draw(searches: Sequence[RunInfo]) -> None:
    """In an expander: the searches, the newest first, and those in the trash; nothing where none was made."""
    if not searches and not st.session_state.get(KEY + "fold"):
        return
    fold = st.expander("Searches", icon=":material/history:", key=KEY + "fold", on_change="rerun")
    if not fold.open:
        return
    with fold, guard():
        for info in searches[:MOST_ROWS]:
            _row(info)
        if len(searches) > MOST_ROWS:
            st.caption(f"The newest {MOST_ROWS} of {len(searches):,}.")
        if not sharing.is_read_only():
            _trash()


def _row(info: RunInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        settings = "" if info.config is None else shorten(brief(info.config), TITLE)
        st.markdown(
            plain(" · ".join(filter(None, (_moment(info.queued_at), _outcome(info), settings)))), width="stretch"
        )
        link("Live", text="Its curve", run=info.id)
        if not info.state.alive and not sharing.is_read_only():
            delete = (trash.delete, session.runs_dir(), info.id)
            st.button("Delete", type="tertiary", on_click=attempt, args=delete, key=f"{KEY}delete_{info.id}")


def _outcome(info: RunInfo) -> str:
    """What it suggests, else how it ended or that it goes on."""
    if info.search is None or info.state.alive:
        return info.state.value
    suggested = read_search(session.log(info.id).history().search, info.search.batches).suggestions
    rate = suggested.valley if info.config is None else suggested.start(info.config.schedule)
    return "no suggestion" if rate is None else f"{rate_text(float(f'{rate:.2g}'))} suggested"


def _trash() -> None:
    deleted = [item for item in session.trash_items() if Request.of(item.place).search is not None]
    if deleted:
        st.caption("In the trash")
    for item in deleted[:MOST_ROWS]:
        _trash_row(item)


def _trash_row(item: TrashedRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain(f"{_moment(item.when)} · {item.id}"), width="stretch")
        restore = (trash.restore, session.runs_dir(), item.place)
        st.button("Restore", type="tertiary", on_click=attempt, args=restore, key=f"{KEY}back_{item.place.name}")


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
