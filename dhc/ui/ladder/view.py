"""The Ladder screen: the report's steps as measured here, the missing ones at a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dhc.analysis.ladder import PictureSet, Step, ladder, picture_sets, scale_of
from dhc.figures.ladder import rungs
from dhc.jobs.groups import with_date
from dhc.jobs.ladder import rung_configs
from dhc.models.ladder import RUNGS, SCALES
from dhc.runs.store import RunInfo
from dhc.text import clean, count_text, duration_text, shorten
from dhc.ui.ladder import factor
from dhc.ui.shell import address, drawing, session, sharing, standin
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import COLORS, ICONS
from dhc.ui.shell.states import guard
from dhc.ui.shell.watch import watch
from dhc.ui.train import launcher
from dhc.ui.widgets.plot import plot

TICK = 3.0  # seconds between two looks while something trains
GROUP = "dhc_ladder_group"
WIDTHS = (4.7, 0.9, 1.2, 1.1, 0.8, 1.1, 3.0)
NOTHING = "There are no pictures and no runs yet. The stand-in pictures, on which each step can run, are drawn in {}."
DIFFERENCES = "What differs from the step before."
INTRODUCTION = (
    "The report climbed from nearest neighbours to its final VGG16, a step at a time; our own recipe and the runner-up's follow. Here is "
    "each step as your own runs measure it, on val, beside the accuracy that its author gives, on the competition's test set: other "
    "pictures, so compare the climb rather than the figures."
)


def draw() -> None:
    """The choice of pictures, missing rungs, chart, steps, the LR-factor experiment."""
    st.caption(INTRODUCTION)
    link("Story", text="The story of these steps, one by one")
    runs = session.runs()
    sets = picture_sets(runs, session.data_folders())
    drawing.notice(without=None if sets else standin.stand_in_folder())  # which is offered below
    if not sets:
        standin.offer_whole(NOTHING, key="ladder")
        return
    pictures = _pick(sets, runs)
    steps = ladder(runs, pictures)
    with guard():
        _offer_missing(steps, pictures)
    _watch(pictures)
    factor.draw(pictures, runs)


def _pick(sets: Sequence[PictureSet], runs: Sequence[RunInfo]) -> PictureSet:
    """The pictures named in the address, else those with most rungs, in a select box."""
    by_key = {pictures.key: pictures for pictures in sets}
    binding = address.bound_choice("group", list(by_key), sets[0].key, key=GROUP, write_default=True)
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    with left:
        key = st.selectbox(
            "Pictures",
            format_func=lambda key: describe(by_key[key], sets),
            help="Only runs on the same pictures can be compared: the same data set, classes and share of train.",
            **binding,
        )
    unreadable = sum(info.config is None for info in runs)
    if unreadable:
        right.caption(f"{count_text(unreadable, 'run')} with unreadable settings left out.")
    return by_key[key]


def describe(pictures: PictureSet, among: Sequence[PictureSet] = ()) -> str:
    """``stand-in, 12 classes, 0.5 of train``.

    The folder above is named too where another folder has the same name.
    """
    path = Path(pictures.path)
    namesakes = {other.path for other in among if Path(other.path).name == path.name}
    name = path.name if len(namesakes) < 2 else f"{path.parent.name}/{path.name}"
    classes = "all classes" if pictures.classes == 0 else f"{pictures.classes:,} classes"
    share = "" if pictures.train_fraction == 1 else f", {pictures.train_fraction:.3g} of train"
    return f"{shorten(name or clean(pictures.path), 60)}, {classes}{share}"


def _offer_missing(steps: Sequence[Step], pictures: PictureSet) -> None:
    """How many rungs are missing, the scale to run them at, how long that takes, the button."""
    names = [step.name for step in steps if step.missing]
    if sharing.is_read_only():
        return
    with st.container(border=True, key="dhc-ladder-missing"):
        if not names:
            st.markdown(":material/check_circle: Every rung is measured or under way.")
            return
        left, right = st.columns([2, 3], vertical_alignment="center", gap="large")
        with left:
            scale = st.radio(
                "Scale",
                list(SCALES),
                captions=list(SCALES.values()),
                format_func=str.capitalize,
                key="dhc_ladder_scale",
            )
        with right:
            run = next((step.run for step in steps if step.run is not None), None)
            if run is not None and standin.offer_pictures(run, key="ladder"):
                return
            by_rung = rung_configs(names, scale or "quick", pictures.changes)
            configs, titles = list(by_rung.values()), [RUNGS[name].title for name in by_rung]
            expectation = launcher.expectation_text(configs, session.dataset(pictures.path))
            st.markdown(f"**{len(names)} of {len(steps)} rungs are missing.** {expectation}")
            label = "Run the missing rungs" if len(names) > 1 else "Run the missing rung"
            pressed = st.button(label, type="primary", icon=":material/play_arrow:")
            if pressed and launcher.start(configs, group=with_date(f"Ladder, {scale or 'quick'}"), names=titles):
                st.rerun()


def _watch(pictures: PictureSet) -> None:
    """Chart and steps; while something trains, read again every TICK seconds."""
    watch(
        lambda: ladder(session.runs(), pictures),
        _draw_steps,
        every=TICK,
        alive=lambda steps: any(step.live_run for step in steps),
        page=_states,
        key="dhc-ladder",
    )


def _draw_steps(steps: Sequence[Step]) -> None:
    _chart(steps)
    for number, step in enumerate(steps, start=1):
        _row(number, step)


def _states(steps: Sequence[Step]) -> list[tuple[str, str, str]]:
    """What the rest of the page shows too: the run measured, the one alive and its state."""
    return [
        (step.best_run.id if step.best_run else "", step.live_run.id if step.live_run else "", _live_state(step))
        for step in steps
    ]


def _live_state(step: Step) -> str:
    return step.live_run.state.value if step.live_run else ""


def _chart(steps: Sequence[Step]) -> None:
    alt = "Accuracy of each step: measured here as a bar, reported as a mark"
    factor.open_run(plot(rungs(steps), key="dhc_ladder_chart", height=60 + 34 * len(steps), alt=alt))


def _row(number: int, step: Step) -> None:
    with st.container(border=True, key=f"dhc-rung-{step.name}"):
        first, *cells, last = st.columns(WIDTHS)
        runs = [run for run in (step.best_run or step.failed_run, step.live_run) if run is not None]
        states = " ".join(f":{COLORS[run.state]}-badge[{ICONS[run.state]} {run.state}]" for run in runs)
        first.markdown(f"**{number}. {step.rung.title}** {states}  \n:small[{step.rung.lesson}]")
        for cell, (name, value, more) in zip(cells, _figures(step), strict=True):
            cell.markdown(f":small[{name}]  \n**{value}**  \n:small[{more}]")
        with last:
            _ways_on(step)


def _figures(step: Step) -> list[tuple[str, str, str]]:
    """(name, value, what stands below it) of each cell between title and state."""
    run = step.best_run or step.live_run
    best = "–" if run is None or run.best_val_accuracy is None else f"{run.best_val_accuracy:.3f}"
    more = "so far" if step.best_run is None and best != "–" else f"best of {step.count}" if step.count > 1 else ""
    return [
        ("reported", step.rung.reported_text or "–", ""),
        ("measured here", best, more),
        ("epochs", *_epochs(run)),
        ("time", "–" if run is None or run.seconds is None else duration_text(run.seconds), ""),
        ("width", *_width(run)),
    ]


def _epochs(run: RunInfo | None) -> tuple[str, str]:
    if run is None or run.config is None or not run.config.uses("fit.epochs"):
        return "–", ""
    return f"{run.epochs_done} of {run.epochs_total}", "" if run.best_epoch is None else f"best at {run.best_epoch}"


def _width(run: RunInfo | None) -> tuple[str, str]:
    if run is None or run.config is None:
        return "–", ""
    width = f"{run.config.model.width:g}" if run.config.uses("model.width") else "–"
    scale = scale_of(run.config)
    return width, f"{scale} scale" if scale else "own settings"


def _ways_on(step: Step) -> None:
    """Links to the step's runs, and what differs from the step before."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        run = step.run
        if run is not None:
            link("Live", run=run.id)
            if run.best_val_accuracy is not None:
                link("Mistakes", run=run.id)
                link("Confusion", run=run.id)
        if step.live_run is not None and run is not step.live_run:
            link("Live", text="The one under way", run=step.live_run.id)
        if step.changes:
            with st.popover("Differences", icon=":material/difference:", help=DIFFERENCES):
                _changes(step)


def _changes(step: Step) -> None:
    what = "Between the two runs shown here" if step.compared else "As the report ran them"
    st.caption(f"{what}; a dash: no effect there.")
    lines = ["| setting | before | this step |", "|---|---|---|"]
    lines += [f"| {plain(row.name)} | {_value(row.before)} | {_value(row.after)} |" for row in step.changes]
    st.markdown("\n".join(lines))


def _value(text: str | None) -> str:
    return "–" if text is None else plain(text)
