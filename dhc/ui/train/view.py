"""The Train screen: presets, the form, what will happen, and the button that starts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dhc.config import RunConfig
from dhc.models.ladder import RUNGS
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.text import count_text
from dhc.ui.shell import drawing, session, sharing
from dhc.ui.shell.frame import choose_run, current_run
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty, guard, toast
from dhc.ui.train import bet, expectation, form, launcher, sweep

NO_PICTURES = "There are no pictures yet. Make the stand-in data set, or put your own folder into `data/`."


def draw() -> None:
    """Form on the left, what will happen on the right."""
    drawing.notice()
    folders = session.data_folders()
    if form.DRAFT not in st.session_state:
        if not folders:
            empty(NO_PICTURES, links=["Home", "Data"])
            return
        form.fill(_with_data(preset_config(DEFAULT)))
    left, right = st.columns([3, 2], gap="large")
    with left:
        _presets()
        sweep_form = sweep.draw(form.current_values()) if sweep.is_selected() else None
        values = form.draw(folders, sweep_form.values if sweep_form else {})
    with right, guard():
        if sweep_form is None:
            _one_run(values)
        else:
            _sweep(values, sweep_form)


def _presets() -> None:
    steps = [name for name in PRESETS if name in RUNGS and name != "tuned"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in PRESETS:
            if name not in steps:
                _preset_button(name)
        with st.popover("A step of the report's ladder"):
            for name in steps:
                _preset_button(name, width="stretch")
        run = session.run_or_none(current_run())
        if run is not None and run.config is not None:
            settings = (run.config, run.id)
            st.button("Like the chosen run", help=f"The settings of {run.id}", on_click=form.fill, args=settings)
    if (original := session.run_or_none(form.parent())) is not None:
        st.caption(f"A changed copy of {plain(original.title)}.")


def _preset_button(name: str, **layout: Any) -> None:
    preset = PRESETS[name]
    st.button(preset.title, help=preset.help, on_click=_fill, args=(name,), key=f"dhc_preset_{name}", **layout)


@guard(toast)
def _fill(name: str) -> None:
    form.fill(_with_data(preset_config(name)))


def _with_data(config: RunConfig) -> RunConfig:
    """A preset with a data folder: the form's, else the latest run's that is here, else any."""
    folders = session.data_folders()
    draft = st.session_state.get(form.DRAFT, {})
    of_runs = (info.config.data.path for info in session.runs() if info.config is not None)
    of_latest = next((path for path in of_runs if path in folders), None)
    path = draft.get("data.path") or of_latest or next(iter(folders), config.data.path)
    return config.with_values({"data.path": path})


def _sweep(values: Mapping[str, Any], sweep_form: sweep.SweepForm) -> None:
    ids = sweep.offer(values, sweep_form)
    if ids:
        choose_run(None)  # Live then shows the one that trains
        st.switch_page("pages/runs.py", query_params={"group": session.store().run(ids[0]).group})


def _one_run(values: Mapping[str, Any]) -> None:
    config = RunConfig().with_values(values)
    expectation.draw(config, session.dataset(config.data.path))
    figures = bet.FIGURES if config.trains_network else ("val_accuracy",)
    guess = bet.ask(session.run_or_none(form.parent()), figures=figures)
    icon = ":material/play_arrow:"
    if st.button(_start_label(config), type="primary", icon=icon, width="stretch", **sharing.greyed()):
        run_id = launcher.start_one(config, parent=form.parent(), bet=guess)
        if run_id is not None:
            choose_run(run_id)
            st.switch_page("pages/live.py", query_params={"run": run_id})


def _start_label(config: RunConfig) -> str:
    alive = sum(info.state.alive for info in session.runs())
    if alive:
        return f"Queue behind {count_text(alive, 'run')}"
    return "Start training" if config.trains_network else "Start comparing"
