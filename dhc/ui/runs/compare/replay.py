"""Callback replay: what other patience, factor and early stopping would have done in a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dhc.analysis.ranking import best_first
from dhc.analysis.replay import SETTINGS, replay_history, replay_sentence, settings_of
from dhc.config import RunConfig
from dhc.figures.replay import replay_chart
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, rate_text, shorten
from dhc.ui.runs.compare import nothing
from dhc.ui.shell import address, session
from dhc.ui.shell.markdown import plain
from dhc.ui.train import clone
from dhc.ui.widgets.plot import plot

RUN = "replay_run"  # in the address
FEW_RATES = (0.0, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
FEW_DELTAS = (0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)
DELTA = "min_delta of ReduceLROnPlateau; early stopping counts any better val_accuracy."
ABOUT = (
    "Nothing is trained: Keras's ReduceLROnPlateau and EarlyStopping are replayed over the figures that the run has written down. As "
    "long as the learning rate is the recorded one, this is exactly what would have happened; after the first drop that differs "
    "the curve itself would have been another, so the rest is only indicative."
)


def draw(runs: Sequence[RunInfo]) -> None:
    """The sliders of one of the runs, what they would have changed, and a button that trains it."""
    infos = {info.id: info for info in runs if info.epochs_done and info.config and info.config.trains_network}
    if not infos:
        hint = "Choose a run of a network with a finished epoch: only such a run has a learning rate to replay."
        nothing.say(hint, icon=":material/history:", count=1)
        return
    info = infos[_pick(infos, of=len(runs))]
    assert info.config is not None
    st.caption(ABOUT)
    if info.config.schedule.name != "plateau":
        st.caption(
            f"This run's schedule was {info.config.schedule.name}; the replay shows ReduceLROnPlateau in its place, on the same figures."
        )
    if info.course.changes:
        st.caption("This run was changed while it trained: the replay goes by the settings that it began with.")
    config = _sliders(info.config, info)
    record = replay_history(session.log(info.id).history(), config)
    st.markdown(plain(replay_sentence(record, config)))
    alt = f"{record.monitor} and learning rate by epoch, as recorded and as replayed"
    plot(replay_chart(record), key=f"dhc-replay-{info.id}", height=440, clicks=False, alt=alt)
    _train(info, info.config, config)


def _pick(infos: Mapping[str, RunInfo], *, of: int) -> str:
    """The run in the address, else the best; a select box where more than one is selected."""
    ids, best = list(infos), best_first(list(infos.values()))[0]
    if of == 1:
        return ids[0]
    names = titles(list(infos.values()))
    run_id: str = st.selectbox(
        "Run to replay",
        format_func=lambda run_id: shorten(names[run_id], 60),
        **address.bound_choice(RUN, ids, best.id, key="dhc_replay_run", write_default=True),
    )
    if of > len(ids):
        reason = "only networks with a finished epoch have a learning rate to replay"
        st.caption(f"{count_text(of - len(ids), 'selected run')} left out: {reason}.")
    return run_id


def _sliders(config: RunConfig, info: RunInfo) -> RunConfig:
    """The run's config with what the sliders say; they begin where the run's own settings are."""
    schedule, patience, key = config.schedule, config.fit.early_stopping, f"dhc_replay_{info.id}"
    rate = config.optimizer.learning_rate
    factor, min_lr = min(0.95, max(0.05, schedule.factor)), min(schedule.min_lr, rate)
    rates = _with([few for few in FEW_RATES if few <= rate], min_lr)
    deltas = _with(FEW_DELTAS, schedule.min_delta)
    most = max(2, info.epochs_done, schedule.patience)
    a, b, c, d, e = st.columns(5)
    values: dict[str, Any] = {
        "schedule.name": "plateau",
        "schedule.patience": a.slider("Patience", 1, most, schedule.patience, key=f"{key}_patience"),
        "schedule.factor": b.slider("LR factor", 0.05, 0.95, factor, 0.05, key=f"{key}_factor"),
        "schedule.min_delta": c.select_slider(
            "Least improvement", deltas, schedule.min_delta, format_func=rate_text, key=f"{key}_min_delta", help=DELTA
        ),
        "schedule.min_lr": d.select_slider(
            "Minimum learning rate", rates, min_lr, format_func=rate_text, key=f"{key}_min_lr"
        ),
        "fit.early_stopping": e.slider(
            "Early stopping patience", 0, max(most, patience), patience, key=f"{key}_stop", help="0: none."
        ),
    }
    return config.with_values(values)


def _with(few: Sequence[float], own: float) -> list[float]:
    return sorted({*few, own})


def _train(info: RunInfo, own: RunConfig, config: RunConfig) -> None:
    changed = config.schedule.name != own.schedule.name or settings_of(config) != settings_of(own)
    hint = "These are the run's own settings."
    if changed:
        hint = f"Fills the Train form with this run's settings and the changes to {', '.join(SETTINGS)}."
    label, icon = "Train with these settings", ":material/tune:"
    if st.button(label, icon=icon, key="dhc_replay_train", disabled=not changed, help=hint):
        clone.open_form(config, info.id)
