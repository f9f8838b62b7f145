"""Bet before you run: what a person expects at launch, set beside the result afterwards."""

from __future__ import annotations

import streamlit as st

from dhc.analysis.bets import FIGURES, Bet, bets_of, results_of
from dhc.errors import ConfigError
from dhc.runs.store import RunInfo
from dhc.text import shorten
from dhc.ui.shell.markdown import plain

__all__ = ["FIGURES", "ask", "card", "outcome"]
VALUES, CHANGE = "as a value", "as a change from the original run"
ABOUT = (
    "What do you expect? A bet on val_accuracy is settled by the best that the run reaches, one on accuracy by its last epoch. The "
    "run's card sets it beside the result; Runs shows how well you guess."
)
NAMES = {"val_accuracy": "best val_accuracy", "accuracy": "accuracy (training)"}


def ask(parent: RunInfo | None = None, *, figures: tuple[str, ...] = FIGURES) -> dict[str, float]:
    """Draw the optional fields; returns the bet by figure, 0 to 1, or {} for none.

    A bet is on the best val_accuracy and on the last accuracy. `figures` are those that can be bet on, of FIGURES. With a `parent` that
    has results, a bet may also be a change from them, in percentage points. Raises ConfigError for a change that leads
    below 0 or above 1.
    """
    with st.expander("Bet before you run", icon=":material/casino:"):
        st.caption(ABOUT)
        results = _results(parent)
        by_change = bool(results) and _is_change()
        columns = st.columns(max(2, len(figures)))
        bet = {}
        for column, name in zip(columns, figures, strict=False):
            with column:
                value = _change(name, results) if by_change else _value(name)
            if value is not None:
                bet[name] = value
    if bet:
        st.caption(f":material/casino: Your bet: {_figures_text(bet)}")
    return bet


def _is_change() -> bool:
    """The switch between a bet as a value and as a change."""
    options = [VALUES, CHANGE]
    choice = st.segmented_control("Bet", options, default=CHANGE, key="dhc_bet_how", label_visibility="collapsed")
    return choice == CHANGE


def card(info: RunInfo) -> None:
    """The run's bet beside its result, or alone while there is none; nothing without a bet."""
    if not info.bet:
        return
    bets = bets_of(info)
    if not bets:
        st.markdown(f":material/casino: Bet: {_figures_text(dict(info.bet))}.")
        return
    for bet in bets:
        st.markdown(f":material/casino: {outcome(bet)}")


def outcome(bet: Bet) -> str:
    """Markdown: a bet, the result, and how far off it was."""
    if abs(bet.error) < 0.0005:
        verdict = "exactly right"
    else:
        verdict = f"{abs(bet.error) * 100:.1f} points {'too high' if bet.error > 0 else 'too low'}"
    word = "best" if bet.figure == "val_accuracy" else "result"
    last = bet.last if bet.last is not None and bet.last != bet.result else None
    after = "" if last is None else f" After the last epoch it was {last:.3f}."
    return f"Bet {bet.figure} **{bet.guess:.3f}**, {word} **{bet.result:.3f}**: {verdict}.{after}"


def _results(parent: RunInfo | None) -> dict[str, float]:
    """The parent's figures that bets are settled by, 0 to 1, as far as it has any; shown too."""
    if parent is None:
        return {}
    results = {name: value for name, value in results_of(parent).items() if value is not None}
    if results:
        st.caption(f"{plain(shorten(parent.title, 60))} reached {_figures_text(results)}.")
    return results


def _value(name: str) -> float | None:
    return st.number_input(
        NAMES[name], 0.0, 1.0, value=None, step=0.01, format="%.3f", key=f"dhc_bet_{name}", placeholder="no bet"
    )


def _change(name: str, results: dict[str, float]) -> float | None:
    if name not in results:
        return _value(name)
    points = st.number_input(
        f"{NAMES[name]}, points",
        min_value=-100.0,
        max_value=100.0,
        value=None,
        step=1.0,
        format="%g",
        key=f"dhc_bet_{name}_points",
        placeholder="no bet",
        help="+1 on 0.80 is 0.81.",
    )
    if points is None:
        return None
    value = round(results[name] + points / 100, 6)
    if not 0 <= value <= 1:
        bet = f"A bet of {points:+g} points on a {name} of {results[name]:.3f}"
        raise ConfigError(f"{bet} is not between 0 and 1: bet less.")
    return value


def _figures_text(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {figures[name]:.3f}" for name in FIGURES if name in figures)
