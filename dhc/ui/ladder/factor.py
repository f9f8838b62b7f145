"""The LR-factor experiment on the Ladder screen: a sweep, and what each factor reached."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import streamlit as st

from dhc.analysis.factor import FACTOR, Family, can_drop, families, means, not_yet_run
from dhc.analysis.ladder import PictureSet, picture_set_of
from dhc.config import RunConfig
from dhc.figures.factor import factors
from dhc.jobs.groups import with_date
from dhc.jobs.ladder import FACTORS, factor_configs
from dhc.jobs.values import parse_values
from dhc.models.presets import preset_config
from dhc.runs.store import RunInfo
from dhc.text import count_text, rate_text, shorten
from dhc.ui.shell import address, session, sharing, standin
from dhc.ui.shell.frame import choose_run, go, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.pickers import describe
from dhc.ui.shell.states import guard
from dhc.ui.shell.watch import watch
from dhc.ui.train import launcher
from dhc.ui.train.sweep import WRITE, warn_of_equal_factors
from dhc.ui.widgets.plot import Click, plot

TICK = 3.0  # seconds between two looks while the experiment runs
BASE, QUICK, FAMILY = "dhc_factor_base", "quick", "dhc_factor_family"
REPEATS = "Runs of each factor, each with a seed of its own."
MOST = 30  # runs offered as a base, and links drawn
ABOUT = (
    "ReduceLROnPlateau multiplies the learning rate by the factor when val_accuracy has stopped improving. The report's author "
    "tried several factors, noted the accuracies on paper and chose 0.8. Here the same experiment is one click."
)


def draw(pictures: PictureSet, runs: Sequence[RunInfo]) -> None:
    """What to run on the left, what came of it on the right."""
    st.subheader("LR factor against accuracy", anchor=False)
    st.caption(ABOUT)
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        _set_up(pictures, runs)
    with right:
        watch(
            lambda: families(session.runs()),
            _experiments,
            every=TICK,
            alive=lambda experiments: any(family.waiting for family in experiments),
            key="dhc-ladder-factor",
        )


def _set_up(pictures: PictureSet, runs: Sequence[RunInfo]) -> None:
    base = _base(pictures, runs)
    path = Path(base.data.path)
    if session.is_gone(path) and standin.offer_named(path.name, key="factor"):
        return
    default = ", ".join(f"{factor:g}" for factor in FACTORS)
    text = st.text_input("Factors", default, key="dhc_factor_factors", help=WRITE)
    repeats = st.number_input("Repeats", 1, 10, key="dhc_factor_repeats", help=REPEATS)
    configs = factor_configs(base, parse_values(FACTOR, text), repeats)
    todo = not_yet_run(configs, runs)
    if not can_drop(base):
        warn_of_equal_factors(base)
    here = len(configs) - len(todo)
    if here:
        st.markdown(f"{here} of {count_text(len(configs), 'run')} {'is' if here == 1 else 'are'} here already.")
    if not todo:
        return
    st.markdown(launcher.expectation_text(todo, session.dataset(session.pictures_folder(base))))
    pressed = st.button("Run the experiment", type="primary", icon=":material/play_arrow:", **sharing.greyed())
    if pressed and launcher.start(todo, group=with_date("LR factor")):
        st.rerun()


def _base(pictures: PictureSet, runs: Sequence[RunInfo]) -> RunConfig:
    """The settings that all runs of the experiment share, chosen by the person."""
    candidates = (
        info
        for info in runs
        if info.config is not None and info.config.uses(FACTOR) and picture_set_of(info.config) == pictures
    )
    infos = {info.id: info for info in islice(candidates, MOST)}
    if st.session_state.get(BASE) not in (None, QUICK, *infos):
        del st.session_state[BASE]  # deleted, or of other pictures
    name = st.selectbox(
        "Settings",
        [QUICK, *infos],
        key=BASE,
        format_func=lambda name: "Quick demo" if name == QUICK else describe(infos[name]),
    )
    config = infos[name].config if name in infos else None
    if config is None:
        config = preset_config(QUICK).with_values({"data.path": pictures.path})
    st.caption(setup_text(config))
    return config


def setup_text(config: RunConfig) -> str:
    """Markdown: on what and how the runs of an experiment train."""
    classes = f"up to {config.data.classes} classes" if config.data.classes else "all classes"
    network = f"{config.model.name}, width {config.model.width:g}"
    pictures = f"{plain(shorten(Path(config.data.path).name, 40))}, {classes}"
    rate = f"learning rate {rate_text(config.optimizer.learning_rate)} down to {rate_text(config.schedule.min_lr)}"
    epochs = f"{count_text(config.fit.epochs, 'epoch')}, patience {config.schedule.patience}"
    return f"{network}, {pictures}, {epochs}, {rate}"


def _experiments(experiments: Sequence[Family]) -> None:
    if experiments:
        _result(_pick(experiments))
    else:
        st.info(
            "No two runs yet that differ in nothing but their LR factor and the seed. *Run the experiment* above trains some.",
            icon=":material/inbox:",
        )


def _pick(experiments: Sequence[Family]) -> Family:
    by_key = {family.key: family for family in experiments}
    if len(experiments) == 1:
        return experiments[0]
    binding = address.bound_choice("family", list(by_key), experiments[0].key, key=FAMILY, write_default=True)
    return by_key[st.selectbox("Experiment", format_func=lambda key: _name(by_key[key]), **binding)]


def _name(family: Family) -> str:
    config = family.config
    pictures, epochs = shorten(Path(config.data.path).name, 40), count_text(config.fit.epochs, "epoch")
    size = f"{count_text(family.factors, 'factor')}, {count_text(len(family.trials), 'run')}"
    return f"{config.model.name}, width {config.model.width:g}, {pictures}, {epochs}: {size}"


def _result(family: Family) -> None:
    st.caption(setup_text(family.config))
    alt = "Best val_accuracy by LR factor, a dot for each run"
    open_run(plot(factors(family.trials), key="dhc_factor_chart", height=340, alt=alt))
    if family.waiting:
        st.badge(f"{count_text(family.waiting, 'run')} under way", icon=":material/play_circle:", color="blue")
    if family.trials:
        st.markdown(outcome(family))
    with st.expander("Runs"), st.container(horizontal=True):
        for trial in family.trials[:MOST]:
            link("Live", text=f"{trial.factor:g}, seed {trial.seed}: {trial.val_accuracy:.3f}", run=trial.run)


def outcome(family: Family) -> str:
    """Markdown: which factor reached most on average, and what that is worth.

    The family has at least one trial.
    """
    averages = means(family.trials)
    value = max(mean for _, mean, _ in averages)
    if len(averages) == 1:
        return f"Only factor {averages[0][0]:g} has ended so far, with {value:.3f}."
    best = " and ".join(f"{factor:g}" for factor, mean, _ in averages if mean == value)
    text = f"Highest on average: **{best}** with {value:.3f}."
    if all(count == 1 for _, _, count in averages):
        text += " One run per factor: a small difference may be luck, so repeat it with other seeds."
    return text


def open_run(click: Click | None) -> None:
    """Go to the Live screen of the run whose bar or dot was clicked."""
    run = session.run_or_none(click["customdata"]) if click and isinstance(click["customdata"], str) else None
    if run is not None:
        choose_run(run.id)
        go("Live", run=run.id)
