"""Screens that show a run's answers: is there anything to show yet, and is there something newer?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.ui.answers.album import Album, open_album
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty
from dhc.ui.shell.watch import watch

LOOK_EVERY = 3.0  # seconds


@dataclass(frozen=True, eq=False)
class Subject:
    """All that the dialog draws from: the run, its predictions, its table of outcomes, its pictures."""

    info: RunInfo
    predictions: Predictions
    table: pd.DataFrame
    album: Album


def subject(info: RunInfo) -> Subject | None:
    """What a screen of answers shows, its album's trouble said; None where there is nothing yet, said too. Raises RunError."""
    if not has_answers(info):
        return None
    p, table = session.predictions(info), session.outcome_table(info)
    tell_progress(info, p)
    found = Subject(info, p, table, open_album(info, p))
    if found.album.problem:
        st.warning(plain(found.album.problem), icon=":material/broken_image:")
    return found


def has_answers(info: RunInfo) -> bool:
    """Whether the run has finished an epoch; says so where it has not."""
    if info.epochs_done > 0:
        return True
    if info.state.alive:
        empty(
            "This run has not finished its first epoch yet. Its answers appear here as soon as it has.", links=["Live"]
        )
    else:
        empty(
            "This run ended before its first epoch did, so it has no answers to show. Choose another one.",
            links=["Runs"],
        )
    return False


def tell_progress(info: RunInfo, p: Predictions) -> None:
    """While the run trains: which epoch the screen shows, and a button when there is a better one.

    The screen itself stays as it is until someone asks, so that nothing moves under a person's eyes.
    """
    if info.state.alive:
        watch(
            lambda: session.store().run(info.id),
            lambda current: _progress(current, p.best_epoch),
            every=LOOK_EVERY,
            alive=lambda current: current.state.alive,
        )


def _progress(info: RunInfo, shown: int) -> None:
    best = session.predictions(info).best_epoch
    total = "" if info.epochs_total is None else f" of {info.epochs_total:,}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            f"Still training: {info.epochs_done:,}{total} epochs done", icon=":material/play_circle:", color="blue"
        )
        st.caption(f"These are the answers of epoch {shown:,}, the best one until now.", width="content")
        if best != shown and st.button(f"Epoch {best:,} is better: show it", key="dhc_fresher", type="primary"):
            st.rerun()
