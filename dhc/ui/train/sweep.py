"""A sweep on the Train page: which settings vary, over which values.

And how many runs that makes, how long they take, and the button that starts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dhc.analysis.differences import setting_text
from dhc.analysis.factor import FACTOR, can_drop
from dhc.config import ConfigField, RunConfig, fields, find_field
from dhc.config.titles import in_titles
from dhc.data.layout import Dataset
from dhc.errors import ConfigError
from dhc.jobs.groups import MAX_NAME, generated_name
from dhc.jobs.sweep import SEED
from dhc.jobs.values import check_values, format_value, parse_values
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE
from dhc.text import count_text, one_line, setting_number
from dhc.ui.shell.states import error_box
from dhc.ui.train import design, launcher
from dhc.ui.train.design import Choice
from dhc.ui.train.draft import has_effect, parent

ONE, SWEEP = "One run", "Sweep"
MODE, NAMES = "dhc_sweep_mode", "dhc_sweep_settings"
NAME_KEY, HOPELESS_KEY, SOUND = "dhc_sweep_name", "dhc_sweep_hopeless", "dhc_sweep_sound"
VARY, NOTHING = "vary", "-"  # the address's parameter with the settings that vary, and its text for none
PARAMETERS = (VARY, *design.PARAMETERS, "group", "median")
FIXED = (
    "data.path",
    "device.device",
    "device.where",
    SEED,
)  # it has one data set and one device; repeats vary the seed
ROWS = 5  # that are seen without scrolling: so is the note below, at 1280×720
WRITE = (
    "Values: `0.5, 0.8, 0.9`. Ranges: `0.1..0.9 step 0.2` (0.1 0.3 0.5 0.7 0.9), `2..6` (whole numbers), "
    "`1e-4..1e-2 log 5` (5 values, each the same multiple of the one before)."
)
HOPELESS = (
    f"The median rule: a run stops when its best val_accuracy so far is below the median, over the group's ended runs, of their "
    f"average up to the same epoch. Every run gets {MEDIAN_GRACE} epochs, and {MEDIAN_ENOUGH} runs must have ended first. A run "
    f"that starts slowly, for instance with high dropout, may be stopped wrongly."
)
CHOOSE = "Choose the settings that vary and their values."
KEPT: dict[str, Any] = {"persist_state": "session"}  # of a widget: it keeps its value while other pages are open


@dataclass(frozen=True)
class SweepForm:
    """The values of the sweep's form.

    values    by dotted name; empty for a setting whose text cannot be read
    choice    how its settings are chosen, and how many runs
    name      of the group; may be ""
    """

    values: Mapping[str, Sequence[Any]]
    choice: Choice
    name: str
    rule: Literal["", "median"]

    @property
    def is_complete(self) -> bool:
        """Whether there is a setting that varies, and each has values."""
        return bool(self.values) and all(self.values.values())


def is_selected(on_change: Callable[[], None]) -> bool:
    """Draw the switch between one run and a sweep; whether the sweep is selected."""
    st.session_state.setdefault(MODE, ONE)
    about: dict[str, Any] = {"key": MODE, "on_change": on_change, **KEPT}
    mode = st.segmented_control("What to start", [ONE, SWEEP], required=True, label_visibility="collapsed", **about)
    return bool(mode == SWEEP)


def draw(values: Mapping[str, Any], on_change: Callable[[], None]) -> SweepForm:
    """Draw the sweep's own fields.

    `values` are those of the form below, by dotted name, which all runs share; `on_change` is called when a field is changed.
    """
    about: dict[str, Any] = {"on_change": on_change, **KEPT}
    with st.container(border=True, key="dhc-sweep"):
        names = _settings(values, about)
        grid_values = _all_values(names, values, about)
        choice = design.draw(about)
        name = _name(names, about)
        rule = st.toggle("Stop hopeless runs early", key=HOPELESS_KEY, help=HOPELESS, **about)
        drawn = (
            "" if choice.design == design.GRID else "Drawn between the smallest and the largest value of each setting. "
        )
        st.caption(f"{drawn}Settings that do not vary are set below, for all runs.")
    form = SweepForm(grid_values, choice, name, "median" if rule else "")
    if form.is_complete:
        st.session_state[SOUND] = grid_values
    return form


def texts() -> dict[str, str]:
    """What the sweep's fields hold, by the dotted name of the setting that varies; {} while one run is selected."""
    if st.session_state.get(MODE) != SWEEP:
        return {}
    held = {name: st.session_state.get(_key(name), "") for name in st.session_state.get(NAMES, [])}
    return {name: text if isinstance(text, str) else ", ".join(map(format_value, text)) for name, text in held.items()}


