"""The selected runs' curves overlaid, as the controls and the address say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import streamlit as st

from dhc.analysis.differences import differing_settings, setting_text
from dhc.analysis.overlay import METRICS, Against, Curve, Metric, curve
from dhc.config import fields
from dhc.errors import RunError
from dhc.figures import palette, theme
from dhc.figures.overlay import TITLES, Line, overlay
from dhc.runs.naming import titles
from dhc.runs.records import History
from dhc.runs.store import RunInfo
from dhc.text import count_text, short_names, shorten
from dhc.ui.manage import kin
from dhc.ui.shell import address, session
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.plot import plot, to_json

KEY = "dhc_curves_"
TICK = 5.0  # seconds between two looks while a selected run trains
MOST = 100  # runs drawn
HEIGHT = 460
LEGEND_LENGTH, HOVER_SETTINGS = 30, 10  # characters of a name; settings in the hover text
AGAINST = {"epoch": "Epoch", "time": "Time", "pictures": "Pictures seen"}
SPLITS = {"both": "Train and val", "val": "Val only"}
BY_RUN, BY_RESULT = "run", "best"
SMOOTHEST = 99  # percent
SPLITS_HELP = "Val is drawn solid, train thin and dotted; ★ is the best epoch."
SMOOTHING_HELP = "Weight of the past in an exponential moving average; the raw line stays, faint."
LEGEND_HINT = "Click a name in the legend to see that run alone, again to see all; double-click to leave it out."
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


@dataclass(frozen=True)
class Outline:
    """What is read of a run.

    pictures: on how many it trains in an epoch, None where that was not written down.
    """

    history: History
    pictures: int | None


@dataclass(frozen=True)
class Look:
    """What `figures.overlay.Line` says of a run, without its curves, and the last epoch that it took over, 0 for none."""

    run: str
    name: str
    about: str
    color: str
    origin: str
    inherited: int


def draw(runs: Sequence[RunInfo]) -> None:
    """Controls and one figure of the runs' curves; looked at again while one of them trains."""
    few = list(runs[:MOST])
    if len(runs) > MOST:
        st.info(f"Of the {len(runs)} selected runs the first {MOST} are drawn: more cannot be told apart.")
    alive = any(info.state.alive for info in few)
    watch(lambda: few, _panel, every=TICK, alive=lambda _: alive)


def _panel(runs: Sequence[RunInfo]) -> None:
    outlines = {info.id: _outline(info) for info in runs}
    some = [info for info in runs if len(outlines[info.id].history.epochs)]
    if not some:
        _no_curve(runs)
        return
    names = differing_settings([info.shown_config for info in some if info.shown_config is not None])
    view = _controls(_color_names(some, names))
    looks = _looks(some, view, names)
    metrics, figure = _drawing(looks, tuple(outlines[look.run] for look in looks), view)
    titles = ", ".join(TITLES[metric] for metric in metrics)
    alt = f"{titles} of {count_text(len(looks), 'run')} by {view.against}"
    plot(figure, key=KEY + "chart", height=HEIGHT, alt=alt, clicks=False)
    _say_what_is_missing(outlines, view)
    _say_empty_charts([metric for metric in view.metrics if metric not in metrics])
    st.caption(LEGEND_HINT)
    kin.draw_parents(some)


@lru_cache(maxsize=8)
def _drawing(
    looks: tuple[Look, ...], outlines: tuple[Outline, ...], view: CurvesView
) -> tuple[tuple[Metric, ...], str]:
    """The metrics that some run has, and the figure of them as JSON; kept, since most runs of the page change nothing in it."""
    lines = [
        Line(look.run, look.name, look.about, look.color, _curves(outline, view, look.inherited), look.origin)
        for look, outline in zip(looks, outlines, strict=True)
    ]
    metrics = _with_figures(lines, view.metrics)
    smoothing = view.smoothing / 100
    figure = overlay(lines, metrics, against=view.against, train=view.train, smoothing=smoothing, log=view.log)
    return metrics, to_json(figure)


