"""Callback replay on the Runs page: move patience, factor and early stopping of a run that is over, and see what they would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dhc.analysis.replay import SETTINGS, replay_history, replay_sentence, settings_of
from dhc.config import RunConfig
from dhc.figures.replay import replay_chart
from dhc.runs.store import RunInfo
from dhc.text import count_text, rate_text, shorten
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import plain
from dhc.ui.train import clone
from dhc.ui.widgets.plot import plot

RUN = "replay_run"  # in the address
FEW_RATES = (0.0, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
FEW_DELTAS = (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)
ABOUT = (
    "Nothing is trained: Keras's ReduceLROnPlateau and EarlyStopping are replayed over the figures that the run has written down. As "
    "long as the learning rate is the recorded one, this is exactly what would have happened; after the first other drop the curve "
    "itself would have been another one, so the rest is only indicative."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """The sliders of one of the runs, what they would have changed, and a button that trains it."""
    told = [(info, info.config) for info in runs if info.config is not None and info.config.uses("schedule.name")]
    known = {info.id: (info, config) for info, config in told if info.epochs_done}
    if not known:
        st.info(
            "Choose a run of a network with a finished epoch: only such a one has a learning rate to replay.",
            icon=":material/history:",
        )
        return
    info, config = known[_pick({run_id: info for run_id, (info, _) in known.items()}, of=len(runs))]
    st.caption(ABOUT)
    if config.schedule.name != "plateau":
        st.caption(
            f"This run's schedule was {config.schedule.name}; the replay shows ReduceLROnPlateau in its place, on the same figures."
        )
    asked = _asked(config, info)
    told_now = replay_history(session.log(info.id).history(), asked)
    st.markdown(plain(replay_sentence(told_now, asked)))
    plot(
        replay_chart(told_now), key=f"dhc-replay-{info.id}", height=440, clicks=False,
        alt=f"{told_now.monitor} and learning rate by epoch, as recorded and as replayed",
    )  # fmt: skip
    _train(info, asked)


def _pick(known: Mapping[str, RunInfo], *, of: int) -> str:
    """The run in the address, else the first; the choice is drawn where more than one is selected, and says which are none."""
    ids = list(known)
    if of == 1:
        return ids[0]
    run_id: str = st.selectbox(
        "Run to replay",
        format_func=lambda run_id: shorten(known[run_id].title, 60),
        **address.bound_choice(RUN, ids, ids[0], key="dhc_replay_run", write_default=True),
    )
    if of > len(ids):
        st.caption(
            f"{count_text(of - len(ids), 'selected run')} left out: only networks with a finished epoch have a learning rate to replay."
        )
    return run_id


def _asked(config: RunConfig, info: RunInfo) -> RunConfig:
    """The run's config with what the sliders say; they begin where the run's own settings are."""
    schedule, fit, name = config.schedule, config.fit, f"dhc_replay_{info.id}"
    first = config.optimizer.learning_rate
    own_least = min(schedule.min_lr, first)
    columns = st.columns(5)
    most = max(2, info.epochs_done, schedule.patience)
    values: dict[str, Any] = {"schedule.name": "plateau"}
    values["schedule.patience"] = columns[0].slider("Patience", 1, most, schedule.patience, key=f"{name}_patience")
    values["schedule.factor"] = columns[1].slider(
        "LR factor", 0.05, 0.95, min(0.95, max(0.05, schedule.factor)), 0.05, key=f"{name}_factor"
    )
    values["schedule.min_delta"] = columns[2].select_slider(
        "Least improvement", _with(FEW_DELTAS, schedule.min_delta), schedule.min_delta, format_func=rate_text,
        key=f"{name}_min_delta", help="min_delta of ReduceLROnPlateau; early stopping counts any better val_accuracy.",
    )  # fmt: skip
    values["schedule.min_lr"] = columns[3].select_slider(
        "Minimum learning rate", _with([rate for rate in FEW_RATES if rate <= first], own_least), own_least,
        format_func=rate_text, key=f"{name}_min_lr",
    )  # fmt: skip
    values["fit.early_stopping"] = columns[4].slider(
        "Early stopping patience", 0, max(most, fit.early_stopping), fit.early_stopping, key=f"{name}_stop",
        help="0: none.",
    )  # fmt: skip
    return config.with_values(values)


def _with(few: Sequence[float], own: float) -> list[float]:
    return sorted({*few, own})


def _train(info: RunInfo, asked: RunConfig) -> None:
    assert info.config is not None
    changed = asked.schedule.name != info.config.schedule.name or settings_of(asked) != settings_of(info.config)
    if st.button(
        "Train with these settings",
        icon=":material/tune:",
        key="dhc_replay_train",
        disabled=not changed,
        help=f"Fills the Train form with this run's settings and the changes to {', '.join(SETTINGS)}."
        if changed
        else "These are the run's own settings.",
    ):
        clone.open_form(asked, info.id)
