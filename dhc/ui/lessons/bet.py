"""A bet before the figure shows the answer: a slider, a button, and the bets of this session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import streamlit as st

from dhc.teaching.words import Words, common
from dhc.ui.shell import address

BET, OPEN = "bet", "open"  # in the address: the bet, and that it is settled
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def place(
    words: Words, lesson: str, titles: Mapping[str, str], default: str, subject: Mapping[str, str] = NOTHING
) -> tuple[str, bool]:
    """The slider over the keys of `titles`, and its button; returns the bet, and whether it was settled.

    The lesson's label `bet` is the slider's. `subject` are the parameters of the address that say what the bet is on: a settled bet
    stays one on that, whatever is trained later.
    """
    key, language = f"dhc_lesson_{lesson}_bet", words.language
    if address.choice(OPEN, ("on",), "") == "on":
        bet = address.choice(BET, list(titles), default)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.markdown(f"{words('bet')} **{titles[bet]}**", width="stretch")
            again = common(language, "bet_again")
            st.button(again, icon=":material/replay:", key=f"{key}_again", on_click=_settle, args=(None, {}))
        return bet, True
    binding = address.bound_choice(BET, list(titles), default, key=key)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width="stretch"):
            bet = str(st.select_slider(words("bet"), format_func=titles.__getitem__, **binding))
        now = common(language, "bet_now")
        st.button(
            now, icon=":material/casino:", type="primary", key=f"{key}_now", on_click=_settle, args=("on", subject)
        )
    return bet, False


def percents(words: Words, shares: Iterable[str]) -> dict[str, str]:
    """Titles of bets in per cent, such as "20", under the lesson's label `percent`."""
    return {share: words("percent", share=int(share) / 100) for share in shares}


def _settle(state: str | None, subject: Mapping[str, str]) -> None:
    address.put(**{**subject, OPEN: state})


def remember(lesson: str, subject: str, bet: float, answer: float) -> None:
    """Keep a settled bet for this session: the first one on each subject, since the next knows the answer."""
    st.session_state.setdefault(_name(lesson), {}).setdefault(subject, (bet, answer))


def remembered(lesson: str) -> Sequence[tuple[float, float]]:
    """Bet and answer of each subject that was bet on in this session, in that order."""
    bets: Mapping[str, tuple[float, float]] = st.session_state.get(_name(lesson), {})
    return list(bets.values())


def _name(lesson: str) -> str:
    return f"dhc_lesson_{lesson}_bets"
