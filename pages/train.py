"""Train: set the hyperparameters, see what will happen, start."""

from __future__ import annotations

import streamlit as st

from dhc.config import RunConfig
from dhc.jobs.launch import launch
from dhc.models.ladder import RUNGS
from dhc.models.presets import DEFAULT, PRESETS, preset_config
from dhc.text import count_text
from dhc.ui.shell import session
from dhc.ui.shell.frame import choose_run, current_run, frame
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty, error_box, guard
from dhc.ui.train import bet, expectation, form, sweep


def main() -> None:
    """Form on the left, what will happen on the right."""
    frame("Train", ":material/tune:")
    with guard():
        folders = session.data_folders()
        if not folders and form.DRAFT not in st.session_state:
            empty(
                "There are no pictures yet. Make the stand-in data set, or put your own folder into `data/`.",
                links=["Home", "Data"],
            )
            return
        if form.DRAFT not in st.session_state:
            form.fill(_with_data(preset_config(DEFAULT)))
        left, right = st.columns([3, 2], gap="large")
        with left:
            _presets()
            asked = sweep.draw(form.current_values()) if sweep.is_selected() else None
            values = form.draw(folders) if asked is None else form.draw(folders, asked.values)
        with right, guard():
            if asked is None:
                _right(values)
            else:
                _sweep(values, asked)


def _presets() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in (name for name in PRESETS if name not in RUNGS or name == "tuned"):
            preset = PRESETS[name]
            st.button(preset.title, help=preset.help, on_click=_fill, args=(name,), key=f"dhc_preset_{name}")
        steps = [name for name in PRESETS if name in RUNGS and name != "tuned"]
        with st.popover("A step of the report's ladder"):
            for name in steps:
                preset = PRESETS[name]
                st.button(
                    preset.title,
                    help=preset.help,
                    on_click=_fill,
                    args=(name,),
                    key=f"dhc_preset_{name}",
                    width="stretch",
                )
        run = session.run_or_none(current_run())
        if run is not None and run.config is not None:
            st.button(
                "Like the chosen run", help=f"The settings of {run.id}", on_click=form.fill, args=(run.config, run.id)
            )
    if (copied := session.run_or_none(form.parent())) is not None:
        st.caption(f"A changed copy of {plain(copied.title)}.")


def _fill(name: str) -> None:
    form.fill(_with_data(preset_config(name)))


def _with_data(config: RunConfig) -> RunConfig:
    """A preset with the data folder that the form has, else that of the latest run that is still there, else the first."""
    folders = session.data_folders()
    draft = st.session_state.get(form.DRAFT, {})
    used = [info.config.data.path for info in session.runs() if info.config is not None]
    path = draft.get("data.path") or next(
        (path for path in used if path in folders), next(iter(folders), config.data.path)
    )
    return config.with_values({"data.path": path})


def _sweep(values: dict[str, object], asked: sweep.SweepForm) -> None:
    ids = sweep.offer(values, asked)
    if ids:
        st.switch_page("pages/runs.py", query_params={"group": session.store().run(ids[0]).group})


def _right(values: dict[str, object]) -> None:
    config = RunConfig().with_values(values)
    expectation.draw(config, session.dataset(config.data.path))
    waiting = [info for info in session.runs() if info.state.alive]
    label = (
        ("Start training" if config.trains_network else "Start comparing")
        if not waiting
        else f"Queue behind {count_text(len(waiting), 'run')}"
    )
    figures = bet.FIGURES if config.trains_network else ("val_accuracy",)
    expected = bet.ask(session.run_or_none(form.parent()), figures=figures)
    if st.button(label, type="primary", icon=":material/play_arrow:", width="stretch"):
        try:
            run_id = launch(config, session.runs_dir(), parent=form.parent(), bet=expected)
        except OSError as error:
            error_box(
                f"The run could not be started: {error.strerror or error}; see that {session.runs_dir()} can be written to."
            )
            return
        choose_run(run_id)
        st.switch_page("pages/live.py", query_params={"run": run_id})


main()