def _with_figures(lines: Sequence[Line], metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Those of `metrics` of which some line has a figure; the first where none has."""
    drawn = tuple(metric for metric in metrics if not all(line.curves[metric].empty for line in lines))
    return drawn or tuple(metrics[:1])


def _say_empty_charts(metrics: Sequence[Metric]) -> None:
    if metrics:
        names = " and ".join(TITLES[metric] for metric in metrics)
        st.caption(f"No chart of {names}: none of these runs has one. Nearest neighbours have an accuracy alone.")


def _no_curve(runs: Sequence[RunInfo]) -> None:
    """Empty axes that say why.

    So the chart stands already: the first curves need not wait for the library that draws them.
    """
    figure = overlay([], DEFAULT_METRICS[:1])
    figure.update_xaxes(range=[0, 10])
    figure.update_yaxes(range=[0, 1])
    why = "None of the selected runs has finished an epoch yet"
    if not runs:
        why = "Select a run to see and change it, several to compare them"
    theme.say(figure, why)
    plot(figure, key=KEY + "chart", height=HEIGHT, alt=why, clicks=False)


def _outline(info: RunInfo) -> Outline:
    try:
        history, start = session.outline(info.id)
    except RunError:  # deleted since it was selected
        return Outline(History.empty(), None)
    pictures = start.get("train")
    sound = isinstance(pictures, int) and not isinstance(pictures, bool) and 0 < pictures < 10**9
    return Outline(history, pictures if sound else None)


def _color_names(runs: Sequence[RunInfo], names: Sequence[str]) -> list[str]:
    """By what the lines can be coloured, the sensible default first."""
    first = [BY_RUN, BY_RESULT] if len(runs) <= len(palette.TEN) else [BY_RESULT, BY_RUN]
    return [*first, *names]


def _controls(colors: Sequence[str]) -> CurvesView:
    """Draw the controls, each bound to the address. The first of `colors` is the default."""
    titles = {BY_RUN: "Run", BY_RESULT: "Best val_accuracy"} | {field.name: field.title for field in fields()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        metrics = st.pills(
            "Charts",
            selection_mode="multi",
            format_func=TITLES.__getitem__,
            **address.bound_items("curves_show", METRICS, DEFAULT_METRICS, key=KEY + "metrics"),
        )
        by_axis = address.bound_choice("curves_x", list(AGAINST), "epoch", key=KEY + "against")
        against = segments("Against", AGAINST, **by_axis)
        by_splits = address.bound_choice("curves_splits", list(SPLITS), "both", key=KEY + "splits")
        splits = segments("Curves", SPLITS, help=SPLITS_HELP, **by_splits)
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
            help=SMOOTHING_HELP,
            **address.bound_integer("curves_smooth", low=0, high=SMOOTHEST, key=KEY + "smooth"),
        )
        log_flag = address.bound_flag("curves_log", key=KEY + "log")
        log = st.toggle("Log axis", help="Of loss and learning rate.", **log_flag)
    return CurvesView(tuple(metrics), cast(Against, against), splits == "both", smoothing, log, color)


def _looks(runs: Sequence[RunInfo], view: CurvesView, names: Sequence[str]) -> tuple[Look, ...]:
    """How the runs' lines look, in the order of what colours them, so that the legend is in order."""
    values = [_value(info, view.color) for info in runs]
    colors = palette.distinct(len(runs)) if view.color == BY_RUN else palette.by_value(values)
    whole = titles(runs)
    titled = short_names(tuple(whole[info.id] for info in runs), LEGEND_LENGTH)
    order = range(len(runs)) if view.color == BY_RUN else sorted(range(len(runs)), key=lambda i: _place(values[i]))
    return tuple(
        Look(
            run=runs[i].id,
            name=_name(runs[i], titled[i], view.color),
            about=_about(runs[i], names),
            color=colors[i],
            origin=joints[-1].text if (joints := kin.joints(runs[i])) else "",
            inherited=joints[-1].epoch if joints else 0,
        )
        for i in order
    )


def _curves(outline: Outline, view: CurvesView, inherited: int) -> dict[Metric, Curve]:
    history, pictures = outline.history, outline.pictures
    return {
        metric: curve(history, metric, view.against, pictures=pictures, inherited=inherited) for metric in view.metrics
    }


def _value(info: RunInfo, by: str) -> str | float | None:
    if by == BY_RESULT:
        return info.best_val_accuracy
    config = info.shown_config
    if by == BY_RUN or config is None or not config.uses(by):
        return None
    value: str | float = config.get(by)
    return value


def _place(value: str | float | None) -> tuple[int, float, str]:
    """A key to sort values by: numbers from the highest down, then texts, then what has none."""
    if value is None:
        return (2, 0.0, "")
    return (0, -float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _name(info: RunInfo, title: str, by: str) -> str:
    title = theme.escape_html(title)
    if by == BY_RUN:
        return title
    value = (
        f"{info.best_val_accuracy or 0:.3f}" if by == BY_RESULT else shorten(setting_text(info.shown_config, by), 16)
    )
    return f"{theme.escape_html(value)} · {title}"


def _about(info: RunInfo, names: Sequence[str]) -> str:
    """The hover text of a run: its title, and the settings in which it differs from the others."""
    effective = [name for name in names if info.config is not None and info.config.uses(name)]
    values = [f"{name} {shorten(setting_text(info.shown_config, name), 40)}" for name in effective[:HOVER_SETTINGS]]
    lines = [f"<b>{theme.escape_html(shorten(info.title, 60))}</b>", *map(theme.escape_html, values)]
    if len(effective) > HOVER_SETTINGS:
        lines.append(f"and {count_text(len(effective) - HOVER_SETTINGS, 'setting')} more")
    return "<br>".join(lines)


def _say_what_is_missing(outlines: Mapping[str, Outline], view: CurvesView) -> None:
    without = [outline for outline in outlines.values() if not len(outline.history.epochs)]
    if without:
        st.caption(f"{count_text(len(without), 'selected run')} without a finished epoch: nothing to draw.")
    silent = [outline for outline in outlines.values() if outline.pictures is None and outline not in without]
    if silent and view.against == "pictures":
        st.caption(
            f"{count_text(len(silent), 'selected run')} left out: how many pictures each epoch had was not written down."
        )
