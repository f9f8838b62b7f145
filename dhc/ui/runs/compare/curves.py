"""The selected runs' curves overlaid: what is drawn, against what, how smooth, in which colours. All of it stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import streamlit as st

from dhc.analysis.differences import differing_settings, setting_text
from dhc.analysis.overlay import METRICS, Against, Curve, Metric, curve
from dhc.config import fields
from dhc.errors import RunError
from dhc.figures import palette, theme
from dhc.figures.overlay import TITLES, Line, overlay
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.shell import address, session
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.plot import plot

KEY = "dhc_curves_"
TICK = 5.0  # seconds between two looks while a selected run trains
MOST = 100  # runs drawn
HEIGHT = 460
LEGEND_LENGTH, HOVER_SETTINGS = 30, 10  # characters of a name; settings told
AGAINST = {"epoch": "Epoch", "time": "Time", "pictures": "Pictures seen"}
SPLITS = {"both": "Train and val", "val": "Val only"}
BY_RUN, BY_RESULT = "run", "best"
SMOOTHEST = 99  # percent
DEFAULT_METRICS: tuple[Metric, ...] = ("accuracy", "loss")


@dataclass(frozen=True)
class CurvesView:
    """What is drawn and how. smoothing in percent; color: BY_RUN, BY_RESULT or a setting's name."""

    metrics: tuple[Metric, ...]
    against: Against
    train: bool
    smoothing: int
    log: bool
    color: str


@dataclass(frozen=True, eq=False)
class Outline:
    """What is read of a run: its history, and on how many pictures it trains in an epoch, None where it did not tell."""

    history: History
    pictures: int | None


def draw(runs: Sequence[RunInfo]) -> None:
    """Controls and one figure of the runs' curves; looked at again while one of them trains."""
    drawn = list(runs[:MOST])
    if len(runs) > MOST:
        st.info(f"Of the {len(runs)} selected runs the first {MOST} are drawn: more cannot be told apart.")
    alive = any(info.state.alive for info in drawn)
    watch(lambda: drawn, _panel, every=TICK, alive=lambda _: alive)


def _panel(runs: Sequence[RunInfo]) -> None:
    outlines = {info.id: _outline(info) for info in runs}
    some = [info for info in runs if len(outlines[info.id].history.epochs)]
    if not some:
        _no_curve(runs)
        return
    differing = differing_settings([info.config for info in some if info.config is not None])
    look = _controls(_color_names(some, differing))
    lines = _lines(some, outlines, look, differing)
    figure = overlay(
        lines, look.metrics, against=look.against, train=look.train, smoothing=look.smoothing / 100, log=look.log
    )
    alt = f"{', '.join(TITLES[metric] for metric in look.metrics)} of {count_text(len(lines), 'run')} by {look.against}"
    plot(figure, key=KEY + "chart", height=HEIGHT, alt=alt, clicks=False)
    _say_what_is_missing(outlines, look)


def _no_curve(runs: Sequence[RunInfo]) -> None:
    """Empty axes that say why. The chart stands already: the first curves need not wait for the library that draws them."""
    figure = overlay([], DEFAULT_METRICS[:1])
    figure.update_xaxes(range=[0, 10])
    figure.update_yaxes(range=[0, 1])
    why = (
        "None of the selected runs has finished an epoch yet"
        if runs
        else "Select a run to see and change it, several to compare them"
    )
    theme.say(figure, why)
    plot(figure, key=KEY + "chart", height=HEIGHT, alt=why, clicks=False)


def _outline(info: RunInfo) -> Outline:
    try:
        history, start = session.outline(info.id)
    except RunError:  # deleted since it was selected
        return Outline(History.empty(), None)
    told = start.get("train")
    sound = isinstance(told, int) and not isinstance(told, bool) and 0 < told < 10**9
    return Outline(history, told if sound else None)


def _color_names(runs: Sequence[RunInfo], differing: Sequence[str]) -> list[str]:
    """By what the lines can be coloured, the sensible default first."""
    first = [BY_RUN, BY_RESULT] if len(runs) <= len(palette.TEN) else [BY_RESULT, BY_RUN]
    return [*first, *differing]


