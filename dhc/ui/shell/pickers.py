"""Choosing which run a page shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from dhc.runs.naming import titles
from dhc.runs.status import State
from dhc.runs.store import SECOND, RunInfo, by_activity
from dhc.text import shorten
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, current_run, go, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, no_runs

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

KEY = "dhc_pick_run"
MOST_OFFERED = 200  # runs in a list to choose from
MORE = "more"  # in that list: the others, which Runs finds
SEEK = "dhc_pick_more"  # in the session: that was chosen
LINE_LENGTH = 90  # characters of a title in a line of the list
ICONS = {
    State.QUEUED: ":material/schedule:",
    State.RUNNING: ":material/play_circle:",
    State.STOPPING: ":material/pending:",
    State.FINISHED: ":material/check_circle:",
    State.STOPPED: ":material/stop_circle:",
    State.FAILED: ":material/error:",
    State.KILLED: ":material/dangerous:",
    State.CRASHED: ":material/broken_image:",
    State.UNHEARD: ":material/cloud_off:",
}
COLORS = {
    State.QUEUED: "gray",
    State.RUNNING: "blue",
    State.STOPPING: "orange",
    State.FINISHED: "green",
    State.STOPPED: "yellow",
    State.FAILED: "red",
    State.KILLED: "red",
    State.CRASHED: "red",
    State.UNHEARD: "violet",
}


def pick_run(
    place: DeltaGenerator,
    is_offered: Callable[[RunInfo], bool] = lambda info: True,
    *,
    none_message: str = "There is no run yet.",
) -> RunInfo | None:
    """A select box of runs, drawn at `place`: those that train, those that wait, the newest of the others.

    At first it shows the run in the address. Only runs that `is_offered` accepts; archived ones are left out, except for the
    one in the address, or where there are no others. Without any run the empty state says `none_message`, and None is returned.
    """
    if st.session_state.pop(SEEK, False):
        go("Runs")
    every = [info for info in by_activity(session.runs()) if is_offered(info)]
    runs = [info for info in every if not info.labels.archived] or every
    address_id = current_run()
    current = session.run_or_none(address_id)
    if address_id is not None and current is None:
        error_box(f"There is no run {address_id[:60]} here; it may have been deleted. Choose another one.")
    if not runs and current is None:
        no_runs(none_message)
        return None
    if current is not None and all(info.id != current.id for info in runs):
        runs.insert(0, current)
    by_id = {info.id: info for info in offered(runs, () if current is None else (current.id,))}
    with place:
        choice = _select(by_id, current or runs[0], len(runs) - len(by_id))
        state_badge(choice)
    if current_run() != choice.id:
        choose_run(choice.id)
    return choice


def offered(runs: Sequence[RunInfo], ids: Collection[str] = ()) -> list[RunInfo]:
    """The first MOST_OFFERED of the runs, and those of the `ids` behind them: a browser takes long to take in thousands."""
    return [*runs[:MOST_OFFERED], *(info for info in runs[MOST_OFFERED:] if info.id in ids)]


def _select(by_id: Mapping[str, RunInfo], current: RunInfo, more: int) -> RunInfo:
    names = titles(list(by_id.values()))

    def label(run_id: str) -> str:
        return describe(by_id[run_id], names[run_id]) if run_id in by_id else f"… and {more:,} more, on Runs"

    st.session_state[KEY] = current.id
    options = [*by_id, *([MORE] if more else [])]
    run_id = st.selectbox(
        "Run", options, key=KEY, format_func=label, on_change=_choose, args=(by_id,), label_visibility="collapsed"
    )
    return by_id.get(run_id, current)


def _choose(by_id: Mapping[str, RunInfo]) -> None:
    """Take the choice if it is one of the runs.

    A tab that meets a restarted server sends the label that it last displayed.
    """
    run_id = st.session_state[KEY]
    if run_id in by_id:
        choose_run(run_id)
    elif run_id == MORE:
        st.session_state[SEEK] = True


def describe(info: RunInfo, title: str = "") -> str:
    """One line: the run's title, state, best val_accuracy, and when it was queued.

    `title` is what it is called among the runs beside it (`runs.naming.titles`), without which its own stands there.
    """
    best = "" if info.best_val_accuracy is None else f"best val_accuracy {info.best_val_accuracy:.3f}"
    since = datetime.strptime(info.id[:SECOND], "%Y%m%d-%H%M%S")
    parts = (shorten(title or info.title, LINE_LENGTH), info.state.value, best, f"{since.day} {since:%b %H:%M}")
    star, example = "★ " if info.labels.star else "", " · example" if info.example else ""
    return f"{star}{' · '.join(filter(None, parts))}{example}"


def title_markdown(info: RunInfo, title: str = "") -> str:
    """Markdown: what the run is called, with its id in small type; `title` as in `describe`."""
    star, name = "★ " if info.labels.star else "", title or info.title
    return (
        f"{star}**{plain(shorten(name, LINE_LENGTH))}** :small[`{info.id}`]"
        if name != info.id
        else f"{star}`{info.id}`"
    )


def title_link(info: RunInfo, title: str = "") -> None:
    """What the run is called, as a link that opens it on Live; `title` as in `describe`."""
    star = "★ " if info.labels.star else ""
    link("Live", text=f"{star}**{plain(shorten(title or info.title, LINE_LENGTH))}**", run=info.id)


def state_badge(info: RunInfo) -> None:
    """The run's state as a coloured badge with its icon."""
    st.badge(info.state.value, icon=ICONS[info.state], color=COLORS[info.state])  # type: ignore[arg-type]
