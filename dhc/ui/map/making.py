"""Making a run's map in the background: the empty state with its button, the progress, and why there is none."""

from __future__ import annotations

import streamlit as st

from dhc.errors import RunError
from dhc.jobs import features as jobs
from dhc.jobs.features import Making
from dhc.runs import rundir
from dhc.runs.features import read_any_features
from dhc.runs.store import RunInfo
from dhc.text import duration_text
from dhc.ui.answers.features import map_of
from dhc.ui.answers.look import has_network
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, empty, error_box
from dhc.ui.shell.watch import watch

TICK = 0.7  # seconds between two updates
KEY = "dhc_map_"
ICON = ":material/bubble_chart:"
NEIGHBOURS = (
    "This run is of nearest neighbours: it compares pixels and has no network, so there is no map of what a network makes of its pictures. "
    "Choose a run that trains one."
)
EXAMPLE = "The networks of the example runs were left out for their size, so they have no map: train a run of your own, and it has one here."
WITHOUT = "The network of this run, {}, is not there, so no map can be made: no epoch has ended, or it was deleted."
READ_ONLY = "Nobody has made the map of this run's pictures yet: open the full dashboard to make it."
FIRST = (
    "The map lays pictures near each other that the network finds alike. It asks the network about every val picture and up to 5,000 training "
    "pictures, once, in the background."
)
STALE = "The map of this run is of an earlier network, of epoch {}; the best one now is that of epoch {}. Make it again for the network of today."
AFRESH = "The map of this run cannot be used any more: its files are of other pictures, or not whole. Make it again."
STEPS = {
    jobs.VALUES: "Asking the network",
    jobs.MAP: "Arranging the map (t-SNE)",
    jobs.EPOCHS: "Arranging a map for each kept epoch",
}


def offer(info: RunInfo) -> None:
    """Where the run has no map of today's network: say so, offer to make it, or show how far that is."""
    current = jobs.making(info.folder)
    if not (current is not None and current.pending):
        if not info.trains_network:
            empty(NEIGHBOURS, icon=ICON, links=["Runs"])
            return
        if not has_network(info):
            empty(EXAMPLE if info.example else plain(WITHOUT.format(rundir.BEST)), icon=ICON, links=["Train"])
            return
    watch(
        lambda: jobs.making(info.folder),
        lambda making: _draw(info, making),
        every=TICK,
        alive=lambda making: bool(making and making.pending),
        page=lambda making: (bool(making and making.pending), is_made(info)),  # the maps by epoch come later
    )


def follow(info: RunInfo) -> None:
    """Beside a map that is shown: the progress of another one that is in the making, then the new one."""
    current = jobs.making(info.folder)
    if current is not None and current.pending:
        watch(
            lambda: jobs.making(info.folder),
            lambda making: _progress(info, making) if making is not None else None,
            every=TICK,
            alive=lambda making: bool(making and making.pending),
        )


def _draw(info: RunInfo, current: Making | None) -> None:
    if current is not None and current.pending:
        _progress(info, current)
        return
    if current is not None:
        error_box(f"The map was not made: {current.failure}")
    if sharing.is_read_only():
        empty(READ_ONLY, icon=ICON, links=["Mistakes"])
        return
    step = "Make the map" if (info.folder / rundir.FEATURES).exists() is False else "Make the map again"
    empty(_why(info), step=step, action=start, args=(info,), key=KEY + "make", icon=ICON)


def _why(info: RunInfo) -> str:
    """Why there is no map, where there was one."""
    try:
        features = read_any_features(info.folder)
    except RunError as error:
        return plain(str(error).partition(": `")[0] + ".")
    if features is None:
        return FIRST
    best = session.predictions(info).best_epoch
    return AFRESH if features.best_epoch == best else STALE.format(f"{features.best_epoch:,}", f"{best:,}")


def start(info: RunInfo) -> None:
    """Begin to make the run's maps, in the background. Raises OSError."""
    jobs.start(info.folder)


def _progress(info: RunInfo, current: Making) -> None:
    with st.container(key=KEY + "progress", border=True):
        bar, button = st.columns([6, 1], vertical_alignment="center")
        bar.progress(overall(current), text=f"{_words(current)} · {duration_text(current.seconds)}")
        cancel = (jobs.cancel, info.folder)
        button.button(
            "Cancel", icon=":material/close:", key=KEY + "cancel", on_click=attempt, args=cancel, **sharing.greyed()
        )
        st.caption("It goes on when this page is closed, and leaves most of the processor to a training.")


def overall(current: Making) -> float:
    """How far the map is, 0 to 1: each of its steps is about half the work; then how far those by epoch are."""
    if current.step == jobs.EPOCHS:
        return current.fraction
    return current.fraction / 2 + (0.5 if current.step == jobs.MAP else 0.0)


def _words(current: Making) -> str:
    if current.step not in STEPS:
        return "Starting Keras and reading the pictures …"
    counts = (
        f": {current.done:,} of {current.total:,} pictures"
        if current.step == jobs.VALUES
        else f": {current.fraction:.0%}"
    )
    return STEPS[current.step] + counts


def is_made(info: RunInfo) -> bool:
    """Whether the run has a map of today's network; a damaged one counts as none."""
    try:
        return map_of(info) is not None
    except RunError:
        return False
