"""Groups of runs on the Runs page: progress, best run, time left, and Stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from dhc.analysis.groups import RunGroup, run_groups
from dhc.cluster.record import cluster_of
from dhc.jobs.groups import stop_group
from dhc.runs.rundir import ENGINES
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text, shorten
from dhc.ui.runs import decision
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, bold, plain
from dhc.ui.shell.pickers import COLORS, ICONS
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK = 2.0  # seconds between two looks while a group's run is alive
MOST = 8  # groups drawn at once
STOP = "Queued runs leave the queue. The one that is training stops at its next batch and keeps its best network."


def draw(runs: Sequence[RunInfo]) -> None:
    """The group that the address names and those with a run alive, watched while there is one."""
    own = st.query_params.get("group", "")
    names = [group.name for group in run_groups(runs) if group.alive or group.name == own]
    names = sorted(names, key=lambda name: name != own)[:MOST]
    if not names:
        return

    def draw_all(groups: Sequence[RunGroup]) -> None:
        for group in groups:
            _draw(group, names.index(group.name), alone=group.name == own)

    watch(
        lambda: _groups(session.runs(), names),
        draw_all,
        every=TICK,
        alive=lambda groups: any(group.alive for group in groups),
        page=_states,  # the table shows the states too
        key="dhc-groups",
    )


def _groups(runs: Iterable[RunInfo], names: Sequence[str]) -> list[RunGroup]:
    widths = {engine: cluster_of(session.runs_dir(), engine).width for engine in ENGINES}
    by_name = {group.name: group for group in run_groups(runs, widths)}
    return [by_name[name] for name in names if name in by_name]


def _states(groups: Iterable[RunGroup]) -> list[tuple[str, int, Mapping[State, int]]]:
    return [(group.name, len(group.alive), group.counts) for group in groups]


def _draw(group: RunGroup, number: int, *, alone: bool) -> None:
    with st.container(border=True, key=f"dhc-group-{number}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(bold(group.name), width="content")
            for state, count in group.counts.items():
                st.badge(f"{count} {state.value}", icon=ICONS[state], color=COLORS[state])  # type: ignore[arg-type]
            if not alone:
                link("Runs", text="Its runs only", group=group.name)
            if group.alive and not sharing.is_read_only():
                _stop_button(group, number)
        st.progress(group.fraction, text=_progress(group))
        _verdict(group, alone=alone)


def _progress(group: RunGroup) -> str:
    text = f"{len(group.runs) - len(group.alive)} of {count_text(len(group.runs), 'run')} ended"
    if not group.alive:
        return text
    if group.seconds_left is None:
        return f"{text}; the time left is known after the first epoch"
    return f"{text}, about {duration_text(group.seconds_left)} left"


def _verdict(group: RunGroup, *, alone: bool) -> None:
    """Which of its settings to keep, as above the comparing panels; while none has ended, the best run so far.

    Where the table has its runs `alone`, that is said there.
    """
    verdict = decision.decision_of(group.runs)
    if alone and verdict.best is not None:
        return
    best = group.best if verdict.best is None else verdict.best.best_run
    if best is None:
        return
    text = decision.markdown(verdict, decision.cost(verdict.repeats)[0])
    if verdict.best is None:
        text = f"Best so far: val_accuracy **{best.best_val_accuracy or 0:.3f}**"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="content")
        link("Live", text=plain(shorten(best.title, TITLE_LENGTH)), run=best.id)


def _stop_button(group: RunGroup, number: int) -> None:
    with st.popover("Stop the group", icon=":material/stop_circle:", key=f"dhc_group_stop_{number}"):
        st.markdown(STOP)
        label, stop = f"Stop {count_text(len(group.alive), 'run')}", (stop_group, session.runs_dir(), group.name)
        st.button(label, type="primary", on_click=attempt, args=stop, key=f"dhc_group_stop_now_{number}")
