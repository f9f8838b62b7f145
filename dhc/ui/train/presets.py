"""Where the Train form's settings come from: presets with what each is for, the ladder's steps, the chosen run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from dhc.config import RunConfig
from dhc.models.ladder import RUNGS
from dhc.models.presets import PRESETS, preset_config
from dhc.text import shorten
from dhc.ui.shell import session
from dhc.ui.shell.frame import current_run
from dhc.ui.shell.markdown import bold, plain
from dhc.ui.shell.states import guard, toast
from dhc.ui.train import draft, link
from dhc.ui.train.words import change_words

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

IN_FRONT = ("quick", "report", "report-meant", "tuned")  # the others are the ladder's steps
CHOSEN = ":material/check_circle:"


def draw(changes: Mapping[str, Any]) -> None:
    """Draw the buttons, the chosen one marked, and what was changed since."""
    with st.container(key="dhc-presets", horizontal=True, gap="xsmall"):
        for name in IN_FRONT:
            with _box(name):
                _button(name)
                st.caption(PRESETS[name].purpose)
        with _box("steps"):
            _steps()
            st.caption("From kNN to VGG16.")
        _chosen_run()
    st.caption(_origin(changes))


def _box(name: str) -> DeltaGenerator:
    """A button with its caption below it; train.css gives it its width."""
    return st.container(key=f"dhc-preset-{name}", width="content", gap="xxsmall")


def _steps() -> None:
    steps = [name for name in PRESETS if name in RUNGS and name not in IN_FRONT]
    current = draft.preset()
    with st.popover("A step of the report's ladder", icon=CHOSEN if current in steps else None, width="stretch"):
        for name in steps:
            _button(name)


def _button(name: str) -> None:
    preset = PRESETS[name]
    st.button(
        preset.title,
        help=preset.help,
        icon=CHOSEN if name == draft.preset() else None,
        on_click=_fill,
        args=(name,),
        key=f"dhc_preset_{name}",
        width="stretch",
    )


def _chosen_run() -> None:
    run = session.run_or_none(current_run())
    if run is None or run.config is None:
        return
    with _box("run"):
        icon = CHOSEN if run.id == draft.parent() else None
        settings = (run.config, run.id)
        st.button(
            "Like the chosen run",
            icon=icon,
            on_click=_fill_like,
            args=settings,
            width="stretch",
            help=f"The settings of {run.id}",
        )
        st.caption(plain(shorten(run.title, 40)))


def _origin(changes: Mapping[str, Any]) -> str:
    """Markdown: what the form began with, and what was changed."""
    words = plain(change_words(changes))
    if not draft.parent():
        preset = PRESETS[draft.preset()]
        return f"**{preset.title}**, {f'changed: {words}' if words else 'nothing changed'}. {preset.help}"
    original = session.run_or_none(draft.parent())
    title = bold(original.title) if original else "a run that is gone"
    return f"A changed copy of {title}: {words or 'nothing is changed yet'}."


@guard(toast)
def _fill(name: str) -> None:
    draft.fill(link.with_data(preset_config(name)), preset=name)
    link.touched()


@guard(toast)
def _fill_like(config: RunConfig, run_id: str) -> None:
    draft.fill(config, run_id)
    link.touched()
