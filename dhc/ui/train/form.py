"""The form of a run, drawn from RunConfig's own fields: a new hyperparameter appears here by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from typing import Any

import streamlit as st

from dhc.config import COMMON, MISSION, RARE, ConfigField, RunConfig, fields
from dhc.ui.shell import session

DRAFT = "dhc_draft"
PARENT = "dhc_parent"
SECTIONS = {
    "data": "Pictures",
    "model": "Network",
    "knn": "Nearest neighbours",
    "augment": "Augmentation",
    "optimizer": "Optimizer",
    "schedule": "Learning-rate schedule",
    "fit": "Training",
    "device": "Device",
}


def fill(config: RunConfig, parent: str = "") -> None:
    """Put a config's values into the form, those of the run `parent` where it is named; call it before the form is drawn, or in
    a callback.
    """
    st.session_state[PARENT] = parent
    values = {field.name: config.get(field.name) for field in fields()}
    st.session_state[DRAFT] = values
    for name, value in values.items():
        st.session_state[_key(name)] = value


def parent() -> str:
    """Id of the run whose settings were put into the form, so that what is started is a changed copy of it; "" without one."""
    return str(st.session_state.get(PARENT, ""))


def current_values() -> dict[str, Any]:
    """What stands in the form as the page begins, by dotted name."""
    _restore(fields())
    return {field.name: st.session_state[_key(field.name)] for field in fields()}


def has_effect(field: ConfigField, values: Mapping[str, Any], varied: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a field has an effect under the values, or under some of those that a sweep gives other settings."""
    return all(
        any(str(value) in good for value in varied.get(other) or [values.get(other)])
        for other, good in field.when.items()
    )


def draw(data_folders: Sequence[str], varied: Mapping[str, Sequence[Any]] = MappingProxyType({})) -> dict[str, Any]:
    """Draw the form and return what stands in it, by dotted name; not validated yet.

    The mission's hyperparameters come first and large, common ones below by section, rare ones behind a fold. A field without
    effect under the choices made, such as patience with a cosine schedule, is left out and keeps its value; so are those that
    a sweep varies.
    """
    before = current_values()
    every = [field for field in fields() if field.name not in varied and has_effect(field, before, varied)]
    values = before | _row([field for field in every if field.rank == MISSION], data_folders, columns=3)
    for section, members in groupby(
        (field for field in every if field.rank == COMMON), key=lambda field: field.section
    ):
        st.markdown(f"**{SECTIONS[section]}**")
        values |= _row(list(members), data_folders, columns=3)
    with st.expander("Rarely changed"):
        values |= _row([field for field in every if field.rank == RARE], data_folders, columns=3)
    st.session_state[DRAFT] = values
    return values


def _restore(every: Sequence[ConfigField]) -> None:
    """Streamlit forgets widgets that another page did not draw; the draft remembers them."""
    draft = st.session_state[DRAFT]
    for field in every:
        st.session_state.setdefault(_key(field.name), draft[field.name])


def _row(members: Sequence[ConfigField], data_folders: Sequence[str], *, columns: int) -> dict[str, Any]:
    values = {}
    for start in range(0, len(members), columns):
        for column, field in zip(
            st.columns(columns, vertical_alignment="bottom"), members[start : start + columns], strict=False
        ):
            with column:
                values[field.name] = _widget(field, data_folders)
    return values


def _widget(field: ConfigField, data_folders: Sequence[str]) -> Any:
    key, label = _key(field.name), field.label
    help_text = f"{field.help}\n\n`{field.name}`, {field.bounds}"
    if field.kind == "bool":
        return st.toggle(label, key=key, help=help_text)
    if field.kind == "choice":
        return st.selectbox(label, field.choices, key=key, help=help_text)
    if field.kind == "text":
        options = list(dict.fromkeys([*_offered(field, data_folders), st.session_state[key]]))
        return st.selectbox(label, options, key=key, help=help_text, accept_new_options=True)
    return _number(field, label, key, help_text)


def _offered(field: ConfigField, data_folders: Sequence[str]) -> Sequence[str]:
    """What this machine has of what a text names; any other may be written."""
    match field.name:
        case "data.path":
            return data_folders
        case "device.device":
            return ["auto", "cpu", *(f"gpu:{gpu.index}" for gpu in session.gpus())]
    return []


def _number(field: ConfigField, label: str, key: str, help_text: str) -> Any:
    """A number without bounds of its own: what the field does not take must reach the config, which says so in words."""
    if field.kind == "int":
        return st.number_input(label, value=None, step=int(field.step or 1), key=key, help=help_text)
    step = float(field.step or (1e-4 if field.log else 0.1))
    return st.number_input(label, value=None, step=step, format="%g", key=key, help=help_text)


def _key(name: str) -> str:
    return f"dhc_form_{name}"
