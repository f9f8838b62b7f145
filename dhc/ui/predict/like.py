"""What says whether a picture is like the training pictures: a run's kept features, or the offer to make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dhc.analysis.likeness import Yardstick, yardstick
from dhc.errors import RunError
from dhc.jobs import features as jobs
from dhc.jobs.features import Making
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.ui.answers.features import features_of
from dhc.ui.shell import session
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.shell.watch import watch

KEY = "dhc_predict_like_"
TICK = 0.5  # seconds between two updates while features are made
MISSING = "How like the training pictures a picture is can be told once their features are made."
HELP = "The values before the last layer, of all val pictures and of up to 5,000 training pictures, and their map: once a run, in the background."
TITLES = {
    jobs.VALUES: "Asking the network about its own pictures",
    jobs.MAP: "Arranging their map",
    jobs.EPOCHS: "Arranging their maps by epoch",
}


@dataclass(frozen=True, eq=False)
class Kept:
    """What a run has kept of its pictures' features: nothing, or why they cannot be read; the yardstick where val is large enough."""

    is_there: bool = False
    yardstick: Yardstick | None = None
    problem: str = ""


def stamps(info: RunInfo) -> tuple[tuple[int, int], ...]:
    """What changes whenever the kept features do."""
    return tuple(session.stamp(info.folder / name) for name in (rundir.FEATURES, rundir.BEST))


def kept(info: RunInfo) -> Kept:
    """What the run has kept, read again when it has changed."""
    return _kept(info, str(info.folder), stamps(info))


@st.cache_resource(show_spinner=False, max_entries=6)
def _kept(_info: RunInfo, folder: str, stamps: tuple[tuple[int, int], ...]) -> Kept:
    try:
        features = features_of(_info)
    except RunError as error:
        return Kept(problem=str(error))
    return Kept() if features is None else Kept(True, yardstick(features.train, features.val))


def offer(infos: Sequence[RunInfo]) -> None:
    """Where a run has kept none, say so and offer to make them; how far that is while they are made."""
    missing = [info for info in infos if not kept(info).is_there]
    if missing:
        watch(
            lambda: {info.id: jobs.making(info.folder) for info in missing},
            lambda makings: _draw(missing, makings),
            every=TICK,
            alive=_is_pending,
            page=lambda makings: (_is_pending(makings), [stamps(info) for info in missing]),  # the map comes later
        )


def _is_pending(makings: Mapping[str, Making | None]) -> bool:
    return any(making is not None and making.pending for making in makings.values())


def _draw(missing: Sequence[RunInfo], makings: Mapping[str, Making | None]) -> None:
    """The runs that are at work, else the offer."""
    for info in missing:
        making = makings[info.id]
        if making is not None and making.pending:
            bar, button = st.columns([3, 1], vertical_alignment="center")
            bar.progress(making.fraction, text=TITLES.get(making.step, "Starting …"))
            button.button("Cancel", key=f"{KEY}cancel_{info.id}", on_click=attempt, args=(jobs.cancel, info.folder))
            return
        problem = making.failure if making is not None else kept(info).problem
        if problem:
            error_box(f"The features of {info.title} could not be made: {problem}." if making else problem)
    st.caption(MISSING)
    icon = ":material/scatter_plot:"
    st.button("Make the features", icon=icon, key=KEY + "make", help=HELP, on_click=attempt, args=(_start, missing))


def _start(missing: Sequence[RunInfo]) -> None:
    for info in missing:
        jobs.start(info.folder)
