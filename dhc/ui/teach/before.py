"""What to run before a class: the runs that its lessons look at and that are not here yet, with their time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dhc.analysis.repeats import SEED, settings_key
from dhc.config import RunConfig
from dhc.errors import UserError
from dhc.jobs.launch import launch, launch_all
from dhc.runs.contract import RateSearch
from dhc.runs.status import State
from dhc.runs.store import RunInfo
from dhc.teaching.catalogue import LESSONS
from dhc.teaching.classrooms import Classroom
from dhc.teaching.words import Labels
from dhc.text import duration_text
from dhc.ui.lessons import run as lesson_run
from dhc.ui.lessons.figures import nonsense
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.states import attempt

RATE: Final = "optimizer.learning_rate"
_QUEUEING = threading.Lock()
REPEATS, TIMES = 3, 10.0  # runs that differ in their seed alone; a rate that is so many times as large


@dataclass(frozen=True)
class Need:
    """Runs that a lesson looks at. is_met: by these runs, or for a search by these searches; configs: what to train, out of a first run's settings."""

    is_met: Callable[[Sequence[RunInfo]], bool]
    configs: Callable[[RunConfig], list[RunConfig]]
    search: RateSearch | None = None


def _has_states(runs: Sequence[RunInfo]) -> bool:
    return any(info.config is not None and info.config.fit.keep_states_every for info in runs)


def _has_faster(runs: Sequence[RunInfo]) -> bool:
    """Whether one run is another at ten times the rate."""
    rates: dict[object, list[float]] = {}
    for info in runs:
        if info.config is not None:
            rates.setdefault(settings_key(info.config, but=(RATE, SEED)), []).append(
                info.config.optimizer.learning_rate
            )
    return any(max(same) >= 0.9 * TIMES * min(same) for same in rates.values())


def _has_repeats(runs: Sequence[RunInfo]) -> bool:
    same = Counter(settings_key(info.config, but=(SEED,)) for info in runs if info.config is not None)
    return any(count >= REPEATS for count in same.values())


def _has_shuffled(runs: Sequence[RunInfo]) -> bool:
    return any(info.config is not None and info.config.data.shuffle_labels for info in runs)


def _by_heart() -> list[RunConfig]:
    """A run on shuffled labels and its honest twin."""
    return [config for shuffle in (True, False) if (config := nonsense.by_heart(shuffle=shuffle)) is not None]


NEEDS: Final[Mapping[str, Need]] = {
    "run": Need(bool, lambda base: [base]),
    "states": Need(_has_states, lambda base: [base]),  # a first run keeps its states anyway
    "faster": Need(_has_faster, lambda base: [base, base.with_values({RATE: TIMES * base.optimizer.learning_rate})]),
    "shuffled": Need(_has_shuffled, lambda _: _by_heart()),
    "seeds": Need(
        _has_repeats, lambda base: [base.with_values({SEED: base.fit.seed + more}) for more in range(REPEATS)]
    ),
    "search": Need(bool, lambda base: [base], RateSearch()),
}


def draw(room: Classroom, said: Labels) -> None:
    """What is missing, how long it takes, the button that queues it."""
    names = missing(room)
    with st.container(border=True):
        st.markdown(f"**{said('before')}**", help=said("before_help"))
        if not names:
            if missing(room, finished=True):
                link("Live", text=said("on_the_way"))
            else:
                st.caption(said("nothing_before"))
            return
        base = _base()
        if base is None:
            st.caption(said("no_pictures"))
            link("Home")
            return
        st.markdown("\n".join(f"- {said(f'need_{name}')}" for name in names))
        st.button(
            f"{said('run_them')}{_time(base, names)}",
            icon=":material/play_arrow:",
            key="dhc_teach_before",
            on_click=attempt,
            args=(_queue, room, said),
        )


def missing(room: Classroom, *, finished: bool = False) -> list[str]:
    """The needs of a class's lessons that no finished run meets, and none under way will; `finished`: all that none meets yet."""

    def counts(info: RunInfo) -> bool:
        return info.state is State.FINISHED or (info.state.alive and not finished)

    runs = [info for info in session.runs() if info.trains_network and not info.example and counts(info)]
    searches = [info for info in session.searches() if counts(info)]
    wanted = dict.fromkeys(need for lesson in room.lessons for need in LESSONS[lesson].needs)
    return [
        name
        for name in NEEDS
        if name in wanted and not NEEDS[name].is_met(runs if NEEDS[name].search is None else searches)
    ]


def _base() -> RunConfig | None:
    """The first run's settings: they keep states on the way."""
    config = lesson_run.starting_config()
    return None if config is None else config.with_values({"fit.keep_states_every": max(1, config.fit.epochs // 4)})


def configs(base: RunConfig, names: Sequence[str]) -> list[RunConfig]:
    """What to train for these needs, each once."""
    wanted = [config for name in names if NEEDS[name].search is None for config in NEEDS[name].configs(base)]
    return list({settings_key(config): config for config in wanted}.values())


def _time(base: RunConfig, names: Sequence[str]) -> str:
    """`` (about 4 min)``; "" where nothing is known."""
    searches = [need.search for name in names if (need := NEEDS[name]).search is not None]
    times = [lesson_run.seconds_of(config) for config in configs(base, names)]
    times += [lesson_run.seconds_of(base, search.batches) for search in searches]
    known = [seconds for seconds in times if seconds is not None]
    return f" ({duration_text(max(sum(known), lesson_run.LEAST))})" if len(known) == len(times) else ""


def _queue(room: Classroom, said: Labels) -> None:
    """Queue what is missing at the click, which another tab may have queued by now. Raises UserError and OSError."""
    with _QUEUEING:
        session.take_snapshot()
        names, base = missing(room), _base()
        if not names:
            raise UserError(said("queued_already"))
        if base is None:
            raise UserError(said("no_pictures"))
        launch_all(configs(base, names), session.runs_dir())
        for name in names:
            if NEEDS[name].search is not None:
                launch(base, session.runs_dir(), search=NEEDS[name].search)