def written(aliases: Mapping[str, str]) -> dict[str, str]:
    """The sweep's parameters in the address; `aliases` are those of the settings by dotted name."""
    held = texts()
    if st.session_state.get(MODE) != SWEEP:
        return {}
    params = {VARY: ",".join(aliases[name] for name in held) or NOTHING}
    params |= {aliases[name]: text for name, text in held.items() if _are_values(name, text)}
    params |= design.written()
    if name := one_line(st.session_state.get(NAME_KEY, "")):
        params["group"] = name
    return params | ({"median": "on"} if st.session_state.get(HOPELESS_KEY) else {})


def vary(name: str, text: str) -> None:
    """Select the sweep, over the setting `name` with the values of the text. For a callback: before the fields are drawn."""
    st.session_state[MODE], st.session_state[NAMES] = SWEEP, [name]
    st.session_state[_key(name)] = text


def take(params: Mapping[str, str], by_alias: Mapping[str, ConfigField], bad: dict[str, str]) -> set[str]:
    """Fill the sweep's fields from the address; returns the dotted names of the settings that vary.

    What does not fit is added to `bad`, parameter → text.
    """
    listed = [word for word in params.get(VARY, "").split(",") if word not in ("", NOTHING)]
    chosen = {word: by_alias[word] for word in listed if word in by_alias and by_alias[word].name not in FIXED}
    if len(chosen) < len(listed):
        bad[VARY] = params[VARY]
    st.session_state[MODE] = SWEEP if VARY in params else ONE
    st.session_state[NAMES] = [field.name for field in chosen.values()]
    for word, field in chosen.items():
        st.session_state.pop(_key(field.name), None)
        if word in params and not _are_values(field.name, params[word]):
            bad[word] = params[word]
        elif word in params and field.kind in ("choice", "bool"):
            st.session_state[_key(field.name)] = list(parse_values(field.name, params[word]))
        elif word in params:
            st.session_state[_key(field.name)] = params[word]
    design.take(params, bad)
    st.session_state[NAME_KEY] = one_line(params.get("group", ""), MAX_NAME)
    st.session_state[HOPELESS_KEY] = params.get("median") == "on"
    return {field.name for field in chosen.values()}


def _are_values(name: str, text: str) -> bool:
    try:
        parse_values(name, text)
    except ConfigError:
        return False
    return True


def _name(names: Sequence[str], about: Mapping[str, Any]) -> str:
    hint = generated_name(names) if names else ""
    name = st.text_input("Name of the group", max_chars=MAX_NAME, key=NAME_KEY, placeholder=hint, **about)
    return (name or "").strip()


def _settings(values: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """Names of the settings that vary, chosen from those with an effect.

    One that has lost its effect stays listed.
    """
    current = st.session_state.get(NAMES, [])
    choices = {name: st.session_state.get(_key(name), ()) for name in current if find_field(name).kind == "choice"}
    titles = {
        field.name: field.title
        for field in sorted(fields(), key=lambda field: field.rank)
        if field.name in current or (field.name not in FIXED and has_effect(field, values, choices))
    }
    return st.multiselect(
        "Settings that vary",
        list(titles),
        format_func=lambda name: titles.get(name, name),
        key=NAMES,
        placeholder="Choose one or more",
        **about,
    )


def _all_values(
    names: Sequence[str], values: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, tuple[Any, ...]]:
    """A field for each setting, two in a row; their values by dotted name."""
    grid_values = {}
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[start : start + 2], strict=False):
            with column:
                grid_values[name] = _values(find_field(name), values[name], about)
    return grid_values


