"""Which of one's own runs a lesson is about; where one is missing, the lesson offers to train it, with its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from dhc.analysis.repeats import settings_key
from dhc.config import RunConfig
from dhc.errors import UserError
from dhc.jobs.datasets import is_dataset
from dhc.jobs.launch import launch
from dhc.models.presets import preset_config
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.teaching.words import common
from dhc.text import duration_text, shorten
from dhc.ui.lessons import attending, bet
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.frame import choose_run, current_run, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import offered
from dhc.ui.shell.states import empty, no_runs
from dhc.ui.shell.watch import watch
from dhc.ui.train import expectation
from dhc.ui.train.launcher import with_pictures

RUN = "run"  # in the address, where every page has the run that it is about
TITLE = 60  # characters of a run's title in a list
TICK = 1.0  # seconds between two looks at a run that trains
LEAST = 10.0  # seconds that an estimate is rounded up to


def choose(
    language: str, runs: Sequence[RunInfo], *, key: str, forget: Sequence[str] = (), letters: int = TITLE
) -> RunInfo | None:
    """A box of the `runs`, which the lesson can use; at first the session's run, else the first. None for no runs.

    Choosing another takes the parameters `forget` out of the address, which hung on the run, and a settled bet on it.
    A title has so many `letters` at most. Say what is missing, and `offer` it, where there are none.
    """
    current = current_of(runs)
    if current is None:
        return None
    runs = offered(runs, (current.id,))
    by_id, names = {info.id: info for info in runs}, titles(runs)
    st.session_state[key] = current.id
    chosen = st.selectbox(
        common(language, "run"),
        list(by_id),
        format_func=lambda run_id: shorten(names[str(run_id)], letters),
        key=key,
        on_change=_choose,
        args=(key, tuple(by_id), tuple(forget)),
    )
    return by_id[str(chosen)]


def current_of(runs: Sequence[RunInfo]) -> RunInfo | None:
    """The one of `runs` that `choose` shows: the session's, else one of the class's, else the first; None for no runs."""
    _refuse_unknown()
    by_id = {info.id: info for info in runs}
    wanted = [run_id for run_id in (current_run(), *attending.runs()) if run_id in by_id]
    return by_id[wanted[0]] if wanted else next(iter(runs), None)


def say_damaged() -> None:
    """Say what of the run in the address cannot be read: the lesson has to do without it."""
    info = session.run_or_none(st.query_params.get(RUN))
    if info is not None and info.config is None and info.problem:
        st.warning(plain(f"run {info.id}: {info.problem}"), icon=":material/broken_image:")


def _refuse_unknown() -> None:
    """Say once that there is no such run as the address asks for."""
    asked = st.query_params.get(RUN, "")
    if asked and session.run_or_none(asked) is None:
        address.refuse({RUN: asked})
        st.session_state.pop("dhc_run", None)


def _choose(key: str, offered: Sequence[str], forget: Sequence[str]) -> None:
    if st.session_state[key] in offered:  # a tab that meets a restarted server sends a label
        choose_run(st.session_state[key])
        address.put(**dict.fromkeys((*forget, bet.OPEN)))


def with_answers() -> list[RunInfo]:
    """The runs that have val answers of at least one epoch, newest first; then those on shuffled labels, and archived ones."""
    runs = [info for info in session.runs() if info.epochs_done > 0 and info.config is not None]
    return sorted(runs, key=lambda info: (info.labels.archived, is_shuffled(info)))


def is_shuffled(info: RunInfo) -> bool:
    """Whether it was trained on shuffled labels, which shows the point of one lesson and spoils that of the others."""
    return info.config is not None and info.config.data.shuffle_labels


def starting_config() -> RunConfig | None:
    """What a lesson trains where no run gives the settings: the quick preset on the first data set; None without pictures."""
    folder = next(iter(session.data_folders()), None)
    return None if folder is None else preset_config("quick").with_values({"data.path": folder})


def seconds_of(config: RunConfig, batches: int | None = None) -> float | None:
    """How long a run will take here with its start, or a search of so many batches; None where nothing is known."""
    try:
        dataset = session.dataset(config.data.path)
        if batches is None:
            return expectation.run_seconds(config, dataset)[0]
        device = expectation.place_of(config)
        speed = expectation.run_estimate(config, dataset, device).pictures_per_second
    except (UserError, OSError):
        return None
    return None if not speed else expectation.START + batches * config.fit.batch_size / speed


def offer(
    language: str, message: str, config: RunConfig | None, *, key: str, forget: Sequence[str] = (), **about: Any
) -> None:
    """Say in `message`, our own Markdown, what is missing, with the button that trains it and its time; or how far it is.

    `about` is what `jobs.launch.launch` takes beside: name, parent, search. Without a config, or without its pictures, the way
    to some; in a read-only view where to go. Starting it takes the parameters `forget` out of the address.
    """
    if config is not None:
        config = with_pictures(config)
    if sharing.is_read_only():
        empty(f"{message} {common(language, 'read_only')}")
    elif config is None:  # nor any pictures, so what the message offers cannot be had yet
        no_runs(common(language, "no_pictures"), links=["Data"])
    elif not is_dataset(Path(config.data.path)):
        empty(f"{message} {common(language, 'no_pictures')}", links=["Home", "Data"])
    else:
        last = _last(config, about)
        if last is not None and last.state.alive:
            st.markdown(message)
            follow(language, last)
            return
        if last is not None and not last.epochs_done:
            link("Live", text=common(language, "broke"), run=last.id)
        search = about.get("search")
        seconds = seconds_of(config, None if search is None else search.batches)
        time = common(language, "time_unknown") if seconds is None else duration_text(max(seconds, LEAST))
        step = common(language, "start", time=time)
        empty(
            message, step=step, action=_start, args=(config, about, forget), key=key, icon=":material/model_training:"
        )


def _last(config: RunConfig, about: Mapping[str, Any]) -> RunInfo | None:
    """The newest run, or search, that was asked for with these settings."""
    infos = session.runs() if about.get("search") is None else session.searches()
    wanted = settings_key(config)
    return next((info for info in infos if info.config is not None and settings_key(info.config) == wanted), None)


def _start(config: RunConfig, about: Mapping[str, Any], forget: Sequence[str]) -> None:
    launch(config, session.runs_dir(), **about)
    address.put(**dict.fromkeys(forget))
    session.take_snapshot()  # the lesson's part runs alone, and would not see it


def follow(language: str, info: RunInfo) -> None:
    """How far a run is, or a search, until it has ended; then the page runs again."""
    watch(
        lambda: session.run(info.id),
        lambda current: _progress(language, current),
        every=TICK,
        alive=lambda current: current.state.alive,
        key="dhc-lesson-run",
    )


def _progress(language: str, info: RunInfo) -> None:
    if info.search is not None:
        done, total = len(session.log(info.id).history().search), info.search.batches * info.search.passes
        said = common(language, "batches_done", done=done, total=total)
    else:
        done, total = info.epochs_done, info.epochs_total or 1
        said = common(language, "epochs_done", done=done, total=total)
    st.progress(min(1.0, done / total), text=said)
    link("Live", text=common(language, "watch"), run=info.id)
