"""The recorded curves that a lesson plays with: those of one of the runs, the most telling one at first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dhc.runs.store import RunInfo
from dhc.teaching.words import Words, filled
from dhc.ui.lessons import numerals, run
from dhc.ui.shell import address, session
from dhc.ui.widgets import knobs as widget
from dhc.ui.widgets.knobs import Knob, Reading
from dhc.ui.widgets.plot import plot

LEAST = 4  # epochs of a curve that can be read


@dataclass(frozen=True)
class Curves:
    """What a run has recorded, epoch by epoch: accuracies from 0 to 1 and learning rates."""

    info: RunInfo
    train: tuple[float, ...]
    val: tuple[float, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Setting:
    """What a slider sets: its name, also that of its label, its parameter of the address, its values, the one at first."""

    name: str
    parameter: str
    values: tuple[float, ...]
    first: float


def choose(words: Words, *, key: str, telling: Callable[[RunInfo], float]) -> Curves | None:
    """The curves of the chosen run, at first of the one that is the most `telling`; where there is none, offer to make one."""
    runs = [
        info for info in run.with_answers() if info.has_epochs and info.trains_network and info.epochs_done >= LEAST
    ]
    info = run.choose(words.language, sorted(runs, key=lambda info: _order(info, telling), reverse=True), key=key)
    if info is None:
        run.offer(words.language, words("missing"), run.starting_config(), key=f"{key}_start")
        return None
    table = session.log(info.id).history().epochs
    train, val, rates = (tuple(table[name].tolist()) for name in ("accuracy", "val_accuracy", "learning_rate"))
    if not np.isfinite(val).any():
        st.info(words("missing"), icon=":material/show_chart:")
        return None
    return Curves(info, train, val, rates)


def _order(info: RunInfo, telling: Callable[[RunInfo], float]) -> tuple[bool, float]:
    """The most telling run comes first; one on shuffled labels, which shows another lesson's point, behind all others."""
    return not run.is_shuffled(info), telling(info)


def settings(of: Sequence[Setting], *, key: str) -> list[float]:
    """The values of the settings: where their sliders, under `key`, have just come to rest, else as the address has them."""
    at = widget.rest(key, {setting.name: len(setting.values) for setting in of})
    if at is not None:
        for setting in of:
            value = setting.values[at[setting.name]]
            address.put(**{setting.parameter: None if value == setting.first else f"{value:g}"})
    return [_value(setting) for setting in of]


def _value(setting: Setting) -> float:
    texts = [f"{value:g}" for value in setting.values]
    return setting.values[texts.index(address.choice(setting.parameter, texts, f"{setting.first:g}"))]


def knobs(
    words: Words,
    of: Sequence[Setting],
    *,
    key: str,
    readings: Sequence[Reading],
    live: Literal["plateau", "stopping"],
    given: Mapping[str, Any],
) -> None:
    """Draw the sliders of the settings under `key`, which the chart that `show` draws under that key follows."""
    sliders = [
        Knob(
            setting.name,
            words(setting.name),
            setting.values,
            [filled("{value:g}", words.language, {"value": value}) for value in setting.values],
            setting.values.index(_value(setting)),
        )
        for setting in of
    ]
    language = words.language
    widget.knobs(
        key=key, sliders=sliders, readings=readings, live=live, given=given, box=f"{key}_box", language=language
    )


def finite(values: Sequence[float]) -> list[float | None]:
    """Values for the browser, None where one is not finite."""
    return [value if math.isfinite(value) else None for value in values]


def share(words: Words, value: float) -> str:
    """A share with two digits, a dash where there is none."""
    return words("share", value=value) if math.isfinite(value) else "–"


def show(figure: go.Figure, words: Words, *, key: str, alt: str, height: int) -> None:
    """A lesson's figure, as high as the window has room, with the decimal sign of its language."""
    numerals.separate(figure, words.language)
    with st.container(key=f"{key}_box"):
        plot(figure, key=f"{key}_chart", height=height, alt=alt, clicks=False, fill=True)
