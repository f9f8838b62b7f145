"""All bets against their results on the Runs page: how hopeful one is, and how far off."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dhc.analysis.bets import FIGURES, Bet, calibration, settled_bets
from dhc.figures import bets as figures
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.ladder.factor import open_run
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import empty
from dhc.ui.train.bet import outcome
from dhc.ui.widgets.plot import plot

MOST = 12  # bets of selected runs put into words
NO_BET = "No bet has come to its end yet. Bet on a run before you start it, on the Train page."


def draw(runs: Sequence[RunInfo]) -> None:
    """The chart of every run's bets; those of `runs` are ringed and put into words."""
    bets = settled_bets(session.runs())
    if not bets:
        empty(NO_BET, step="Bet on a run", page="Train", icon=":material/casino:")
        return
    ids = {info.id for info in runs}
    left, right = st.columns([3, 2], gap="large")
    with left:
        alt = "Result against bet, a dot for each, on a diagonal where both agree"
        open_run(plot(figures.calibration(bets, ids), key="dhc-bets-chart", height=420, alt=alt))
    with right:
        for name in FIGURES:
            _calibration(name, [bet for bet in bets if bet.figure == name])
        for bet in [bet for bet in bets if bet.run in ids][:MOST]:
            st.markdown(f"{plain(shorten(bet.title, 40))}: {outcome(bet)}")


def _calibration(name: str, bets: Sequence[Bet]) -> None:
    record = calibration(bets)
    if record is None:
        return
    if abs(record.bias) < 0.0005:
        lean = "neither too high nor too low on average"
    else:
        lean = f"on average {abs(record.bias) * 100:.1f} points too {'high' if record.bias > 0 else 'low'}"
    error = f"mean absolute error {record.mean_absolute_error * 100:.1f} points"
    st.markdown(f"**{name}**: {count_text(record.count, 'bet')}, {lean}; {error}.")
