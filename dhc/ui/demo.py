"""Home's one button: pictures where there are none, a quick training, its live view; the other pictures meanwhile."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.jobs import datasets
from dhc.jobs.datasets import Making
from dhc.jobs.launch import launch
from dhc.models.presets import preset_config
from dhc.ui.shell import drawing, session
from dhc.ui.shell.frame import choose_run
from dhc.ui.shell.states import error_box, guard, toast
from dhc.ui.shell.watch import watch

TICK = 0.5  # seconds between two updates while the pictures are drawn
STARTED = "dhc_demo_started"  # in the session that started the demo, until its pictures are there
CONFIG = preset_config("quick")
CLASSES, EPOCHS = CONFIG.data.classes, CONFIG.fit.epochs
TRAINS = f"trains a small VGG16 for {EPOCHS} epochs (a minute on two quiet cores) and shows it on Live"


def stand_in_folder() -> Path:
    """Folder of the stand-in data set, which may not exist yet."""
    return session.data_dir() / "stand-in"


def excerpt_folder() -> Path:
    """Folder of the stand-in's first classes alone, which may not exist yet: a small data set, drawn in seconds."""
    return session.data_dir() / f"stand-in-{CLASSES}"


def draw() -> None:
    """The button and what it does, or the progress of its pictures."""
    if datasets.making(excerpt_folder()) is not None:
        watch(
            lambda: datasets.making(excerpt_folder()),
            _draw_making,
            every=TICK,
            alive=lambda making: bool(making and making.pending),
        )
    elif st.session_state.pop(STARTED, False) and _is_whole(excerpt_folder()):
        _launch(excerpt_folder())
    else:
        if st.button("Start the demo", type="primary", icon=":material/play_arrow:"):
            _start()
        st.caption(_steps())


def _steps() -> str:
    """What the demo will do, and how long each part takes."""
    folder = _folder()
    if folder is not None:
        return f"The demo {TRAINS}, on {CLASSES} classes of {folder.name}."
    return (
        f"The demo draws pictures of {CLASSES} classes (five seconds), {TRAINS}. The stand-in set's other classes are "
        "drawn meanwhile, in the background (another minute)."
    )


def _folder() -> Path | None:
    """The data set that the demo trains on: the one that earlier demos did, else the whole stand-in; None: neither."""
    return next((folder for folder in (excerpt_folder(), stand_in_folder()) if _is_whole(folder)), None)


def _is_whole(folder: Path) -> bool:
    """Whether a data set is there; it comes whole or not at all."""
    return (folder / "train.csv").exists()


def _start() -> None:
    folder = _folder()
    if folder is not None:
        _launch(folder)
        return
    with guard():
        datasets.start(excerpt_folder(), only=CLASSES)
        st.session_state[STARTED] = True
        st.rerun()


def _draw_making(making: Making | None) -> None:
    if making is None:
        st.rerun(scope="app")
    elif making.failure:
        error_box(f"The pictures could not be made: {making.failure}.")
        st.button("Try again", on_click=_try_again)
    else:
        drawing.progress(making, "the stand-in pictures", "The training starts by itself.")


@guard(toast)
def _try_again() -> None:
    datasets.forget(excerpt_folder())
    st.session_state.pop(STARTED, None)


def _launch(folder: Path) -> None:
    with guard():
        run_id = launch(CONFIG.with_values({"data.path": str(folder)}), session.runs_dir())
        if not _is_whole(stand_in_folder()):
            with guard(toast):
                datasets.start(stand_in_folder(), low_priority=True)
        choose_run(run_id)
        st.switch_page("pages/live.py", query_params={"run": run_id})