def _values(field: ConfigField, current: Any, about: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values over which the field varies; none where its text cannot be read.

    The reason is shown below it.
    """
    try:
        if field.kind in ("choice", "bool"):
            return _choices(field, current, about)
        values = _typed_values(field, current, about)
    except ConfigError as error:
        error_box(in_titles(str(error)))
        return ()
    st.caption(_listed(values) if st.session_state.get(design.KEY, design.GRID) == design.GRID else _range(values))
    return values


def _listed(values: Sequence[Any]) -> str:
    """What the design of every combination makes of the values."""
    if len(values) == 1:
        return "One value: name several, with commas between."
    return f"{count_text(len(values), 'value')}: {', '.join(value_text(value) for value in values)}"


def _range(values: Sequence[Any]) -> str:
    """What the designs that draw make of the values."""
    low, high = value_text(min(values)), value_text(max(values))
    return (
        f"Drawn from {low} to {high}."
        if low != high
        else "One value: name the smallest and the largest, with a comma between."
    )


def _choices(field: ConfigField, current: Any, about: Mapping[str, Any]) -> tuple[Any, ...]:
    options = [True, False] if field.kind == "bool" else list(field.choices)
    key = _key(field.name)
    st.session_state.setdefault(key, [current] if current in options else [])
    help = f"{field.help}\n\n`{field.name}`"
    return check_values(
        field, st.multiselect(field.title, options, format_func=format_value, key=key, help=help, **about)
    )


def _typed_values(field: ConfigField, current: Any, about: Mapping[str, Any]) -> tuple[Any, ...]:
    key = _key(field.name)
    st.session_state.setdefault(key, "" if current is None else format_value(current))
    help = f"{field.help}\n\n`{field.name}`, {field.bounds}\n\n{WRITE}"
    text = st.text_input(field.label, key=key, live="400ms", help=help, **about)
    return parse_values(field.name, text or "")


def _key(name: str) -> str:
    return f"dhc_sweep_{name}"


def value_text(value: Any) -> str:
    """A value as a caption shows it, without needless digits."""
    return setting_number(value, 6) if isinstance(value, float) else format_value(value)


def plan(config: RunConfig, form: SweepForm) -> list[RunConfig]:
    """The sweep's runs in queue order: `config` with the combinations or draws of the values; [] while there are none.

    While a field's text cannot be read, its last values count. Raises ConfigError where they make no sweep.
    """
    sound = st.session_state.get(SOUND, {})
    values = {name: several or sound.get(name, ()) for name, several in form.values.items()}
    return form.choice.configs(config, values) if values and all(values.values()) else []


def draw_plan(configs: Sequence[RunConfig], form: SweepForm, dataset: Dataset) -> None:
    """Draw what the sweep will do. Raises what a launch would raise."""
    with st.container(border=True, key="dhc-sweep-plan"):
        st.markdown("**What will happen**")
        st.markdown(launcher.expectation_text(configs, dataset))
        if FACTOR in form.values and not any(can_drop(config) for config in configs if config.uses(FACTOR)):
            warn_of_equal_factors(configs[0])
        rows = table(configs, list(form.values))
        height = 35 * (min(len(rows), ROWS) + 1) + 3
        st.dataframe(rows, height=height, key="dhc_sweep_table", alt="The runs, in their order")


def start(configs: Sequence[RunConfig], form: SweepForm, note: str) -> list[str]:
    """Queue the runs, each with the note; returns their ids."""
    name = form.name or generated_name(list(form.values))
    about = {"group": name, "parent": parent(), "note": note}
    return launcher.start(configs, rule=form.rule, design=form.choice.design, **about)


def warn_of_equal_factors(config: RunConfig) -> None:
    """Say that runs with these settings are too short for the learning rate to drop."""
    settings = f"In {config.fit.epochs} epochs with patience {config.schedule.patience}"
    st.warning(f"{settings} the learning rate cannot drop: all factors would do the same.", icon=":material/warning:")


def table(configs: Sequence[RunConfig], names: Sequence[str]) -> pd.DataFrame:
    """One row a run, numbered from 1 in queue order: the varying settings and the seed."""
    columns = list(dict.fromkeys([*names, SEED]))
    rows = [{find_field(name).title: setting_text(config, name) for name in columns} for config in configs]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="run"))
