"""Read it: what a sweep says, in sentences and figures, and the runs that would widen it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import streamlit as st

from dhc.analysis.differences import value_text
from dhc.analysis.importance import Importance, Trial, importance
from dhc.analysis.pictures import pictures_of
from dhc.analysis.reading import (
    Reading,
    SettingReading,
    Worth,
    edge_text,
    importance_text,
    read,
    too_few_text,
    worth_text,
)
from dhc.analysis.sweeps import Edge, together
from dhc.config import fields, find_field
from dhc.figures import sweeps as figures
from dhc.jobs.groups import with_date
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text
from dhc.ui.ladder.factor import open_run
from dhc.ui.runs import decision
from dhc.ui.shell import address, sharing
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import empty
from dhc.ui.train import launcher, sweep
from dhc.ui.widgets.plot import plot

KEY = "dhc_reading_"
NOTHING = "These runs differ in no setting but the seed: select some that differ, or start a sweep on Train."
BY_HAND = (
    "What more runs are worth can be said of settings that were drawn: start the next sweep with *Random* or *Sobol*. Of a grid, or of "
    "runs chosen by hand, nobody could say what the next one brings."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """What stands at an edge, the best of each value, two settings together, what matters, and what more runs are worth."""
    reading = read(runs, pictures_of)
    if not reading.settings:
        empty(
            NOTHING,
            step="Set up a sweep",
            page="Train",
            params={sweep.VARY: sweep.NOTHING},
            icon=":material/grid_view:",
        )
        return
    if reading.left_out:
        st.caption(f"{count_text(reading.left_out, 'selected run')} on other pictures, or unreadable, left out.")
    for setting in reading.settings:
        _edge(reading.runs, setting)
    by_name = {setting.name: setting for setting in reading.settings}
    left, right = st.columns(2, gap="medium")
    with left:
        first = _choose("Setting", "read_first", list(by_name))
        _isolation(by_name[first])
    with right:
        others = [name for name in by_name if name != first]
        if others:
            second = _choose("Together with", "read_second", others)
            record = together(reading.runs, second, first)
            figure = figures.pairs(record, rows=find_field(second).title, columns=find_field(first).title)
            plot(figure, key=KEY + "pairs", height=340, alt="Best val_accuracy of each pair of values", clicks=False)
    _importance(reading)
    _worth(reading.drawn, reading.worth)


def _choose(label: str, parameter: str, names: Sequence[str]) -> str:
    titles = {field.name: field.title for field in fields()}
    binding = address.bound_choice(parameter, names, names[0], key=KEY + parameter)
    return str(st.selectbox(label, format_func=titles.__getitem__, **binding))


def _isolation(setting: SettingReading) -> None:
    field = find_field(setting.name)
    figure = figures.isolation(setting.isolated, setting.failed, title=field.title, log=field.log)
    alt = f"Best val_accuracy of each value of {field.title}, the other settings tuned away"
    open_run(plot(figure, key=KEY + "isolation", height=340, alt=alt))


def _edge(runs: Sequence[RunInfo], setting: SettingReading) -> None:
    """A sentence where the best value lies at the end of what was tried, and the button that widens it."""
    if setting.edge is None:
        return
    sentence = f":material/crop_free: {edge_text(setting, bold)}"
    if not setting.edge.further:
        st.markdown(sentence)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(sentence, width="content")
        if not sharing.is_read_only():
            _widen(runs, setting, setting.edge)


def _widen(runs: Sequence[RunInfo], setting: SettingReading, edge: Edge) -> None:
    by_id, field = {info.id: info for info in runs}, find_field(setting.name)
    best = max(setting.isolated, key=lambda one: one.results.mean)
    base = by_id[best.runs[0]].config
    assert base is not None
    configs = [base.with_values({setting.name: value}) for value in edge.further]
    label = f"Try {' and '.join(value_text(value) for value in edge.further)} too"
    seconds, problem = decision.cost(configs)
    help = problem or f"{count_text(len(configs), 'run')} like the best one, about {duration_text(seconds)}."
    key = f"{KEY}widen_{setting.name}"
    if st.button(label, key=key, icon=":material/play_arrow:", help=help, disabled=bool(problem)):
        ids = launcher.start(configs, group=with_date(f"Wider {field.short}"))
        if ids:
            st.toast(f"{count_text(len(ids), 'run')} queued.", icon=":material/play_arrow:")
            st.rerun()


def _importance(reading: Reading) -> None:
    """Which setting matters most, or why that cannot be said."""
    found = _of_trials(reading.trials, is_installed=find_spec("optuna") is not None)
    if found.reason:
        st.caption(plain(found.reason))
        return
    first, second = st.columns(2, gap="medium", vertical_alignment="center")
    with first:
        shares = {find_field(name).title: share for name, share in found.shares.items()}
        height = 110 + 30 * len(shares)
        plot(
            figures.importance(shares),
            key=KEY + "importance",
            height=height,
            alt="Importance of each setting",
            clicks=False,
        )
    second.markdown(importance_text(found, bold))


@st.cache_data(show_spinner="Weighing the settings …", max_entries=32)
def _of_trials(tried: tuple[Trial, ...], is_installed: bool) -> Importance:
    """Computed anew once optuna has been installed."""
    return importance(tried)


def _worth(drawn: int, worth: Worth | None) -> None:
    """What more runs are worth, where enough have drawn settings; else why nobody can say."""
    if worth is None:
        st.caption(too_few_text(drawn) if drawn else BY_HAND)
        return
    st.markdown(worth_text(worth, bold))
    alt = "Best val_accuracy to expect by number of runs, with its band"
    plot(figures.tuning(worth.curve, worth.drawn), key=KEY + "tuning", height=300, alt=alt, clicks=False)
