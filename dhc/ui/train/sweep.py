"""A sweep on the Train page: which settings vary, over which values.

And how many runs that makes, how long they take, and the button that starts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import streamlit as st

from dhc.analysis.differences import setting_text
from dhc.analysis.factor import FACTOR, can_drop
from dhc.config import ConfigField, RunConfig, fields, find_field
from dhc.errors import ConfigError
from dhc.jobs.groups import MAX_NAME, generated_name
from dhc.jobs.sweep import SEED, grid
from dhc.jobs.values import check_values, format_value, parse_values
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE
from dhc.text import count_text
from dhc.ui.shell import session, sharing
from dhc.ui.shell.states import error_box
from dhc.ui.train import launcher
from dhc.ui.train.form import has_effect, parent

ONE, SWEEP = "One run", "Sweep"
MODE, NAMES = "dhc_sweep_mode", "dhc_sweep_settings"
FIXED = ("data.path", "device.device", SEED)  # a sweep has one data set and one device; its repeats vary the seed
MOST_REPEATS = 20
ROWS = 8  # of the table that are visible without scrolling
WRITE = (
    "Values: `0.5, 0.8, 0.9`. Ranges: `0.1..0.9 step 0.2` (0.1 0.3 0.5 0.7 0.9), `2..6` (whole numbers), "
    "`1e-4..1e-2 log 5` (5 values, each the same multiple of the one before)."
)
HOPELESS = (
    f"The median rule: a run stops when its best val_accuracy so far is below the median, over the group's ended runs, of their "
    f"average up to the same epoch. Every run gets {MEDIAN_GRACE} epochs, and {MEDIAN_ENOUGH} runs must have ended first. A run "
    f"that starts slowly, for instance with high dropout, may be stopped wrongly."
)
CHOOSE = "Choose the settings that vary and their values: every combination becomes a run."
KEPT: dict[str, Any] = {"persist_state": "session"}  # of a widget: it keeps its value while other pages are open


@dataclass(frozen=True)
class SweepForm:
    """The values of the sweep's form.

    values    by dotted name; empty for a setting whose text cannot be read
    repeats   runs of each combination
    name      of the group; may be ""
    """

    values: Mapping[str, Sequence[Any]]
    repeats: int
    name: str
    rule: Literal["", "median"]

    @property
    def is_complete(self) -> bool:
        """Whether there is a setting that varies, and each has values."""
        return bool(self.values) and all(self.values.values())


def is_selected() -> bool:
    """Draw the switch between one run and a sweep; whether the sweep is selected."""
    options = [ONE, SWEEP]
    mode = st.segmented_control(
        "What to start", options, default=ONE, required=True, key=MODE, label_visibility="collapsed", **KEPT
    )
    return bool(mode == SWEEP)


def draw(values: Mapping[str, Any]) -> SweepForm:
    """Draw the sweep's own fields.

    `values` are those of the form below, by dotted name, which all runs share.
    """
    with st.container(border=True, key="dhc-sweep"):
        names = _settings(values)
        grid_values = _all_values(names, values)
        repeats, name = _repeats_and_name(names)
        rule = st.toggle("Stop hopeless runs early", key="dhc_sweep_hopeless", help=HOPELESS, **KEPT)
        st.caption("Settings that do not vary are set below, for all runs.")
    return SweepForm(grid_values, repeats, name, "median" if rule else "")


def _repeats_and_name(names: Sequence[str]) -> tuple[int, str]:
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    help = "Runs of each combination, each with a seed of its own."
    repeats = left.number_input("Repeats", 1, MOST_REPEATS, key="dhc_sweep_repeats", help=help, **KEPT)
    hint = generated_name(names) if names else ""
    name = right.text_input("Name of the group", max_chars=MAX_NAME, key="dhc_sweep_name", placeholder=hint, **KEPT)
    return int(repeats), (name or "").strip()


def _settings(values: Mapping[str, Any]) -> list[str]:
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
        **KEPT,
    )


def _all_values(names: Sequence[str], values: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """A field for each setting, two in a row; their values by dotted name."""
    grid_values = {}
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[start : start + 2], strict=False):
            with column:
                grid_values[name] = _values(find_field(name), values[name])
    return grid_values


def _values(field: ConfigField, current: Any) -> tuple[Any, ...]:
    """The values over which the field varies; none where its text cannot be read.

    The reason is shown below it.
    """
    try:
        if field.kind in ("choice", "bool"):
            return _choices(field, current)
        values = _typed_values(field, current)
    except ConfigError as error:
        error_box(error)
        return ()
    st.caption(f"{count_text(len(values), 'value')}: {', '.join(value_text(value) for value in values)}")
    return values


def _choices(field: ConfigField, current: Any) -> tuple[Any, ...]:
    options = [True, False] if field.kind == "bool" else list(field.choices)
    key = _key(field.name)
    st.session_state.setdefault(key, [current] if current in options else [])
    help = f"{field.help}\n\n`{field.name}`"
    return check_values(
        field, st.multiselect(field.title, options, format_func=format_value, key=key, help=help, **KEPT)
    )


def _typed_values(field: ConfigField, current: Any) -> tuple[Any, ...]:
    key = _key(field.name)
    st.session_state.setdefault(key, "" if current is None else format_value(current))
    help = f"{field.help}\n\n`{field.name}`, {field.bounds}\n\n{WRITE}"
    text = st.text_input(field.label, key=key, live="400ms", help=help, **KEPT)
    return parse_values(field.name, text or "")


def _key(name: str) -> str:
    return f"dhc_sweep_{name}"


def value_text(value: Any) -> str:
    """A value as a caption shows it, without needless digits."""
    return f"{value:g}" if isinstance(value, float) else format_value(value)


def offer(values: Mapping[str, Any], form: SweepForm) -> list[str]:
    """Draw what the sweep will do, and its button; returns the ids of runs just started.

    Raises ConfigError where the settings and values make no sweep, and what a launch would raise.
    """
    if not form.is_complete:
        st.info(CHOOSE, icon=":material/grid_view:")
        return []
    # The fields of the settings that vary are not drawn, so their values must not count.
    base = RunConfig().with_values({**values, **{name: several[0] for name, several in form.values.items()}})
    configs = grid(base, form.values, form.repeats)
    with st.container(border=True, key="dhc-sweep-plan"):
        st.markdown("**What will happen**")
        st.markdown(launcher.expectation_text(configs, session.dataset(base.data.path)))
        if FACTOR in form.values and not any(can_drop(config) for config in configs if config.uses(FACTOR)):
            warn_of_equal_factors(base)
        rows = table(configs, list(form.values))
        height = 35 * (min(len(rows), ROWS) + 1) + 3
        st.dataframe(rows, height=height, key="dhc_sweep_table", alt="The runs, in their order")
    label = f"Start {count_text(len(configs), 'run')}"
    if st.button(label, type="primary", icon=":material/play_arrow:", width="stretch", **sharing.greyed()):
        name = form.name or generated_name(list(form.values))
        return launcher.start(configs, group=name, rule=form.rule, parent=parent())
    return []


def warn_of_equal_factors(config: RunConfig) -> None:
    """Say that runs with these settings are too short for the learning rate to drop."""
    settings = f"In {config.fit.epochs} epochs with patience {config.schedule.patience}"
    st.warning(f"{settings} the learning rate cannot drop: all factors would do the same.", icon=":material/warning:")


def table(configs: Sequence[RunConfig], names: Sequence[str]) -> pd.DataFrame:
    """One row a run, numbered from 1 in queue order: the varying settings and the seed."""
    columns = list(dict.fromkeys([*names, SEED]))
    rows = [{find_field(name).title: setting_text(config, name) for name in columns} for config in configs]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="run"))
