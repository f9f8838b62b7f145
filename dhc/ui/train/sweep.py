"""A sweep set up on the Train page: which settings vary, over which values; how many runs that is and how long they take."""

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
from dhc.jobs.values import checked, parse_values, written
from dhc.runs.contract import MEDIAN_ENOUGH, MEDIAN_GRACE
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.states import error_box
from dhc.ui.train import batch
from dhc.ui.train.form import has_effect, parent

ONE, SWEEP = "One run", "Sweep"
MODE, NAMES = "dhc_sweep_mode", "dhc_sweep_settings"
FIXED = ("data.path", "device.device", SEED)  # a sweep has one data set and one device; the repeats see to the seeds
MOST_REPEATS = 20
ROWS = 8  # of the table that are seen without scrolling
WRITE = (
    "Values: `0.5, 0.8, 0.9`. Ranges: `0.1..0.9 step 0.2` (0.1 0.3 0.5 0.7 0.9), `2..6` (whole numbers), "
    "`1e-4..1e-2 log 5` (so many values, each the same multiple of the one before)."
)
HOPELESS = (
    f"The median rule: a run stops when its best val_accuracy so far is below the median of what the group's ended runs had on "
    f"average up to the same epoch. Every run gets {MEDIAN_GRACE} epochs, and {MEDIAN_ENOUGH} runs must have ended before. A late starter, "
    f"such as a high dropout, may be stopped wrongly."
)


@dataclass(frozen=True)
class SweepForm:
    """What stands in the sweep's form: the values by dotted name, none where a field cannot be read; the name may be empty."""

    values: Mapping[str, Sequence[Any]]
    repeats: int
    name: str
    rule: Literal["", "median"]


def is_selected() -> bool:
    """Draw the switch between one run and a sweep; whether it stands on the sweep."""
    return (
        st.segmented_control(
            "What to start", [ONE, SWEEP], default=ONE, required=True, key=MODE, label_visibility="collapsed",
            persist_state="session",
        )
        == SWEEP
    )  # fmt: skip


def draw(values: Mapping[str, Any]) -> SweepForm:
    """Draw the sweep's own fields; `values` stand in the form below, by dotted name, and are what its runs share."""
    with st.container(border=True, key="dhc-sweep"):
        names = _settings(values)
        listed = _all_values(names, values)
        left, right = st.columns([1, 2], vertical_alignment="bottom")
        repeats = left.number_input(
            "Repeats", 1, MOST_REPEATS, key="dhc_sweep_repeats", help="Runs of each combination, each with a seed of its own.",
            persist_state="session",
        )  # fmt: skip
        name = right.text_input(
            "Name of the group", max_chars=MAX_NAME, key="dhc_sweep_name", placeholder=generated_name(names) if names else "",
            persist_state="session",
        )  # fmt: skip
        hopeless = st.toggle(
            "Stop the hopeless early", key="dhc_sweep_hopeless", help=HOPELESS, persist_state="session"
        )
        st.caption("What does not vary is set below, for all runs alike.")
    return SweepForm(listed, int(repeats), (name or "").strip(), "median" if hopeless else "")


def _settings(values: Mapping[str, Any]) -> list[str]:
    """The settings that vary, out of those with an effect; one that has lost its effect stays, to be told of."""
    kept = st.session_state.get(NAMES, [])
    chosen = {name: st.session_state.get(_key(name), ()) for name in kept if find_field(name).kind == "choice"}
    offered = {
        field.name: field.title
        for field in sorted(fields(), key=lambda field: field.rank)
        if field.name in kept or (field.name not in FIXED and has_effect(field, values, chosen))
    }
    return st.multiselect(
        "Settings that vary", list(offered), format_func=lambda name: offered.get(name, name), key=NAMES,
        placeholder="Choose one or more", persist_state="session",
    )  # fmt: skip


def _all_values(names: Sequence[str], values: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """A field for each setting, two in a row."""
    found = {}
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[start : start + 2], strict=False):
            with column:
                found[name] = _values(find_field(name), values[name])
    return found


def _values(field: ConfigField, current: Any) -> tuple[Any, ...]:
    """The values that the field is to take; none, with the reason below it, where none can be read."""
    try:
        if field.kind in ("choice", "bool"):
            return _choices(field, current)
        found = _written_values(field, current)
    except ConfigError as error:
        error_box(error)
        return ()
    st.caption(f"{count_text(len(found), 'value')}: {', '.join(value_text(value) for value in found)}")
    return found


def _choices(field: ConfigField, current: Any) -> tuple[Any, ...]:
    options = [True, False] if field.kind == "bool" else list(field.choices)
    key = _key(field.name)
    st.session_state.setdefault(key, [current] if current in options else [])
    picked = st.multiselect(
        field.title,
        options,
        format_func=written,
        key=key,
        help=f"{field.help}\n\n`{field.name}`",
        persist_state="session",
    )
    return checked(field, picked)


def _written_values(field: ConfigField, current: Any) -> tuple[Any, ...]:
    key = _key(field.name)
    st.session_state.setdefault(key, "" if current is None else written(current))
    text = st.text_input(
        field.label, key=key, live="400ms",
        help=f"{field.help}\n\n`{field.name}`, {field.bounds}\n\n{WRITE}", persist_state="session",
    )  # fmt: skip
    return parse_values(field.name, text or "")


def _key(name: str) -> str:
    return f"dhc_sweep_{name}"


def value_text(value: Any) -> str:
    """A value as a caption shows it: no more digits than tell it."""
    return f"{value:g}" if isinstance(value, float) else written(value)


def offer(values: Mapping[str, Any], asked: SweepForm) -> list[str]:
    """How many runs, how long they take, which they are, and the button; the ids of the runs once it was pressed.

    Raises ConfigError where the settings and values make no sweep, and what a launch would raise.
    """
    if not asked.values or not all(asked.values.values()):
        st.info(
            "Choose the settings that vary and their values: every combination becomes a run.",
            icon=":material/grid_view:",
        )
        return []
    # What varies is not in the form, so what stands there must not be held against it.
    base = RunConfig().with_values({**values, **{name: given[0] for name, given in asked.values.items()}})
    configs = grid(base, asked.values, asked.repeats)
    with st.container(border=True, key="dhc-sweep-plan"):
        st.markdown("**What will happen**")
        st.markdown(batch.expectation_text(configs, session.dataset(base.data.path)))
        if FACTOR in asked.values and not any(can_drop(config) for config in configs if config.uses(FACTOR)):
            st.warning(
                f"In {base.fit.epochs} epochs with patience {base.schedule.patience} the learning rate cannot drop: all "
                f"factors would do the same.",
                icon=":material/warning:",
            )
        rows = table(configs, list(asked.values))
        st.dataframe(
            rows, height=35 * (min(len(rows), ROWS) + 1) + 3, key="dhc_sweep_table", alt="The runs, in their order"
        )
    label = f"Start {count_text(len(configs), 'run')}"
    if st.button(label, type="primary", icon=":material/play_arrow:", width="stretch"):
        name = asked.name or generated_name(list(asked.values))
        return batch.start(configs, group=name, rule=asked.rule, parent=parent())
    return []


def table(configs: Sequence[RunConfig], names: Sequence[str]) -> pd.DataFrame:
    """One row a run, numbered from 1 in the order of the queue: the settings that vary, by title, and the seed."""
    columns = list(dict.fromkeys([*names, SEED]))
    rows = [{find_field(name).title: setting_text(config, name) for name in columns} for config in configs]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="run"))
