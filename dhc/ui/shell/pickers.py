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

KEY = "dhc_pick_run"
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
    is_offered: Callable[[RunInfo], bool] = lambda info: True, *, none_message: str = "There is no run yet."
) -> RunInfo | None:
    """A select box of runs, newest first; the one in the address is chosen, else the newest.

    Only runs that `is_offered` accepts. Archived ones are left out, except for the one in the address, or where there are
    no others. Without any run the empty state says `none_message`, and None is returned.
    """
    every = [info for info in session.runs() if is_offered(info)]
    runs = [info for info in every if not info.labels.archived] or every
    address_id = current_run()
    current = session.run_or_none(address_id)
    if address_id is not None and current is None:
        error_box(f"There is no run {address_id[:60]} here; it may have been deleted. Choose another one.")
    if not runs and current is None:
        empty(none_message, links=["Home", "Train"])
        return None
    if current is not None and current.id not in {info.id for info in runs}:
        runs.insert(0, current)
    by_id = {info.id: info for info in runs}
    choice = _select(by_id, current or runs[0])
    if current_run() != choice.id:
        choose_run(choice.id)
    return choice


def _select(by_id: Mapping[str, RunInfo], current: RunInfo) -> RunInfo:
    def label(run_id: str) -> str:
        return describe(by_id[run_id])

    st.session_state[KEY] = current.id
    run_id = st.selectbox("Run", list(by_id), key=KEY, format_func=label, on_change=_choose, args=(by_id,))
    return by_id[run_id]


def _choose(by_id: Mapping[str, RunInfo]) -> None:
    """Take the choice if it is one of the runs.

    A tab that meets a restarted server sends the label that it last displayed.
    """
    run_id = st.session_state[KEY]
    if run_id in by_id:
        choose_run(run_id)


def describe(info: RunInfo) -> str:
    """One line: the run's name, id, state, best val_accuracy, and most telling settings."""
    name = f"{shorten(info.labels.name, TITLE_LENGTH)} · " if info.labels.name else ""
    star = "★ " if info.labels.star else ""
    best = "" if info.best_val_accuracy is None else f" · best val_accuracy {info.best_val_accuracy:.3f}"
    example = " · example" if info.example else ""
    return f"{star}{name}{info.id} · {info.state}{best}{_settings(info.config)}{example}"


def _settings(config: RunConfig | None) -> str:
    """The settings by which people tell runs apart, where they have an effect."""
    if config is None:
        return ""
    texts = {
        "model.width": f"width {config.model.width:g}",
        "model.conv_dropout": f"dropout {config.model.conv_dropout:g}",
        "model.dense_dropout": f"{config.model.dense_dropout:g}",
        "knn.k": f"{config.knn.metric}, k = {config.knn.k}",
    }
    settings = ", ".join(text for name, text in texts.items() if config.uses(name))
    return f" · {settings}" if settings else ""


def title_markdown(info: RunInfo) -> str:
    """Markdown: the run's name with its id in small type; without a name, the id."""
    star = "★ " if info.labels.star else ""
    return f"{star}{bold(info.labels.name)} :small[`{info.id}`]" if info.labels.name else f"{star}`{info.id}`"


def state_badge(info: RunInfo) -> None:
    """The run's state as a coloured badge with its icon."""
    st.badge(info.state.value, icon=ICONS[info.state], color=COLORS[info.state])  # type: ignore[arg-type]