def _controls(colors: Sequence[str]) -> CurvesView:
    """Draw the controls, set to what the address says; each change is written there. The first of `colors` is the default."""
    titles = {BY_RUN: "Run", BY_RESULT: "Best val_accuracy"} | {field.name: field.title for field in fields()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        metrics = st.pills(
            "Charts",
            selection_mode="multi",
            format_func=TITLES.__getitem__,
            **address.bound_items("curves_show", METRICS, DEFAULT_METRICS, key=KEY + "metrics"),
        )
        against = st.segmented_control(
            "Against",
            format_func=AGAINST.__getitem__,
            required=True,
            **address.bound_choice("curves_x", list(AGAINST), "epoch", key=KEY + "against"),
        )
        splits = st.segmented_control(
            "Curves",
            format_func=SPLITS.__getitem__,
            required=True,
            help="Val is drawn solid, train thin and dotted; ★ is the best epoch.",
            **address.bound_choice("curves_splits", list(SPLITS), "both", key=KEY + "splits"),
        )
        color = st.selectbox(
            "Colour by",
            format_func=titles.__getitem__,
            width=190,
            **address.bound_choice("curves_color", colors, colors[0], key=KEY + "color"),
        )
        smoothing = st.slider(
            "Smoothing",
            format="%d%%",
            width=130,
            help="Weight of the past in an exponential moving average; the raw line stays, faint.",
            **address.bound_integer("curves_smooth", low=0, high=SMOOTHEST, key=KEY + "smooth"),
        )
        log = st.toggle(
            "Log axis", help="Of loss and learning rate.", **address.bound_flag("curves_log", key=KEY + "log")
        )
    return CurvesView(tuple(metrics), cast(Against, against), splits == "both", smoothing, log, color)


def _lines(
    runs: Sequence[RunInfo], outlines: Mapping[str, Outline], look: CurvesView, differing: Sequence[str]
) -> list[Line]:
    """The runs as lines, in the order of what colours them, so that the legend can be read from one end to the other."""
    values = [_value(info, look.color) for info in runs]
    colors = palette.distinct(len(runs)) if look.color == BY_RUN else palette.by_value(values)
    order = range(len(runs)) if look.color == BY_RUN else sorted(range(len(runs)), key=lambda i: _place(values[i]))
    return [
        Line(
            run=runs[i].id,
            name=_name(runs[i], look.color),
            about=_about(runs[i], differing),
            color=colors[i],
            curves=_curves(outlines[runs[i].id], look),
        )
        for i in order
    ]


def _curves(outline: Outline, look: CurvesView) -> dict[Metric, Curve]:
    return {metric: curve(outline.history, metric, look.against, pictures=outline.pictures) for metric in look.metrics}


def _value(info: RunInfo, by: str) -> str | float | None:
    if by == BY_RESULT:
        return info.best_val_accuracy
    if by == BY_RUN or info.config is None or not info.config.uses(by):
        return None
    value: str | float = info.config.get(by)
    return value


def _place(value: str | float | None) -> tuple[int, float, str]:
    """A key to sort values by: numbers from the highest down, then texts, then what has none."""
    if value is None:
        return (2, 0.0, "")
    return (0, -float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _name(info: RunInfo, by: str) -> str:
    title = theme.escape_html(shorten(info.title, LEGEND_LENGTH))
    if by == BY_RUN:
        return title
    value = (
        f"{info.best_val_accuracy or 0:.3f}"
        if by == BY_RESULT
        else theme.escape_html(shorten(setting_text(info.config, by), 16))
    )
    return f"{value} · {title}"


def _about(info: RunInfo, differing: Sequence[str]) -> str:
    """What the hover says of a run: its title, and the settings in which it differs from the others."""
    lines = [f"<b>{theme.escape_html(shorten(info.title, 60))}</b>"]
    told = [name for name in differing if info.config is not None and info.config.uses(name)]
    lines += [
        f"{name} {theme.escape_html(shorten(setting_text(info.config, name), 40))}" for name in told[:HOVER_SETTINGS]
    ]
    if len(told) > HOVER_SETTINGS:
        lines.append(f"and {count_text(len(told) - HOVER_SETTINGS, 'setting')} more")
    return "<br>".join(lines)


def _say_what_is_missing(outlines: Mapping[str, Outline], look: CurvesView) -> None:
    without = [outline for outline in outlines.values() if not len(outline.history.epochs)]
    if without:
        st.caption(f"{count_text(len(without), 'selected run')} without a finished epoch: nothing to draw.")
    silent = [outline for outline in outlines.values() if outline.pictures is None and outline not in without]
    if silent and look.against == "pictures":
        st.caption(f"{count_text(len(silent), 'selected run')} did not tell on how many pictures: left out here.")
    st.caption(
        "A click on a name in the legend shows that run alone, another one all of them again; a double click leaves it out."
    )
