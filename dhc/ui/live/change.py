"""Change while it trains, on Live: another learning rate, factor or patience from the next epoch on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dhc.analysis import progress
from dhc.config import RunConfig, find_field
from dhc.errors import ConfigError, RunError
from dhc.jobs import changes
from dhc.jobs.changes import Holding
from dhc.runs.course import SETTINGS, change_text
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import rough_text
from dhc.ui.shell import guide, session, sharing
from dhc.ui.shell.glossary import explained, names_of_setting
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt

KEY = "dhc_change_"
BOX = f"{KEY}box"
FILLED = f"{KEY}filled"  # of the session: what the fields are filled with
COUNT = f"{KEY}count"  # of the session: how often they were
MOST_LINES = 4  # of what was changed, the latest
NOTHING = "Set one of them to another value; what is left as it is stays."
KEPT = "The state before it is kept, to branch from."
GOES_ON = "The schedule goes on, each later rate multiplied by the new rate over the planned one."


@dataclass(frozen=True)
class Filled:
    """What the fields of a run show until a person sets something else; `number` makes each filling's fields new ones."""

    run: str
    number: int
    values: Mapping[str, float]

    def key(self, name: str) -> str:
        """The widget's key."""
        return f"{KEY}{name}_{self.number}"


def draw(info: RunInfo, history: History) -> None:
    """What was changed, what waits, and the fields for a network that trains; of any other run, what was changed."""
    # A container of its own, empty or not: were the box to change its place, the browser would draw it anew, and forget what one types.
    above = st.container(key="dhc-changes")
    for epoch, steps in list(history.steps.items())[-MOST_LINES:]:
        above.caption(f":material/edit: From epoch {epoch} on: {change_text(steps)}.")
    if info.state is not State.RUNNING or not info.has_epochs or info.config is None:
        return
    try:
        held = changes.holding(info, history)
    except RunError:  # its last epoch runs, or it has just ended
        return
    request = changes.waiting(info.folder).values
    with above:
        _waiting(info, history, held, request)
    box = st.expander("Change while it trains", icon=":material/tune:", key=BOX, on_change="rerun")
    if not box.open:
        st.session_state.pop(FILLED, None)  # opened again, it shows what holds then
        return
    with box:
        _fields(info, info.config, history, held, request)


def _waiting(info: RunInfo, history: History, held: Holding, request: Mapping[str, float]) -> None:
    """The change that the training has not made yet, and the button that takes it back; nothing where none is."""
    if not request:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/schedule: {_when(history, held)}: {_steps(held, request)}.", width="content")
        st.button(
            "Take back",
            icon=":material/undo:",
            key=f"{KEY}back",
            on_click=attempt,
            args=(_take_back, info.id),
            **sharing.greyed(),
        )


def _fields(info: RunInfo, config: RunConfig, history: History, held: Holding, request: Mapping[str, float]) -> None:
    """A field for each setting that has an effect, what will come of it, and the button."""
    filled = _fill(info.id, {**held.values, **request})
    typed: dict[str, float | None] = {}
    for column, name in zip(st.columns(len(filled.values)), filled.values, strict=True):
        with column:
            typed[name] = _field(name, filled)
    wanted = {name: value for name, value in typed.items() if value is not None and value != filled.values[name]}
    problem = _problem(config, wanted)
    if problem:
        st.markdown(f":red[:material/error: {plain(problem)}]")
    with st.container(horizontal=True, vertical_alignment="center"):
        about: dict[str, Any] = {"disabled": not wanted or bool(problem)} | sharing.greyed()
        st.button("Change", type="primary", key=f"{KEY}ask", on_click=attempt, args=(_ask, info.id, wanted), **about)
        if wanted and not problem:
            notes = _notes(info, config, history, wanted)
            st.markdown(f"{_when(history, held)}: {_steps(held, wanted)}. {notes}", width="stretch")
        elif not problem:
            st.caption(NOTHING, width="stretch")
        guide.draw("change-while-it-trains")


def _field(name: str, filled: Filled) -> float | None:
    """Its value, None where it is empty. Without bounds: a value out of range is said in words below."""
    field = find_field(SETTINGS[name])
    title = "Learning rate" if name == "learning_rate" else field.title
    about: dict[str, Any] = {"key": filled.key(name), "disabled": sharing.is_read_only()}
    about["help"] = explained(f"{field.bounds}", *names_of_setting(field.name))
    shown = filled.values[name]
    if field.kind == "int":
        about |= {"value": int(shown), "step": 1}
    else:
        about |= {"value": shown, "step": 0.05 if name == "factor" else 1e-4, "format": "%g"}
    value: float | None = st.number_input(title, **about)
    return value


def _fill(run_id: str, values: Mapping[str, float]) -> Filled:
    """What the fields were filled with when the box was opened; filled now where that was not yet.

    Later they stay as they are, whatever the schedule does meanwhile: a person may be typing.
    """
    state = st.session_state
    filled: Filled | None = state.get(FILLED)
    if filled is None or filled.run != run_id:
        state[COUNT] = state.get(COUNT, 0) + 1
        filled = Filled(run_id, state[COUNT], {name: float(f"{value:.6g}") for name, value in values.items()})
        state[FILLED] = filled
    return filled


def _problem(config: RunConfig, wanted: Mapping[str, float]) -> str:
    """Why the values cannot be, in a sentence; "" where they can."""
    try:
        for name, value in wanted.items():
            changes.checked(config, name, value)
    except ConfigError as error:
        return str(error)
    return ""


def _when(history: History, held: Holding) -> str:
    """``From epoch 9 on, in about 20 seconds``."""
    seconds = progress.seconds_left(history, held.from_epoch - 1)
    return f"From epoch {held.from_epoch} on{'' if seconds is None else f', in {rough_text(seconds)}'}"


def _steps(held: Holding, values: Mapping[str, float]) -> str:
    return change_text({name: (held.values[name], value) for name, value in values.items() if name in held.values})


def _notes(info: RunInfo, config: RunConfig, history: History, wanted: Mapping[str, float]) -> str:
    """What else will come of it, in short sentences."""
    notes = [KEPT]
    if "learning_rate" in wanted and config.schedule.name not in ("plateau", "constant"):
        notes.append(GOES_ON)
    if effect := changes.effect(config, wanted):
        notes.append(f"{effect[0].upper()}{effect[1:]}.")
    if "patience" in wanted and (wait := _wait(info, config, history)) >= wanted["patience"]:
        notes.append(f"{wait} epochs went by without a better one: the rate drops after the next such epoch.")
    return " ".join(notes)


def _wait(info: RunInfo, config: RunConfig, history: History) -> int:
    schedule = config.schedule
    return progress.patience(
        history, patience=schedule.patience, min_lr=schedule.min_lr, min_delta=schedule.min_delta, course=info.course
    ).wait


def _ask(run_id: str, values: Mapping[str, float]) -> None:
    changes.ask(session.runs_dir(), run_id, values)
    st.session_state.pop(FILLED, None)


def _take_back(run_id: str) -> None:
    changes.take_back(session.runs_dir(), run_id)
    st.session_state.pop(FILLED, None)
