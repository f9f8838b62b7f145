"""Bet before you run: what a person expects, asked at launch, and set beside the result afterwards."""

from __future__ import annotations

import streamlit as st

from dhc.analysis.bets import FIGURES, Bet, bets_of
from dhc.errors import ConfigError
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell.markdown import plain

__all__ = ["FIGURES", "ask", "card", "outcome"]
VALUES, CHANGE = "as a value", "against the run it comes from"
NAMES = {"val_accuracy": "val_accuracy", "accuracy": "accuracy (training)"}


def ask(parent: RunInfo | None = None, *, figures: tuple[str, ...] = FIGURES) -> dict[str, float]:
    """Draw the optional fields and return what was bet: val_accuracy, accuracy after the last epoch, 0 to 1; {} for no bet.

    With a `parent` whose figures are known, a bet may also be a change against them in points of a hundred. Raises ValueError
    for a change that leads out of 0 to 1.
    """
    with st.expander("Bet before you run", icon=":material/casino:"):
        st.caption(
            "What do you expect after the last epoch? The run's card sets it beside the result; Runs shows how well you guess."
        )
        before = _before(parent)
        by_change = bool(before) and st.segmented_control(
            "Bet", [VALUES, CHANGE], default=CHANGE, key="dhc_bet_how", label_visibility="collapsed"
        ) == CHANGE  # fmt: skip
        columns = st.columns(max(2, len(figures)))
        bet = {}
        for column, name in zip(columns, figures, strict=False):
            with column:
                value = _change(name, before) if by_change else _value(name)
            if value is not None:
                bet[name] = value
    if bet:
        st.caption(f":material/casino: Your bet: {_listed(bet)}")
    return bet


def card(info: RunInfo) -> None:
    """The run's bet beside its result, while it trains the bet alone; nothing where nobody has bet."""
    if not info.bet:
        return
    bets = bets_of(info)
    if not bets:
        st.markdown(f":material/casino: Bet: {_listed(dict(info.bet))}.")
        return
    for bet in bets:
        st.markdown(f":material/casino: {outcome(bet)}")


def outcome(bet: Bet) -> str:
    """A bet and what came of it, in words."""
    if abs(bet.error) < 0.0005:
        verdict = "exactly right"
    else:
        verdict = f"{abs(bet.error) * 100:.1f} points {'too high' if bet.error > 0 else 'too low'}"
    return f"Bet {bet.figure} **{bet.guess:.3f}**, result **{bet.result:.3f}**: {verdict}."


def _before(parent: RunInfo | None) -> dict[str, float]:
    """The parent's figures after its last epoch, as far as they are known."""
    if parent is None:
        return {}
    known = {"val_accuracy": parent.val_accuracy, "accuracy": parent.accuracy}
    found = {name: value for name, value in known.items() if value is not None}
    if found:
        st.caption(f"{plain(shorten(parent.title, 60))} ended with {_listed(found)}.")
    return found


def _value(name: str) -> float | None:
    return st.number_input(
        NAMES[name], 0.0, 1.0, value=None, step=0.01, format="%.3f", key=f"dhc_bet_{name}", placeholder="no bet"
    )


def _change(name: str, before: dict[str, float]) -> float | None:
    if name not in before:
        return _value(name)
    points = st.number_input(
        f"{NAMES[name]}, points", -100.0, 100.0, value=None, step=1.0, format="%g", key=f"dhc_bet_{name}_points",
        placeholder="no bet", help="+1 on 0.80 is 0.81.",
    )  # fmt: skip
    if points is None:
        return None
    value = round(before[name] + points / 100, 6)
    if not 0 <= value <= 1:
        raise ConfigError(
            f"A bet of {points:+g} points on a {name} of {before[name]:.3f} is not between 0 and 1: bet less."
        )
    return value


def _listed(bet: dict[str, float]) -> str:
    return ", ".join(f"{name} {bet[name]:.3f}" for name in FIGURES if name in bet)
