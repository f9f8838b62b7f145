"""One cluster on Machines: what is wrong, its machines, what runs where, what waits and why, its last trial."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dhc.cluster import errands, overview
from dhc.cluster.judge import Finding
from dhc.cluster.overview import Engine, Placed
from dhc.jobs import launch
from dhc.runs.status import State
from dhc.text import count_text, duration_text, shorten
from dhc.ui.shell import session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.pickers import COLORS, ICONS
from dhc.ui.shell.states import attempt, error_box

MOST_ROWS = 8  # of the machines' table that are visible without scrolling
MOST_RUNS = 20  # of those that run, and of those that wait
ERRANDS = {"look": ("Look now", ":material/refresh:"), "try": ("Try it", ":material/science:")}
GOING_ON = {"look": "Looking", "try": "Trying it"}
TRY_HELP = (
    "Has a job of ten seconds run there as a run would: where, with which Python and GPUs, whether it sees runs and pictures, and whether "
    "locks, renames and dates of files hold between the machines."
)
SIGNS = {
    "good": ":green[:material/check_circle:]",
    "warning": ":orange[:material/warning:]",
    "bad": ":red[:material/error:]",
}


def draw(engine: Engine, names: Mapping[str, str]) -> None:
    """Draw a cluster; `names` are what the runs are called, by id."""
    with st.container(border=True, key=f"dhc-cluster-{engine.name}"):
        _head(engine)
        if engine.lack:
            st.markdown(f":material/construction: {plain(engine.lack[:1].upper() + engine.lack[1:])}.")
        if engine.cluster.problem:
            error_box(f"{engine.cluster.problem[:1].upper()}{engine.cluster.problem[1:].rstrip('.')}.")
        _idle(engine)
        _errands(engine)
        if engine.cluster.nodes:
            _nodes(engine)
        _runs(engine, names)
        _trial(engine)


def _head(engine: Engine) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        size = overview.size_text(engine.cluster)
        st.markdown(f"**{engine.title}**{f' · {plain(size)}' if size else ''}", width="content")
        if seen := _seen(engine):
            st.markdown(f":small[{seen}]", width="content")
        if sharing.is_read_only() or engine.lack:
            return
        for kind, (label, icon) in ERRANDS.items():
            st.button(
                label,
                icon=icon,
                help=TRY_HELP if kind == "try" else "Asks the cluster what is there now.",
                key=f"dhc_machines_{kind}_{engine.name}",
                disabled=errands.is_pending(session.runs_dir(), engine.name, kind),
                on_click=attempt,
                args=(errands.start, session.runs_dir(), engine.name, kind, session.data_dir()),
            )


def _seen(engine: Engine) -> str:
    if engine.age is None:
        return "nobody has looked yet"
    if engine.cluster.problem:
        return "as it was before it could not be reached" if engine.cluster.nodes else ""
    return "as it is now" if engine.is_fresh else f"as it was {duration_text(engine.age)} ago"


def _idle(engine: Engine) -> None:
    """That nobody works on its queue, with the button that mends it."""
    if not (engine.runs and engine.idle):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        runs = count_text(len(engine.runs), "run")
        text = f"{runs} there, but {engine.idle}: what runs goes on, and nothing new is handed out."
        st.markdown(f":material/hourglass_disabled: {plain(text)}", width="content")
        if not sharing.is_read_only():
            work, icon = (launch.work, session.runs_dir()), ":material/play_arrow:"
            st.button("Resume the queue", icon=icon, key=f"dhc_work_{engine.name}", on_click=attempt, args=work)


def _errands(engine: Engine) -> None:
    """How a look and a trial go, or why they came to nothing."""
    for kind in errands.KINDS:
        about = (session.runs_dir(), engine.name, kind)
        if errands.is_pending(*about):
            line = errands.last_line(*about)
            seconds = duration_text(errands.seconds(*about))
            st.markdown(
                f":material/hourglass_top: {GOING_ON[kind]} for {seconds}{f': {plain(line)}' if line else ' …'}"
            )
        elif (failure := errands.failure(*about)) and failure not in _said(engine):
            error_box(f"{ERRANDS[kind][0]}: {failure.rstrip('.')}.")


def _said(engine: Engine) -> tuple[str, ...]:
    """What the card says is wrong, anyway."""
    return engine.cluster.problem, "" if engine.trial is None else engine.trial.problem


def _nodes(engine: Engine) -> None:
    has_gpus = any(node.gpus for node in engine.cluster.nodes)
    rows = [
        {
            "Machine": node.name,
            "State": "up" if node.state == "up" else "down",
            "Cores free": f"{node.cpus_free:g} of {node.cpus:g}" if node.cpus else "–",
            **({"GPUs free": f"{node.gpus_free:g} of {node.gpus:g}" if node.gpus else "–"} if has_gpus else {}),
            "Runs": len(engine.on(node)),
            "Why": node.reason,
        }
        for node in engine.cluster.nodes
    ]
    height = 35 * (min(len(rows), MOST_ROWS) + 1) + 3
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height=height, key=f"dhc_nodes_{engine.name}", alt="The cluster's machines"
    )


def _runs(engine: Engine, names: Mapping[str, str]) -> None:
    for title, runs in (("What runs", engine.running), ("What waits", engine.waiting)):
        if not runs:
            continue
        st.markdown(f"**{title}**: {count_text(len(runs), 'run')}")
        for run in runs[:MOST_RUNS]:
            _run(run, names.get(run.id, run.id))
        if len(runs) > MOST_RUNS:
            link("Runs", text=f"and {len(runs) - MOST_RUNS:,} more")


def _run(run: Placed, title: str) -> None:
    state = run.status.state
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if state is not State.QUEUED:
            st.badge(state.value, icon=ICONS[state], color=COLORS[state])  # type: ignore[arg-type]
        link("Live", text=plain(shorten(title, TITLE_LENGTH)), run=run.id)
        st.markdown(
            f":small[{plain(overview.placed_text(run).removeprefix(state.value).strip(' :,'))}]", width="content"
        )


def _trial(engine: Engine) -> None:
    """What the last trial with today's settings saw: what is bad stands open."""
    trial = engine.trial
    if trial is None:
        if not engine.lack:
            st.caption("Never tried with these settings.")
        return
    when = "" if trial.at is None else f", {duration_text(max(0.0, time.time() - trial.at))} ago"
    if trial.problem:
        st.markdown(f"{SIGNS['bad']} The last trial{when}: {plain(trial.problem.rstrip('.'))}.")
        return
    bad, warnings = len(trial.bad), sum(finding.state == "warning" for finding in trial.findings)
    words = [
        f"{bad} to mend, and nothing is handed out before" if bad else "",
        count_text(warnings, "warning") if warnings else "",
    ]
    label = f"The last trial{when}: {', '.join(filter(None, words)) or 'all is well'}"
    with st.expander(label, expanded=bool(bad or warnings), key=f"dhc_trial_{engine.name}"):
        _findings(trial.findings)


def _findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        st.markdown(f"{SIGNS[finding.state]} **{plain(finding.name)}** {plain(finding.text.rstrip('.'))}.")
