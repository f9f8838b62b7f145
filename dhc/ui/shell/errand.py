"""Pictures first, then a run on them: what one click asks for where the stand-in set is not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dhc.config import RunConfig
from dhc.data.standin.recipe import Recipe
from dhc.jobs import datasets
from dhc.jobs.datasets import Making
from dhc.jobs.launch import launch
from dhc.ui.shell import drawing, session
from dhc.ui.shell.frame import choose_run, go
from dhc.ui.shell.standin import stand_in_folder
from dhc.ui.shell.states import error_box, guard, toast
from dhc.ui.shell.watch import watch

TICK = 0.5  # seconds between two updates while the pictures are drawn
ERRAND = "dhc_errand"  # in the session that asked for it, until its run is queued


@dataclass(frozen=True)
class Errand:
    """A run to start once its pictures are there; `about` is what else `jobs.launch.launch` takes."""

    config: RunConfig
    about: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """Where its pictures will be."""
        return Path(self.config.data.path)


def folder_for(config: RunConfig) -> Path:
    """The data set of stand-in pictures for a run: of its classes alone, unless only the whole set is here."""
    whole, excerpt = stand_in_folder(), stand_in_folder(config.data.classes)
    return whole if datasets.is_dataset(whole) and not datasets.is_dataset(excerpt) else excerpt


def start(config: RunConfig, **about: Any) -> None:
    """Begin to draw the pictures of the config's classes, and start the run when they are there.

    Where they are here, the run starts at once. Shows what a person can mend. Does not return where it succeeds.
    """
    folder = folder_for(config)
    errand = Errand(config.with_values({"data.path": str(folder)}), about)
    if datasets.is_dataset(folder):
        _launch(errand)
        return
    with guard():
        datasets.start(folder, Recipe(only=config.data.classes if folder != stand_in_folder() else 0))
        st.session_state[ERRAND] = errand
        st.rerun()


def draw(folder: Path | None = None) -> bool:
    """The progress of the session's errand, or the start of its run; returns whether there is one.

    Without one, the progress of the stand-in set at `folder`, which another tab may have asked for.
    """
    errand: Errand | None = st.session_state.get(ERRAND)
    place = errand.folder if errand else folder
    if place is None:
        return False
    if datasets.making(place) is not None:
        watch(
            lambda: datasets.making(place),
            lambda making: _draw_making(place, making),
            every=TICK,
            alive=lambda making: bool(making and making.pending),
        )
        return True
    st.session_state.pop(ERRAND, None)
    if errand is None or not datasets.is_dataset(place):
        return False
    _launch(errand)
    return True


def is_under_way() -> bool:
    """Whether this session waits for the pictures of a run."""
    return ERRAND in st.session_state


def _draw_making(folder: Path, making: Making | None) -> None:
    if making is None:
        st.rerun(scope="app")
    elif making.failure:
        error_box(f"The pictures could not be made: {making.failure}.")
        st.button("Try again", on_click=_forget, args=(folder,))
    else:
        drawing.progress(making, "the stand-in pictures", "The training starts by itself." if is_under_way() else "")


@guard(toast)
def _forget(folder: Path) -> None:
    datasets.forget(folder)
    st.session_state.pop(ERRAND, None)


def _launch(errand: Errand) -> None:
    with guard():
        run_id = launch(errand.config, session.runs_dir(), **errand.about)
        if not datasets.is_dataset(stand_in_folder()):
            with guard(toast):
                datasets.start(stand_in_folder(), low_priority=True)
        choose_run(run_id)
        go("Live", run=run_id)
