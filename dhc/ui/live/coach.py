"""The curve coach on Live: numbers on the curves, and below them what each one means.

With a lesson, and a copy of the run with the change to try.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis import coach
from dhc.analysis.case import Case
from dhc.analysis.coach import Mark, Rule
from dhc.config import RunConfig
from dhc.errors import RulesError
from dhc.figures.coach import annotate
from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.ui.manage import branching
from dhc.ui.shell.glossary import sourced
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box
from dhc.ui.train import clone
from dhc.ui.widgets import learn

__all__ = ["Advice", "advise", "annotate", "draw"]
REMEDY = "Fix the file, or restore the one that came with the dashboard."


@dataclass(frozen=True)
class Advice:
    """The coach's marks on a run's curves, or the `problem` why there are none."""

    marks: tuple[Mark, ...] = ()
    problem: str = ""


def advise(info: RunInfo, log: EventLog, history: History) -> Advice:
    """The marks of a run's curves so far, computed once for each new epoch."""
    if info.config is None:
        return Advice()
    try:
        rules_stamp = _stamp(coach.RULES)
        rules = _rules(coach.RULES, rules_stamp)
    except (RulesError, OSError, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, RulesError) else f"{coach.RULES.name} cannot be read"
        return Advice(problem=f"The curve coach is silent: {reason.rstrip('.')}. {REMEDY}")
    case = Case(history, info.config, _classes(info.config, log))
    return Advice(_marks(_progress_key(info, history), rules_stamp, case.classes, rules, case))


def _progress_key(info: RunInfo, history: History) -> tuple[object, ...]:
    """Changes whenever the curves have something new to judge."""
    epochs, losses = history.epochs, history.batches["loss"]
    diverged = bool(len(losses)) and not np.isfinite(losses.iloc[-1])
    last_end = float(epochs["t"].iloc[-1]) if len(epochs) else 0.0
    return os.fsencode(info.folder), len(epochs), last_end, len(history.lr_changes), len(history.health), diverged


def draw(info: RunInfo, advice: Advice) -> None:
    """The list below the charts."""
    if advice.problem:
        error_box(advice.problem)
    if not advice.marks:
        return
    st.subheader("What the curve says", anchor=False)
    for mark in advice.marks:
        with st.container(border=True, key=f"dhc_coach_{mark.rule}"):
            text, button = st.columns([3, 2], vertical_alignment="center")
            source = f" :small[{sourced(mark.source)}]" if mark.source else ""
            lessons = f"  \n:material/school: {links}" if (links := learn.of_mark(mark.rule)) else ""
            text.markdown(f"{_headline(mark)}  \n{plain(mark.lesson)}{source}{lessons}")
            with button:
                _offer(info, mark)


def _offer(info: RunInfo, mark: Mark) -> None:
    if [change.name for change in mark.changes] == ["fit.epochs"] and not info.state.alive:
        branching.button(info, key=f"dhc_coach_go_on_{mark.rule}")  # what was trained need not be trained again
    if mark.config is not None and st.button(
        f"Clone with {mark.suggestion}",
        icon=":material/content_copy:",
        key=f"dhc_coach_clone_{mark.rule}",
        help=f"Fills the Train form with this run's settings and {mark.suggestion}.",
        width="stretch",
    ):
        clone.open_form(mark.config, info.id)


def _headline(mark: Mark) -> str:
    epoch = f"epoch {mark.epochs[0]}"
    more = f" and {len(mark.epochs) - 1} more" if len(mark.epochs) > 1 else ""
    return f":violet-badge[{mark.number}] **{plain(mark.title)}**, {epoch}{more}: {plain(mark.sentence)}."


def _classes(config: RunConfig, log: EventLog) -> int | None:
    """How many classes the run tells apart, by its start event or config; None if unknown."""
    count = log.last.get("start", {}).get("classes") or config.data.classes
    return count if isinstance(count, int) and count > 0 else None


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@st.cache_resource(show_spinner=False, max_entries=2)
def _rules(path: Path, stamp: tuple[int, int]) -> tuple[Rule, ...]:
    return coach.read_rules(path.read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False, max_entries=64)
def _marks(
    progress_key: tuple[object, ...],
    rules_stamp: tuple[int, int],
    classes: int | None,
    _rule_list: tuple[Rule, ...],
    _case: Case,
) -> tuple[Mark, ...]:
    """The marks, cached by the first three arguments.

    Streamlit leaves out those that begin with an underscore.
    """
    return coach.marks(_case, _rule_list)
