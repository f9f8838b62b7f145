"""The settings of a cluster on Machines: a field for each, saved together, taken back at a click."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dhc.cluster import errands
from dhc.cluster.settings import NAMES, Machines, Setting, changed, machines_of, settings_of
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt

KEY = "dhc_machines_set_"
BEFORE = KEY + "before"  # in the session: the settings that were replaced last
LINKED = KEY + "linked"  # in the session: the engine to whose settings an address has led last
COLUMNS = 4


def draw(engine: str, *, is_linked: bool) -> None:
    """The fields of an engine, folded, unless the address leads to them; in a read-only view they are grey."""
    key = f"{KEY}{engine}_box"
    if is_linked and st.session_state.get(LINKED) != engine:
        st.session_state[LINKED], st.session_state[key] = engine, True
    st.session_state.setdefault(key, False)
    box = st.expander(f"Settings of {NAMES[engine]}", icon=":material/settings:", key=key, on_change="rerun")
    if box.open:
        with box:
            _fields(engine)


def _fields(engine: str) -> None:
    machines, settings = machines_of(session.runs_dir()), settings_of(engine)
    if st.session_state.get(filled := f"{KEY}{engine}_filled") != machines.of(
        engine
    ):  # changed here or elsewhere meanwhile
        st.session_state[filled] = machines.of(engine)
        for setting in settings:
            st.session_state.pop(_key(setting), None)
    for start in range(0, len(settings), COLUMNS):
        columns = st.columns(COLUMNS, vertical_alignment="bottom")
        for column, setting in zip(columns, settings[start : start + COLUMNS], strict=False):
            with column:
                _field(setting, machines)
    if not sharing.is_read_only():
        st.button("Save", type="primary", key=f"{KEY}{engine}_save", on_click=attempt, args=(_save, engine))


def offer_undo() -> None:
    """After a change: say so, and offer to take it back."""
    if BEFORE not in st.session_state:
        return
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "undo_row"):
        st.markdown(
            ":material/check: The settings are saved; runs that are handed out from now on go by them.", width="content"
        )
        st.button("Undo", icon=":material/undo:", key=KEY + "undo", on_click=attempt, args=(_undo,))
        st.button("Dismiss", type="tertiary", key=KEY + "dismiss", on_click=_forget)


def _field(setting: Setting, machines: Machines) -> None:
    kinds = {"int": int, "float": float}
    value = kinds.get(setting.kind, str)(getattr(machines.of(setting.engine), setting.key))
    st.session_state.setdefault(_key(setting), value)
    about: dict[str, Any] = {
        "key": _key(setting),
        "help": f"{setting.help}\n\n`{setting.name}`, {plain(setting.takes)}",
        "disabled": sharing.is_read_only(),
    }
    match setting.kind:
        case "choice":
            st.selectbox(setting.title, setting.choices, **about)
        case "text":
            st.text_input(setting.title, max_chars=220, **about)
        case "int":
            st.number_input(setting.title, int(setting.low), int(setting.high), **about)
        case "float":
            st.number_input(setting.title, setting.low, setting.high, step=0.5, format="%g", **about)


def _save(engine: str) -> None:
    """Write what the fields hold; a field that the browser did not send has what the file has. Raises UserError, OSError."""
    runs_dir = session.runs_dir()
    before = machines_of(runs_dir)
    values = {
        setting.name: st.session_state.get(_key(setting), getattr(before.of(engine), setting.key))
        for setting in settings_of(engine)
    }
    values = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    after = changed(before, values)
    if after != before:
        errands.change_settings(runs_dir, after)
        st.session_state[BEFORE] = before


def _undo() -> None:
    if BEFORE not in st.session_state:  # the second half of a double click
        return
    before: Machines = st.session_state[BEFORE]
    errands.change_settings(session.runs_dir(), before)
    _forget()


def _forget() -> None:
    st.session_state.pop(BEFORE, None)


def _key(setting: Setting) -> str:
    return f"{KEY}{setting.engine}_{setting.key}"
