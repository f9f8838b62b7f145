"""Settings against results: scatter of one, parallel coordinates of all, LR factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import streamlit as st

from dhc.analysis.differences import differing_settings, setting_text
from dhc.analysis.factor import families
from dhc.analysis.repeats import SEED
from dhc.analysis.settings import RESULTS, Result, parallel, result_of, scatter
from dhc.config import fields, find_field
from dhc.figures import settings as figures
from dhc.figures.factor import factors
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text, shorten
from dhc.ui.ladder.factor import outcome, setup_text
from dhc.ui.runs.compare import nothing
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.shell.glossary import explained
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.plot import Click, plot

KEY = "dhc_settings_"
KINDS = {"one": "One setting", "all": "All that differ", "factor": "LR factor"}
RESULT_NAMES: dict[Result, str] = {"val_accuracy": "Best val_accuracy", "seconds": "Time", "gap": "Gap at the end"}
HEIGHT = 420
MOST_FAMILIES = 5  # LR-factor charts drawn
MOST_SETTINGS = 12  # shown of the run that was clicked
RESULT_HELP = "Gap: accuracy minus val_accuracy after the last epoch."


@dataclass(frozen=True)
class SettingsView:
    """What is drawn: a key of KINDS, a setting's dotted name ("" where none differs), a result."""

    kind: str
    name: str
    result: Result


def default_of(names: Sequence[str]) -> str:
    """The setting to begin with among those that differ: the most prominent one, the seed last."""
    ranks = {field.name: field.rank for field in fields()}
    return min(names, key=lambda name: (name == SEED, ranks[name]))


@st.fragment
def draw(runs: Sequence[RunInfo]) -> None:
    """Controls, one chart of the runs, and the run that was clicked in it."""
    with guard():
        readable = [info for info in runs if info.config is not None]
        if not readable:
            nothing.say(
                "The settings of the selected runs cannot be read: select others.", icon=":material/scatter_plot:"
            )
            return
        names = differing_settings([info.shown_config for info in readable if info.shown_config is not None])
        view = _controls(names)
        if view.kind == "factor":
            _factor(readable)
        elif not names:
            nothing.say(
                "The selected runs all have the same settings: select some that differ.", icon=":material/scatter_plot:"
            )
            return
        else:
            _one(readable, view) if view.kind == "one" else _all(readable, view)
            _say_what_is_missing(runs, view.result)
        _clicked_run(readable, names)


def _controls(names: Sequence[str]) -> SettingsView:
    """Draw the controls, each bound to the address. What is not drawn has its default."""
    titles = {field.name: f"{field.title} ({field.name})" for field in fields()}
    name, result = default_of(names) if names else "", str(RESULTS[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = segments("View", KINDS, **address.bound_choice("settings_view", list(KINDS), "one", key=KEY + "view"))
        if kind == "one" and names:
            name = st.selectbox(
                "Setting",
                format_func=titles.__getitem__,
                width=380,
                help="Those on which the selected runs differ.",
                **address.bound_choice("settings_name", names, name, key=KEY + "name"),
            )
        if kind != "factor":
            by_result = address.bound_choice("settings_result", RESULTS, RESULTS[0], key=KEY + "result")
            result = segments("Result", RESULT_NAMES, help=explained(RESULT_HELP, "gap"), **by_result)
    return SettingsView(kind, name, cast(Result, result))


def _one(runs: Sequence[RunInfo], view: SettingsView) -> None:
    field = find_field(view.name)
    record = scatter(runs, view.name, view.result)
    figure = figures.scatter(record, title=field.title, result=view.result, log=field.log)
    alt = f"{RESULT_NAMES[view.result]} by {field.title}, a dot for each of {count_text(len(record.dots), 'run')}"
    _take(plot(figure, key=KEY + "scatter", height=HEIGHT, alt=alt))
    if any(len(group.runs) > 1 for group in record.repeats):
        st.caption("Repeats are runs that differ in nothing but the seed.")
    elif view.name != SEED:
        st.caption("No repeats among these runs: as long as each has one seed only, a difference may be luck.")


def _all(runs: Sequence[RunInfo], view: SettingsView) -> None:
    record = parallel(runs, view.result)
    if len(record.runs) < 2:
        nothing.say(
            "Parallel coordinates need at least two runs with this result.", icon=":material/stacked_line_chart:"
        )
        return
    titles = {field.name: field.title for field in fields()}
    figure = figures.parallel(record, result=view.result, titles=titles)
    alt = f"Parallel coordinates of {count_text(len(record.dimensions), 'setting')} and {RESULT_NAMES[view.result]}"
    plot(figure, key=KEY + "parallel", height=HEIGHT, alt=alt, clicks=False)
    st.caption(
        "Each line is a run, from blue (low) to orange (high). Drag along an axis to keep only the runs that pass there, click the "
        "axis to show all again. Values are evenly spaced; –: no effect."
    )


def _factor(runs: Sequence[RunInfo]) -> None:
    experiments = families(runs)
    if not experiments:
        st.info(
            "No two of the selected runs differ in nothing but their LR factor and the seed.", icon=":material/inbox:"
        )
    for number, family in enumerate(experiments[:MOST_FAMILIES]):
        st.caption(setup_text(family.config))
        alt = "Best val_accuracy by LR factor, a dot for each run"
        _take(plot(factors(family.trials), key=f"{KEY}factor_{number}", height=340, alt=alt))
        if family.trials:
            st.markdown(outcome(family))


def _take(click: Click | None) -> None:
    if click and isinstance(click["customdata"], str):
        address.put(settings_run=click["customdata"])


def _clicked_run(runs: Sequence[RunInfo], names: Sequence[str]) -> None:
    """The run in the address: its title, its result, a link, the settings that tell it apart."""
    by_id = {info.id: info for info in runs}
    info = by_id.get(st.query_params.get("settings_run", ""))
    if info is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(bold(info.title), width="content")
            st.markdown(_result_text(info), width="content")
            link("Live", run=info.id)
        effective = [name for name in names if info.config is not None and info.config.uses(name)]
        values = [f"{plain(name)} **{_value(info, name)}**" for name in effective[:MOST_SETTINGS]]
        more = f" · and {len(effective) - MOST_SETTINGS} more" if len(effective) > MOST_SETTINGS else ""
        st.markdown(" · ".join(values) + more)


def _value(info: RunInfo, name: str) -> str:
    return plain(shorten(setting_text(info.shown_config, name), 40))


def _result_text(info: RunInfo) -> str:
    best = "no val_accuracy yet"
    if info.best_val_accuracy is not None:
        best = f"best val_accuracy {info.best_val_accuracy:.3f}"
    return best if info.seconds is None else f"{best} in {duration_text(info.seconds)}"


def _say_what_is_missing(runs: Sequence[RunInfo], result: Result) -> None:
    without = sum(info.config is None or result_of(info, result) is None for info in runs)
    if without:
        reason = "the settings cannot be read or there is no such result yet"
        st.caption(f"{count_text(without, 'selected run')} left out: {reason}.")
