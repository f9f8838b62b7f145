"""Read it: what a sweep says, in sentences and three figures, and the runs that would widen it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.analysis.differences import differing_settings, value_text
from dhc.analysis.pictures import by_pictures
from dhc.analysis.repeats import SEED
from dhc.analysis.sweeps import Edge, Isolated, edge, infeasible, isolate, together
from dhc.analysis.tuning import FEWEST, tuning_curve, worth_of_more
from dhc.config import MISSION, fields, find_field
from dhc.figures import sweeps as figures
from dhc.jobs.groups import with_date
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text
from dhc.ui.answers.pairs import pictures_of
from dhc.ui.ladder.factor import open_run
from dhc.ui.runs import decision
from dhc.ui.shell import address, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty
from dhc.ui.train import launcher
from dhc.ui.widgets.plot import plot

KEY = "dhc_reading_"
MORE = 10  # runs whose worth is told
DESIGNS = ("random", "sobol")
NOTHING = "These runs differ in no setting but the seed: select some that differ, or start a sweep on Train."
BY_HAND = (
    "What more runs are worth can be said of settings that were drawn: start the next sweep with *Random* or *Sobol*. Of a grid, or of "
    "runs chosen by hand, nobody could say what the next one brings."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """What stands at an edge, the best of each value, two settings together, and what more runs are worth."""
    groups = by_pictures([info for info in runs if info.config is not None], pictures_of)
    members = groups[0][1] if groups else []
    names = [name for name in differing_settings([info.config for info in members if info.config]) if name != SEED]
    if not names:
        empty(NOTHING)
        return
    if len(members) < len(runs):
        st.caption(
            f"{count_text(len(runs) - len(members), 'selected run')} on other pictures, or unreadable, left out."
        )
    names.sort(key=lambda name: find_field(name).rank != MISSION)
    for name in names:
        _edge(members, name)
    left, right = st.columns(2, gap="medium")
    with left:
        first = _choose("Setting", "read_first", names, names[0])
        _isolation(members, first)
    with right:
        others = [name for name in names if name != first]
        if others:
            second = _choose("Together with", "read_second", others, others[0])
            record = together(members, second, first)
            figure = figures.pairs(record, rows=find_field(second).title, columns=find_field(first).title)
            plot(figure, key=KEY + "pairs", height=340, alt="Best val_accuracy of each pair of values", clicks=False)
    _worth(members)


def _choose(label: str, parameter: str, names: Sequence[str], default: str) -> str:
    titles = {field.name: field.title for field in fields()}
    binding = address.bound_choice(parameter, names, default, key=KEY + parameter)
    return str(st.selectbox(label, format_func=titles.__getitem__, **binding))


def _isolation(runs: Sequence[RunInfo], name: str) -> None:
    field = find_field(name)
    figure = figures.isolation(isolate(runs, name), infeasible(runs, name), title=field.title, log=field.log)
    alt = f"Best val_accuracy of each value of {field.title}, the other settings tuned away"
    open_run(plot(figure, key=KEY + "isolation", height=340, alt=alt))


def _edge(runs: Sequence[RunInfo], name: str) -> None:
    """A sentence where the best value lies at the end of what was tried, and the button that widens it."""
    isolated = isolate(runs, name)
    record = edge(isolated, name, infeasible(runs, name))
    if record is None:
        return
    tried = [one.value for one in isolated]
    title = plain(find_field(name).title)
    span = f"{value_text(min(tried))} to {value_text(max(tried))}"
    sentence = f":material/crop_free: The best {title}, **{value_text(record.value)}**, lies at the edge of what was tried ({span})."
    if not record.further:
        st.markdown(f"{sentence} It goes no further.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(sentence, width="content")
        if not sharing.is_read_only():
            _widen(runs, name, isolated, record)


def _widen(runs: Sequence[RunInfo], name: str, isolated: Sequence[Isolated], record: Edge) -> None:
    by_id = {info.id: info for info in runs}
    best = max(isolated, key=lambda one: one.results.mean)
    base = by_id[best.runs[0]].config
    assert base is not None
    configs = [base.with_values({name: value}) for value in record.further]
    label = f"Try {' and '.join(value_text(value) for value in record.further)} too"
    seconds, problem = decision.cost(configs)
    help = problem or f"{count_text(len(configs), 'run')} like the best one, about {duration_text(seconds)}."
    if st.button(label, key=f"{KEY}widen_{name}", icon=":material/play_arrow:", help=help, disabled=bool(problem)):
        ids = launcher.start(configs, group=with_date(f"Wider {find_field(name).short}"))
        if ids:
            st.toast(f"{count_text(len(ids), 'run')} queued.", icon=":material/play_arrow:")
            st.rerun()


def _worth(runs: Sequence[RunInfo]) -> None:
    """What more runs are worth, where the settings were drawn; else why nobody can say."""
    results = [info.best_val_accuracy for info in runs if info.design in DESIGNS and info.best_val_accuracy is not None]
    if len(results) < FEWEST:
        st.caption(BY_HAND)
        return
    count = len(results)
    curve = tuning_curve(results, range(1, 2 * count + 1))
    points = 100 * worth_of_more(results, MORE)
    worth = f"about {points:.1f} points" if points >= 0.05 else "hardly anything"
    st.markdown(
        f"Of {count_text(count, 'drawn run')} like these the best is expected at **{curve.expected[count - 1]:.3f}** "
        f"({curve.low[count - 1]:.3f} to {curve.high[count - 1]:.3f}). Another {MORE} are worth {worth}, or more: "
        "what is better than the best so far, nobody has seen."
    )
    alt = "Best val_accuracy to expect by number of runs, with its band"
    plot(figures.tuning(curve, count), key=KEY + "tuning", height=300, alt=alt, clicks=False)
