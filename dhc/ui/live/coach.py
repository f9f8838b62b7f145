"""The curve coach on Live: numbers on the curves, and below them what each says, its lesson, and a copy with the change to try."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.analysis import coach
from dhc.analysis.coach import Mark, Rule
from dhc.analysis.detectors import Case
from dhc.config import RunConfig
from dhc.errors import RulesError
from dhc.figures.coach import annotate
from dhc.runs.events import EventLog
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box
from dhc.ui.train import clone

__all__ = ["Advice", "advise", "annotate", "draw"]


@dataclass(frozen=True)
class Advice:
    """What the coach says of a run; `problem` in its place where its rules cannot be read."""

    marks: tuple[Mark, ...] = ()
    problem: str = ""


def advise(info: RunInfo, log: EventLog, history: History) -> Advice:
    """The marks of a run's curves so far, thought over once for each new epoch."""
    if info.config is None:
        return Advice()
    try:
        stamp = _stamp(coach.RULES)
        rules = _rules(coach.RULES, stamp)
    except (RulesError, OSError, UnicodeDecodeError) as error:
        told = str(error) if isinstance(error, RulesError) else f"{coach.RULES.name} cannot be read"
        return Advice(
            problem=f"The curve coach is silent: {told.rstrip('.')}. Mend the file, or put back the one that came with the dashboard."
        )
    epochs, batches = history.epochs, history.batches
    broken = bool(len(batches)) and not np.isfinite(batches["loss"].iloc[-1])
    ended = float(epochs["t"].iloc[-1]) if len(epochs) else 0.0
    so_far = (str(info.folder), len(epochs), ended, len(history.lr_changes), broken)
    return Advice(_marks(so_far, stamp, _classes(info.config, log), rules, info.config, history))


def draw(info: RunInfo, said: Advice) -> None:
    """The list below the charts."""
    if said.problem:
        error_box(said.problem)
    if not said.marks:
        return
    st.subheader("What the curve says", anchor=False)
    for mark in said.marks:
        with st.container(border=True, key=f"dhc_coach_{mark.rule}"):
            told, change = st.columns([3, 2], vertical_alignment="center")
            told.markdown(f"{_what(mark)}  \n{plain(mark.lesson)}")
            with change:
                _offer(info, mark)


def _offer(info: RunInfo, mark: Mark) -> None:
    if mark.config is not None and st.button(
        f"Clone with {mark.suggestion}",
        icon=":material/content_copy:",
        key=f"dhc_coach_clone_{mark.rule}",
        help=f"Fills the Train form with this run's settings and {mark.suggestion}.",
        width="stretch",
    ):
        clone.open_form(mark.config, info.id)


def _what(mark: Mark) -> str:
    epoch = f"epoch {mark.epochs[0]}"
    more = f" and {len(mark.epochs) - 1} more" if len(mark.epochs) > 1 else ""
    return f":violet-badge[{mark.number}] **{plain(mark.title)}**, {epoch}{more}: {plain(mark.sentence)}."


def _classes(config: RunConfig, log: EventLog) -> int | None:
    """How many classes the run tells apart: as it said at its start, else as it was asked."""
    told = log.last.get("start", {}).get("classes") or config.data.classes
    return told if isinstance(told, int) and told > 0 else None


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


@st.cache_resource(show_spinner=False, max_entries=2)
def _rules(path: Path, stamp: tuple[int, int]) -> tuple[Rule, ...]:
    return coach.read_rules(path.read_text(encoding="utf-8"))


@st.cache_resource(show_spinner=False, max_entries=64)
def _marks(
    so_far: tuple[object, ...], stamp: tuple[int, int], classes: int | None, _said: tuple[Rule, ...], _config: RunConfig,
    _history: History,
) -> tuple[Mark, ...]:  # fmt: skip
    """`so_far` and `stamp` change whenever there is something new to think over."""
    return coach.marks(Case(_history, _config, classes), _said)
