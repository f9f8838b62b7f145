"""The form of a run, drawn from RunConfig's fields: a new hyperparameter appears by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

import streamlit as st

from dhc.config import COMMON, MISSION, RARE, ConfigField, RunConfig, fields
from dhc.ui.shell import session
from dhc.ui.shell.frame import link

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
    """Put a config's values into the form, those of the run `parent` where it is named.

    Call it before the form is drawn, or in a callback.
    """
    st.session_state[PARENT] = parent
    values = {field.name: config.get(field.name) for field in fields()}
    st.session_state[DRAFT] = values
    for name, value in values.items():
        st.session_state[_key(name)] = value


def change(changes: Mapping[str, Any]) -> None:
    """Put other values into a form that is filled; those of other fields stay, and so does the parent."""
    st.session_state[DRAFT] = {**st.session_state[DRAFT], **changes}
    for name, value in changes.items():
        st.session_state[_key(name)] = value


def draft() -> Mapping[str, Any] | None:
    """The form's values by dotted name as they were drawn last; None where it was not filled yet."""
    return st.session_state.get(DRAFT)


def parent() -> str:
    """Id of the run whose settings were put into the form, or "".

    What is started from the form is a changed copy of that run.
    """
    return str(st.session_state.get(PARENT, ""))


def current_values() -> dict[str, Any]:
    """The form's values as the page begins, by dotted name."""
    _restore(fields())
    return {field.name: st.session_state[_key(field.name)] for field in fields()}


def has_effect(field: ConfigField, values: Mapping[str, Any], sweep: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a field has an effect under `values`, or under some of those that a sweep varies.

    A field may need certain values of other fields, such as patience a schedule that is ``plateau``.
    """
    return all(
        any(str(value) in enabling for value in sweep.get(other) or [values.get(other)])
        for other, enabling in field.when.items()
    )


def draw(data_folders: Sequence[str], sweep: Mapping[str, Sequence[Any]] = MappingProxyType({})) -> dict[str, Any]:
    """Draw the form and return its values by dotted name; they are not validated yet.

    The mission's hyperparameters come first, common ones below them by section, rare ones in an expander. A field without effect
    under the other values, such as patience with a cosine schedule, is left out and keeps its value. So is one that `sweep`
    gives values of its own.
    """
    before = current_values()
    every = [field for field in fields() if field.name not in sweep and has_effect(field, before, sweep)]
    values = before | _row([field for field in every if field.rank == MISSION], data_folders, columns=3)
    for section, members in groupby(
        (field for field in every if field.rank == COMMON), key=lambda field: field.section
    ):
        st.markdown(f"**{SECTIONS[section]}**")
        if section == "augment":
            path = Path(str(values.get("data.path") or ""))
            link("Data", text="See what it does to a picture", data=path.name, view="augmentation")
        values |= _row(list(members), data_folders, columns=3)
    with st.expander("Rarely changed"):
        values |= _row([field for field in every if field.rank == RARE], data_folders, columns=3)
    st.session_state[DRAFT] = values
    return values


def _restore(every: Sequence[ConfigField]) -> None:
    """Give widgets that Streamlit has forgotten their values of the draft.

    It forgets those that another page does not draw.
    """
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
        options = list(dict.fromkeys([*_suggestions(field, data_folders), st.session_state[key]]))
        names = {folder: Path(folder).name for folder in data_folders} if field.name == "data.path" else {}
        return st.selectbox(
            label,
            options,
            format_func=lambda option: names.get(option, option),
            key=key,
            help=help_text,
            accept_new_options=True,
        )
    return _number(field, label, key, help_text)


def _suggestions(field: ConfigField, data_folders: Sequence[str]) -> Sequence[str]:
    """The data sets or devices of this machine; any other may be typed."""
    match field.name:
        case "data.path":
            return data_folders
        case "device.device":
            return ["auto", "cpu", *(f"gpu:{gpu.index}" for gpu in session.gpus())]
    return []


def _number(field: ConfigField, label: str, key: str, help_text: str) -> Any:
    """A number input without bounds.

    A value out of range must reach the config, which says in words what is wrong.
    """
    if field.kind == "int":
        return st.number_input(label, value=None, step=int(field.step or 1), key=key, help=help_text)
    step = float(field.step or (1e-4 if field.log else 0.1))
    return st.number_input(label, value=None, step=step, format="%g", key=key, help=help_text)


def _key(name: str) -> str:
    return f"dhc_form_{name}"
