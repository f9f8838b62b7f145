"""What screens of a run's answers draw from: is there anything yet, is there a newer epoch?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dhc.data.album import Album
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.ui.answers import moment
from dhc.ui.answers.album import open_album
from dhc.ui.shell import session
from dhc.ui.shell.states import empty
from dhc.ui.shell.watch import watch

LOOK_EVERY = 3.0  # seconds
NOT_YET = "This run has not finished its first epoch yet. Its answers appear here as soon as it has."
NEVER = "This run ended before its first epoch did, so it has no answers to show. Choose another one."


@dataclass(frozen=True, eq=False)
class Subject:
    """A run with its predictions, its table of outcomes after an epoch (from 1), and its pictures."""

    info: RunInfo
    predictions: Predictions
    table: pd.DataFrame
    album: Album
    epoch: int

    @property
    def of_best(self) -> bool:
        """Whether the outcomes are those of the best epoch, the only one whose probabilities are stored."""
        return self.epoch == self.predictions.best_epoch


def open_subject(info: RunInfo) -> Subject | None:
    """What a screen of answers draws from; None, said on the screen, where there is nothing yet.

    Raises RunError when there are no predictions that can be read.
    """
    if not has_answers(info):
        return None
    predictions = session.predictions(info)
    epoch = moment.of_address(predictions)
    say_progress(info, predictions, epoch)
    table = session.outcome_table(info, None if epoch == predictions.best_epoch else epoch)
    return Subject(info, predictions, table, open_album(info, predictions), epoch)


def has_answers(info: RunInfo) -> bool:
    """Whether the run has finished an epoch; says so where it has not."""
    if info.epochs_done > 0:
        return True
    if info.state.alive:
        empty(NOT_YET, step="Watch it on Live", page="Live", params={"run": info.id})
    else:
        empty(NEVER, step="See what happened", page="Live", params={"run": info.id}, links=["Runs"])
    return False


def say_progress(info: RunInfo, predictions: Predictions, epoch: int) -> None:
    """While the run trains, say which epoch the screen shows, and offer a better one.

    The screen itself stays as it is until someone asks, so that nothing moves under a person's eyes.
    """
    if info.state.alive:
        watch(
            lambda: session.run(info.id),
            lambda current: _progress(current, predictions.best_epoch, epoch),
            every=LOOK_EVERY,
            alive=lambda current: current.state.alive,
        )


def _progress(info: RunInfo, best_epoch: int, epoch: int) -> None:
    best = session.predictions(info).best_epoch
    total = "" if info.epochs_total is None else f" of {info.epochs_total:,}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        progress = f"Still training: {info.epochs_done:,}{total} epochs done"
        st.badge(progress, icon=":material/play_circle:", color="blue")
        which = "the best so far" if epoch == best_epoch else f"not the best so far, which is {best_epoch:,}"
        st.caption(f"These are the answers of epoch {epoch:,}, {which}.", width="content")
        if best != best_epoch and st.button(f"Epoch {best:,} is better: show it", key="dhc_fresher", type="primary"):
            st.rerun()
