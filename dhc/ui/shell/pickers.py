"""Choosing which run a page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from dhc.config import RunConfig
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, current_run
from dhc.ui.shell.markdown import TITLE_LENGTH, bold
from dhc.ui.shell.states import empty, error_box

ICONS = {
    State.QUEUED: ":material/schedule:",
    State.RUNNING: ":material/play_circle:",
    State.STOPPING: ":material/pending:",
    State.FINISHED: ":material/check_circle:",
    State.STOPPED: ":material/stop_circle:",
    State.FAILED: ":material/error:",
    State.KILLED: ":material/dangerous:",
    State.CRASHED: ":material/broken_image:",
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
}


def pick_run(
    wanted: Callable[[RunInfo], bool] = lambda info: True, *, none_message: str = "There is no run yet."
) -> RunInfo | None:
    """A select box of the runs that are `wanted`, newest first; the one in the address is chosen, else the newest.

    Archived ones are left out, but for the one in the address and where there are no others. Draws the empty state and returns
    None when there is none.
    """
    every = [info for info in session.runs() if wanted(info)]
    runs = [info for info in every if not info.labels.archived] or every
    asked = current_run()
    chosen = session.run_or_none(asked)
    if asked is not None and chosen is None:
        error_box(f"There is no run {asked[:60]} here; it may have been deleted. Choose another one.")
    if not runs and chosen is None:
        empty(none_message, links=["Home", "Train"])
        return None
    if chosen is not None and chosen.id not in {info.id for info in runs}:
        runs.insert(0, chosen)
    ids = [info.id for info in runs]
    by_id = {info.id: info for info in runs}
    key = "dhc_pick_run"
    st.session_state[key] = chosen.id if chosen is not None else ids[0]
    st.selectbox(
        "Run", ids, key=key, format_func=lambda run_id: describe(by_id[run_id]), on_change=_choose, args=(key, by_id)
    )
    picked = by_id[str(st.session_state[key])]
    if current_run() != picked.id:
        choose_run(picked.id)
    return picked


def _choose(key: str, by_id: Mapping[str, RunInfo]) -> None:
    """Take the choice, unless it is none: a tab that meets a restarted server sends the label that it last showed."""
    value = st.session_state[key]
    if value in by_id:
        choose_run(value)


def describe(info: RunInfo) -> str:
    """One line: how it is called, when, what, how it stands."""
    name = f"{shorten(info.labels.name, TITLE_LENGTH)} · " if info.labels.name else ""
    star = "★ " if info.labels.star else ""
    best = "" if info.best_val_accuracy is None else f" · best val_accuracy {info.best_val_accuracy:.3f}"
    example = " · example" if info.example else ""
    return f"{star}{name}{info.id} · {info.state}{best}{_settings(info.config)}{example}"


def _settings(config: RunConfig | None) -> str:
    """The settings that one tells runs apart by, as far as they have an effect."""
    if config is None:
        return ""
    told = {
        "model.width": f"width {config.model.width:g}",
        "model.conv_dropout": f"dropout {config.model.conv_dropout:g}",
        "model.dense_dropout": f"{config.model.dense_dropout:g}",
        "knn.k": f"{config.knn.metric}, k = {config.knn.k}",
    }
    used = ", ".join(text for name, text in told.items() if config.uses(name))
    return f" · {used}" if used else ""


def title_markdown(info: RunInfo) -> str:
    """Markdown: the name that a person gave the run, its id small beside it; without a name, the id."""
    star = "★ " if info.labels.star else ""
    return f"{star}{bold(info.labels.name)} :small[`{info.id}`]" if info.labels.name else f"{star}`{info.id}`"


def state_badge(info: RunInfo) -> None:
    """The run's state as a coloured badge with its sign."""
    st.badge(info.state.value, icon=ICONS[info.state], color=COLORS[info.state])  # type: ignore[arg-type]
