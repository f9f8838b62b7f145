"""Which setting to keep: one sentence above the comparing panels, its buttons, and its reasons at a click."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

import streamlit as st

from dhc.analysis.advice import advice, time_text
from dhc.analysis.decision import Contest, Decision, contest, decide
from dhc.analysis.ladder import is_measured
from dhc.analysis.pictures import pictures_of
from dhc.analysis.reasons import reasons
from dhc.config import RunConfig
from dhc.errors import DataError, UserError, sentence
from dhc.jobs.groups import with_date
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.answers.album import has_changed
from dhc.ui.answers.pairs import changed_by_review
from dhc.ui.manage import labels
from dhc.ui.shell import address, session, sharing, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, plain
from dhc.ui.shell.states import error_box
from dhc.ui.train import clone, launcher

KEY = "dhc_decision_"
MOST_OTHERS = 100  # runs that an address selects
TEXT_WIDTH = 630  # CSS pixels: the buttons stand beside it from 1280 on


def draw(runs: Sequence[RunInfo]) -> None:
    """The sentence on these runs, what can be done about it, and why; nothing without a run."""
    decision, why = _verdict_of(runs)
    seconds, problem = cost(decision.repeats)
    text = markdown(decision, seconds)
    if not text:
        return
    with st.container(border=True, key="dhc-decision", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(text, width=TEXT_WIDTH)
        if decision.best is not None:
            if not sharing.is_read_only():
                _actions(decision, problem)
            _why(decision, why)
    labels.say_failure()


def decision_of(runs: Sequence[RunInfo]) -> Decision:
    """What to keep among these runs; their repeats count wherever they are."""
    return _verdict_of(runs)[0]


def contest_of(runs: Sequence[RunInfo]) -> Contest:
    """The settings of these runs that can be compared, the best first."""
    return _contest(_Subject(tuple(runs), tuple(session.runs())))


def _verdict_of(runs: Sequence[RunInfo]) -> tuple[Decision, str]:
    """The decision, and its reasons as Markdown."""
    subject = _Subject(tuple(runs), tuple(session.runs()))
    leaders = _contest(subject).settings[:2]
    return _verdict(subject, tuple(_stamp(setting.best_run) for setting in leaders))


class _Subject:
    """Runs to decide on, and all that are there: equal while nothing changed that a decision rests on.

    An ended run whose files have not changed is the same object each time that it is read, and holding it keeps its identity
    its own. Of a run that is alive only what is said of it counts. So a thousand runs are not compared anew at every click.
    """

    def __init__(self, listed: tuple[RunInfo, ...], everyone: tuple[RunInfo, ...]) -> None:
        self.listed, self.everyone = listed, everyone
        self._key = (*map(_identity, listed), None, *map(_identity, everyone))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Subject) and self._key == other._key


def _identity(info: RunInfo) -> Hashable:
    return id(info) if is_measured(info) else (info.id, info.state, info.labels.name)


def _stamp(info: RunInfo) -> tuple[int, ...]:
    """What changes when the run's answers do, or who may read them."""
    try:
        stat = (info.folder / rundir.PREDICTIONS).stat()
    except OSError:
        return ()
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


@lru_cache(maxsize=16)
def _contest(subject: _Subject) -> Contest:
    return contest(subject.listed, subject.everyone, pictures_of)


@lru_cache(maxsize=16)
def _verdict(subject: _Subject, stamps: tuple[tuple[int, ...], ...]) -> tuple[Decision, str]:
    decision = decide(_contest(subject), subject.everyone, session.predictions, changed_by_review)
    return decision, "\n\n".join(f"**{reason.title}.** {plain(reason.text)}" for reason in reasons(decision))


def markdown(decision: Decision, seconds: float | None = None) -> str:
    """The advice as Markdown; `seconds` is how long the missing repeats take, None where nobody knows."""
    return advice(decision, time=time_text(seconds), strong=_strong, soft=_soft)


def _strong(name: str) -> str:
    return f"**{plain(name)}**"


def _soft(name: str) -> str:
    return f"*{plain(name)}*"


def cost(repeats: Sequence[RunConfig]) -> tuple[float | None, str]:
    """Seconds that the repeats take, None where nobody knows; and in a sentence why they cannot be run here."""
    if not repeats:
        return None, ""
    try:
        return launcher.total_seconds(repeats, session.dataset(session.pictures_folder(repeats[0]))), ""
    except (UserError, OSError) as error:
        return None, sentence(error)


def _actions(decision: Decision, problem: str) -> None:
    best = decision.best
    assert best is not None
    if decision.repeats:
        _repeat_button(decision, problem)
    if st.button("Clone", icon=":material/edit:", key=KEY + "clone", help="Opens Train with the settings to keep."):
        clone.open_form(best.config, best.best_run.id)
    starred = best.best_run.labels.star
    st.button(
        "★ Starred" if starred else "Star",
        icon=None if starred else ":material/star:",
        help="Remove the star." if starred else "Mark the run to keep, to find it again.",
        on_click=labels.change,
        args=([best.best_run], lambda info: {"star": not starred}),
        key=KEY + "star",
        disabled=sharing.is_read_only(),
    )


def _repeat_button(decision: Decision, problem: str) -> None:
    todo = decision.repeats
    label = "Run the repeat" if len(todo) == 1 else f"Run the {len(todo)} repeats"
    if problem:
        _offer_pictures(decision, label, problem)
        return
    hint = "The next seeds of both settings, as a group of the queue."
    if st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        key=KEY + "run",
        help=hint,
        disabled=sharing.is_read_only(),
    ):
        _refuse_changed_pictures(decision)
        ids = launcher.start(todo, group=with_date("Repeats"))
        if ids:
            st.toast(plain(f"{count_text(len(ids), 'repeat')} queued."), icon=":material/play_arrow:")
            st.rerun()


def _offer_pictures(decision: Decision, label: str, problem: str) -> None:
    """Why the repeats cannot be run, and what would mend it."""
    assert decision.best is not None
    with st.popover(label, icon=":material/play_arrow:", key=KEY + "lacks"):
        if not standin.offer_pictures(decision.best.best_run, key=KEY + "pictures"):
            error_box(problem)


def _refuse_changed_pictures(decision: Decision) -> None:
    """Repeats on other pictures than the runs that they repeat would settle nothing."""
    assert decision.best is not None
    if has_changed(decision.best.best_run):
        raise DataError(
            f"{decision.best.config.data.path} is no longer what these runs were judged on: its pictures or labels have changed. "
            "Repeats would be judged on others; clone both settings and compare the new runs."
        )


def _why(decision: Decision, text: str) -> None:
    with st.popover("Why?", icon=":material/help:", key=KEY + "why", width="content"):
        st.markdown(text)
        others = decision.contest.left_out.elsewhere
        if len(others) > 1:
            ids = ",".join(info.id for info in others[:MOST_OTHERS])
            st.button(
                "Select those on other pictures", on_click=address.put, kwargs={"select": ids}, key=KEY + "others"
            )
        best = [setting.best_run for setting in (decision.best, decision.runner_up) if setting is not None]
        names = titles(best)
        for place, info in zip(("First", "Second"), best, strict=False):
            link("Live", text=plain(f"{place}: {shorten(names[info.id], TITLE_LENGTH)}"), run=info.id)
