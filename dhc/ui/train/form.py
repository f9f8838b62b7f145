"""The form of a run, drawn from RunConfig's fields: a new hyperparameter appears by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import groupby
from pathlib import Path
from typing import Any

import streamlit as st

from dhc.config import COMMON, MISSION, RARE, ConfigField, fields, find_field
from dhc.jobs.launch import INSTALL, is_installed
from dhc.runs.rundir import ENGINES
from dhc.ui.shell import glossary, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.train import draft
from dhc.ui.train.draft import has_effect
from dhc.ui.train.words import setting_words
from dhc.ui.widgets import learn

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
EARLY_STOPPING = "fit.early_stopping"  # drawn beside patience, though it is rarely changed
RARE_BOX = "dhc_form_rare"
COLUMNS = 3
FEW = 2  # values that are listed where a field needs one of them


@dataclass(frozen=True)
class FormState:
    """What the form shows beside its values, all by dotted name.

    folders    paths of the data sets that are offered
    values     as the widgets have them
    problems   a sentence for each field with a fault
    changes    the values that differ from what the form was filled from
    sweep      the values of the settings that vary, which are not drawn here
    on_change  what to call when one is changed
    key        of a field's widget in the session
    before     a field's value in what the form was filled from
    notes      what else is to be said below a field that has no fault
    """

    folders: Sequence[str]
    values: Mapping[str, Any]
    problems: Mapping[str, str]
    changes: Mapping[str, Any]
    sweep: Mapping[str, Sequence[Any]]
    on_change: Callable[[], None]
    key: Callable[[str], str] = draft.key
    before: Callable[[str], Any] = draft.before
    notes: Mapping[str, str] = dataclass_field(default_factory=dict)


def draw(state: FormState) -> None:
    """Draw the form; its values are the draft's.

    The mission's hyperparameters come first, common ones below them by section, rare ones in an expander. A field without
    effect under the other values, such as patience with a cosine schedule, is left out and keeps its value; of the mission's
    it is said what they need.
    """
    every = [
        field for field in fields() if field.name not in state.sweep and has_effect(field, state.values, state.sweep)
    ]
    first = [field for field in every if field.rank == MISSION or field.name == EARLY_STOPPING]
    rows(first, state)
    _missing(state)
    rest = [field for field in every if field not in first]
    for section, members in groupby((field for field in rest if field.rank == COMMON), key=lambda field: field.section):
        st.markdown(f"**{SECTIONS[section]}**")
        if section == "augment":
            path = Path(str(state.values.get("data.path") or ""))
            link("Data", text="See what it does to a picture", data=path.name, view="augmentation")
        rows(list(members), state)
    rare = [field for field in rest if field.rank == RARE]
    draft.forget_widgets({field.name for field in fields()} - {field.name for field in every})
    st.session_state.setdefault(RARE_BOX, any(field.name in state.changes for field in rare))
    if any(field.name in state.problems for field in rare):
        st.session_state[RARE_BOX] = True
    box = st.expander("Rarely changed", key=RARE_BOX, on_change="rerun")
    if box.open:  # half of all fields, which few who come here look at
        with box:
            rows(rare, state)
    else:
        draft.forget_widgets(field.name for field in rare)


def _missing(state: FormState) -> None:
    """Which of the mission's hyperparameters have no effect here, and what they need."""
    titles: dict[str, list[str]] = {}
    for field in fields():
        if field.rank == MISSION and field.name not in state.sweep and (need := _need(field, state)):
            titles.setdefault(need, []).append(field.title)
    for need, of_need in titles.items():
        st.caption(f":material/visibility_off: {_listed(of_need)}: {need}.")


def _need(field: ConfigField, state: FormState) -> str:
    """What keeps the field from having an effect: ``only with schedule plateau``; "" where it has one."""
    for other, enabling in field.when.items():
        current = state.sweep.get(other) or [state.values.get(other)]
        if not any(str(value) in enabling for value in current):
            noun = find_field(other).title.lower()
            few = len(enabling) <= FEW
            return f"only with {noun} {' or '.join(enabling)}" if few else f"not with {noun} {current[0]}"
    return ""


def _listed(titles: Sequence[str]) -> str:
    """``LR factor and patience``."""
    words = [titles[0], *(title if title[1:2].isupper() else title[0].lower() + title[1:] for title in titles[1:])]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def rows(members: Sequence[ConfigField], state: FormState) -> None:
    """Draw the fields in rows of three, each with its help, and below it what is wrong or was changed."""
    for start in range(0, len(members), COLUMNS):
        row = members[start : start + COLUMNS]
        has_notes = any(field.name in {*state.problems, *state.changes, *state.notes} for field in row)
        columns = st.columns(COLUMNS, vertical_alignment="top" if has_notes else "bottom")
        for column, field in zip(columns, row, strict=False):
            with column:
                _widget(field, state)
                _below(field, state)


def _below(field: ConfigField, state: FormState) -> None:
    """What is wrong with the field, else what it was before it was changed, and what else is to be said."""
    if problem := state.problems.get(field.name):
        with st.container(key=f"dhc-problem-{field.name.replace('.', '-')}"):
            st.markdown(f":red[:material/error: {plain(problem)}]")
        return
    if field.name in state.changes:
        st.caption(f":material/edit: was {plain(setting_words(field, state.before(field.name)))}")
    if note := state.notes.get(field.name):
        st.caption(f":material/info: {plain(note)}")


def _widget(field: ConfigField, state: FormState) -> None:
    terms = glossary.names_of_setting(field.name)
    help = glossary.explained(f"{field.help}\n\n`{field.name}`, {field.bounds}", *terms)
    if lessons := learn.of_setting(field.name):
        help = f"{help}\n\n{lessons}"
    if field.name == "device.where" and (lack := _lacking()):
        help = f"{help}\n\n{lack}"
    st.session_state.setdefault(state.key(field.name), state.values[field.name])
    about: dict[str, Any] = {"key": state.key(field.name), "help": help, "on_change": state.on_change}
    match field.kind:
        case "bool":
            st.toggle(field.label, wrap=True, **about)
        case "choice":
            st.selectbox(field.label, field.choices, **about)
        case "text":
            current = st.session_state[state.key(field.name)]
            options = list(dict.fromkeys([*_suggestions(field, state.folders), *([current] if current else [])]))
            words = {option: setting_words(field, option) for option in options}
            st.selectbox(
                field.label,
                options,
                format_func=lambda option: words.get(option, option),
                accept_new_options=True,
                **about,
            )
        case "int":
            st.number_input(field.label, value=None, step=int(field.step or 1), **about)
        case "float":  # without bounds: a value out of range must reach the config, which says in words what is wrong
            step = float(field.step or (1e-4 if field.log else 0.1))
            st.number_input(field.label, value=None, step=step, format="%g", **about)


def _lacking() -> str:
    """What a cluster needs that is not installed here, and how to install it."""
    missing = [engine for engine in ENGINES if not is_installed(engine)]
    return f"For {' and '.join(missing)} install what they need first: `{INSTALL}`" if missing else ""


def _suggestions(field: ConfigField, data_folders: Sequence[str]) -> Sequence[str]:
    """The data sets or devices of this machine; any other may be typed."""
    match field.name:
        case "data.path":
            return data_folders
        case "device.device":
            return ["auto", "cpu", *(f"gpu:{gpu.index}" for gpu in session.gpus())]
    return []
