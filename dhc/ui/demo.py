"""Home's one button: pictures where there are none, a quick training, its live view."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.jobs import datasets
from dhc.jobs.datasets import Making
from dhc.jobs.launch import launch
from dhc.models.presets import preset_config
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run
from dhc.ui.shell.states import error_box, guard, toast
from dhc.ui.shell.watch import watch

TICK = 0.5  # seconds between two updates while the pictures are drawn
STARTED = "dhc_demo_started"  # in the session that started the demo, until its pictures are there


def stand_in_folder() -> Path:
    """Folder of the stand-in data set, which may not exist yet."""
    return session.data_dir() / "stand-in"


def draw() -> None:
    """The button, or the progress of its pictures."""
    if datasets.making(stand_in_folder()) is not None:
        watch(
            lambda: datasets.making(stand_in_folder()),
            _draw_making,
            every=TICK,
            alive=lambda making: bool(making and making.pending),
        )
    elif st.session_state.pop(STARTED, False):
        _launch()
    elif st.button("Start the demo", type="primary", icon=":material/play_arrow:"):
        _start()


def _start() -> None:
    if (stand_in_folder() / "train.csv").exists():
        _launch()
        return
    with guard():
        datasets.start(stand_in_folder())
        st.session_state[STARTED] = True
        st.rerun()


def _draw_making(making: Making | None) -> None:
    if making is None:
        st.rerun(scope="app")
    elif making.failure:
        error_box(f"The pictures could not be made: {making.failure}.")
        st.button("Try again", on_click=_try_again)
    else:
        count = f"{making.pictures:,} of {making.total:,}" if making.total else "starting"
        st.progress(making.fraction, text=f"Drawing the stand-in pictures: {count}. The training starts by itself.")


@guard(toast)
def _try_again() -> None:
    datasets.forget(stand_in_folder())
    st.session_state.pop(STARTED, None)


def _launch() -> None:
    with guard():
        run_id = launch(preset_config("quick").with_values({"data.path": str(stand_in_folder())}), session.runs_dir())
        choose_run(run_id)
        st.switch_page("pages/live.py", query_params={"run": run_id})
