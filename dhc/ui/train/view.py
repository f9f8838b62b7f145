"""The Train screen: presets, the form, what will happen, and the button that starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from dhc.cluster.settings import NAMES
from dhc.config import RunConfig
from dhc.config.titles import in_titles
from dhc.data.layout import Dataset
from dhc.errors import ConfigError
from dhc.text import count_text
from dhc.ui.shell import drawing, errand, session, sharing, standin
from dhc.ui.shell.frame import TO_THE_TOP, choose_run, go
from dhc.ui.shell.states import error_box, guard
from dhc.ui.train import (
    bet,
    draft,
    duration,
    expectation,
    form,
    labels,
    launcher,
    link,
    presets,
    problems,
    search,
    sweep,
)
from dhc.ui.train.sweep import CHOOSE, SweepForm
from dhc.ui.widgets import assets

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

MEND = "Mend the marked fields first."
STALE = ":material/history: By the last values that could run: mend the marked fields."


def draw() -> None:
    """Form on the left, what will happen on the right."""
    st.html(assets.path("train/train.css"))
    if errand.is_under_way():
        errand.draw()
    else:
        drawing.notice()
    link.follow()
    left, right = st.columns([3, 2], gap="large")
    with left:
        values = draft.take()
        presets.draw(draft.changes(values))
        sweep_form = sweep.draw(values, link.touched) if sweep.is_selected(link.touched) else None
        swept = sweep_form.values if sweep_form else {}
        relevant = problems.relevant_values(values, swept)
        wrong = problems.find(relevant)
        folders, changes, notes = session.data_folders(), draft.changes(values), problems.notes(relevant, wrong)
        form.draw(form.FormState(folders, values, wrong, changes, swept, link.touched, notes=notes))
    if not wrong:
        draft.remember_sound(relevant)
    link.remember()
    with right, st.container(key="dhc-train-plan"), guard():
        config = problems.sound_config(relevant, wrong)
        dataset = problems.dataset_to_forecast(config)
        if wrong or (sweep_form and sweep_form.values and not sweep_form.is_complete):
            st.caption(STALE)
        details = st.container(key="dhc-train-details")
        if sweep_form is None:
            _one_run(details, config, dataset, blocked=bool(wrong))
        else:
            _sweep(details, config, dataset, sweep_form, blocked=bool(wrong))
        _copy_link()
    st.html(TO_THE_TOP, unsafe_allow_javascript=True)


def _one_run(details: DeltaGenerator, config: RunConfig, dataset: Dataset, *, blocked: bool) -> None:
    time = duration.duration_of([config], dataset)
    ways = _ways([config], dataset, time, ())
    with details:
        with st.container(border=True, key="dhc-train-forecast"):
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.markdown("**What will happen**", width="content")
                expectation.link_to_network(config, dataset, link.written())
            duration.warn(time, ways)
            expectation.draw(config, dataset)
        search.draw(config, has_pictures=not problems.needs_pictures(config.data.path))
        name, note = labels.ask(config)
        guess = _guess(config)
    pressed = _start_button(_start_label(config), blocked or guess is None)
    if guess is not None and duration.agreed(pressed, [config], time, ways):
        _start(config, name=name, note=note, sought=search.source(config), parent=draft.parent(), bet=guess)


def _guess(config: RunConfig) -> dict[str, float] | None:
    """The bet; None where it cannot be, which is said."""
    figures = bet.FIGURES if config.trains_network else ("val_accuracy",)
    try:
        return bet.ask(session.run_or_none(draft.parent() or None), figures=figures)
    except ConfigError as error:
        error_box(error)
        return None


def _start(config: RunConfig, **about: Any) -> None:
    if problems.needs_pictures(config.data.path):
        labels.forget()
        errand.start(config, **about)
        return
    run_id = launcher.start_one(config, **about)
    if run_id is not None:
        labels.forget()
        choose_run(run_id)
        go("Live", run=run_id)


def _sweep(
    details: DeltaGenerator, config: RunConfig, dataset: Dataset, sweep_form: SweepForm, *, blocked: bool
) -> None:
    try:
        configs = sweep.plan(config, sweep_form)
    except ConfigError as error:
        error_box(in_titles(str(error)))
        _start_button("Start", True)
        return
    if not configs:
        st.info(CHOOSE, icon=":material/grid_view:")
        _start_button("Start", True, CHOOSE)
        return
    time = duration.duration_of(configs, dataset)
    ways = _ways(configs, dataset, time, sweep_form.values)
    with details:
        sweep.draw_plan(configs, sweep_form, dataset)
        duration.warn(time, ways)
        note = labels.ask_note()
    is_drawn = not problems.needs_pictures(config.data.path)
    if not is_drawn:
        standin.offer_whole("A sweep needs pictures that are there. The stand-in set's are drawn in {}.", key="sweep")
    blocked = blocked or not sweep_form.is_complete or not is_drawn
    pressed = _start_button(f"Start {count_text(len(configs), 'run')}", blocked)
    if duration.agreed(pressed, configs, time, ways):
        ids = sweep.start(configs, sweep_form, note)
        if ids:
            labels.forget()
            choose_run(None)  # Live then shows the one that trains
            go("Runs", group=session.store().run(ids[0]).group)


def _ways(
    configs: Sequence[RunConfig], dataset: Dataset, time: duration.Duration, swept: Mapping[str, Any] | tuple[()]
) -> list[duration.Cheaper]:
    if not time.is_long:
        return []
    return duration.cheaper(configs, tuple(swept), lambda changed: duration.duration_of(changed, dataset).seconds)


def _start_button(label: str, blocked: bool, help: str = MEND) -> bool:
    about: dict[str, Any] = {"disabled": blocked, "help": help if blocked else None} | sharing.greyed()
    with st.container(key="dhc-start"):
        icon = ":material/play_arrow:"
        return st.button(label, type="primary", icon=icon, width="stretch", on_click=link.touched, **about)


def _start_label(config: RunConfig) -> str:
    if problems.needs_pictures(config.data.path):
        return "Make pictures and start"
    if config.device.where != "here":
        return f"Send it to {NAMES[config.device.where]}"
    alive = sum(info.state.alive for info in session.runs())
    if alive:
        return f"Queue behind {count_text(alive, 'run')}"
    return "Start training" if config.trains_network else "Start comparing"


def _copy_link() -> None:
    """The address of the form as it stands, to send as "start from here"."""
    with st.popover("Link to these settings", icon=":material/link:"):
        st.caption("Whoever opens it here begins with these settings.")
        st.code(link.whole_address(), language=None, wrap_lines=True)
