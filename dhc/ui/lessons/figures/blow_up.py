"""Where will it blow up? A bet on a learning rate, then the search's curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dhc.figures import lesson_blow_up as figures
from dhc.lessons import explosion
from dhc.runs.contract import MOST_RATE, SEARCH_NAME, RateSearch
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.text import rate_text, shorten
from dhc.ui.lessons import bet, numerals, run
from dhc.ui.shell import address, session
from dhc.ui.widgets.plot import plot

NAME, KEY = "blow-up", "dhc_lesson_blow-up_"
SEARCH = "search"  # in the address
RATES = (*(f"{times}e{power}" for power in range(-6, 1) for times in (1, 2, 5)), "1e1")
MIDDLE = "1e-3"
FEWEST = 10  # batches of a search that can be bet on
HEIGHT = 380
MOST_BETS = 5  # earlier ones that are shown, the newest


def draw(words: Words) -> None:
    """The bet, the search it is on, how far off it was; without a search the offer of one."""
    searches = [info for info in session.searches() if not info.state.alive and _losses(info) >= FEWEST]
    alive = next((info for info in session.searches() if info.state.alive), None)
    if not searches:
        _offer(words, words("none"))
        return
    info = _current(searches)
    table = _first_pass(info)
    rates, losses = (table[name].to_numpy(dtype=np.float64) for name in ("learning_rate", "loss"))
    at_bet, is_open = bet.place(
        words, NAME, {rate: _text(words, float(rate)) for rate in RATES}, MIDDLE, {SEARCH: info.id}
    )
    if is_open:
        _outcome(words, info, rates, losses, float(at_bet))
    _figure(words, info, rates, losses, float(at_bet), is_open)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _choose(words, searches)
        if alive is None:
            with st.popover(words("another"), icon=":material/query_stats:"):
                _offer(words, words("another_about"))
    if alive is not None:
        run.follow(words.language, alive)


def _losses(info: RunInfo) -> int:
    return len(_first_pass(info))


def _first_pass(info: RunInfo) -> pd.DataFrame:
    """The batches on which there can be a bet: further passes of a search would show the same once more."""
    table = session.log(info.id).history().search
    return table[table["pass"] == 1]


def _current(searches: Sequence[RunInfo]) -> RunInfo:
    """The search of the address, else the newest."""
    by_id = {info.id: info for info in searches}
    return by_id[address.choice(SEARCH, list(by_id), searches[0].id)]


def _choose(words: Words, searches: Sequence[RunInfo]) -> None:
    """A box of the searches, where there are several; another one is bet on anew."""
    if len(searches) < 2:
        return
    names = titles(list(searches))
    binding = address.bound_choice(SEARCH, list(names), searches[0].id, key=KEY + "search")
    write, args = binding.pop("on_change"), binding.pop("args")

    def change() -> None:
        write(*args)
        address.put(**{bet.OPEN: None})

    def title(run_id: str) -> str:
        return shorten(
            f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]} {run_id[9:11]}:{run_id[11:13]} · {names[run_id]}", run.TITLE
        )

    st.selectbox(words("search"), format_func=title, on_change=change, **binding)


def _figure(words: Words, info: RunInfo, rates: np.ndarray, losses: np.ndarray, at_bet: float, is_open: bool) -> None:
    place = explosion.blow_up(losses)
    search = info.search or RateSearch()
    labels = {
        "rate": words("rate"),
        "loss": words("loss"),
        "start": words("start"),
        "hidden": words("hidden"),
        "bet": words("your_bet", rate=_text(words, at_bet)),
        "blow_up": "" if place is None else words("blows_up", rate=_text(words, float(rates[place]))),
    }
    ends = (min(search.low, float(rates[0])), min(MOST_RATE, max(search.high, at_bet)))
    figure = figures.curve(rates, losses, ends=ends, bet=at_bet, is_open=is_open, labels=labels)
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "curve", height=HEIGHT, alt=words("alt"), clicks=False)


def _outcome(words: Words, info: RunInfo, rates: np.ndarray, losses: np.ndarray, at_bet: float) -> None:
    """How far off the bet was, and the bets before it."""
    place = explosion.blow_up(losses)
    if place is None:
        st.markdown(words("no_blow_up", rate=_text(words, float(rates[-1]))))
        return
    answer = float(rates[place])
    bet.remember(NAME, info.id, at_bet, answer)
    st.markdown(_sentence(words, at_bet, answer))
    earlier = [pair for pair in bet.remembered(NAME)[-MOST_BETS - 1 :] if pair != (at_bet, answer)]
    for old_bet, old_answer in earlier:
        st.caption(words("earlier", sentence=_sentence(words, old_bet, old_answer)))


def _sentence(words: Words, at_bet: float, answer: float) -> str:
    times = explosion.times_off(at_bet, answer)
    verdict = "close" if times < 2 else "too_high" if at_bet > answer else "too_low"
    shown = round(times, 1) if times < 10 else round(times)
    return words(verdict, bet=_text(words, at_bet), answer=_text(words, answer), times=shown)


def _offer(words: Words, message: str) -> None:
    """A search with the settings of a run, of the newest at first."""
    runs = [info for info in session.runs() if info.config is not None and info.has_epochs]
    info = run.choose(words.language, runs, key=KEY + "run")
    config = info.config if info is not None else run.starting_config()
    about = {"name": SEARCH_NAME, "search": RateSearch()}
    forget = (SEARCH, bet.OPEN)  # the new one is bet on anew
    run.offer(words.language, message, config, key=KEY + "start", forget=forget, **about)


def _text(words: Words, rate: float) -> str:
    text = rate_text(float(f"{rate:.2g}"))
    return numerals.decimal(text, words.language)
