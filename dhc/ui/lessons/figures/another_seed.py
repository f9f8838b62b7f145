"""Would another seed have crowned another run? One's own contest, held a thousand times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

import numpy as np
import streamlit as st

from dhc.analysis.repeats import SEED, settings_key
from dhc.figures.lesson_luck import victories
from dhc.lessons import luck
from dhc.runs.store import RunInfo
from dhc.teaching.facts.own import CONTESTS
from dhc.teaching.words import Words
from dhc.ui.lessons import bet, numerals, run, together
from dhc.ui.lessons.together import Together
from dhc.ui.shell import address
from dhc.ui.widgets.controls import segments
from dhc.ui.widgets.plot import plot

NAME, KEY = "another-seed", "dhc_lesson_another-seed_"
PICTURES, BY = "pictures", "by"  # in the address
SHARES = tuple(str(share) for share in range(0, 101, 5))
SIZES = ("50", "100", "200", "500", "1000", "2000", "5000")  # val pictures
SHOWN = 8  # runs
HEIGHT = 290


def draw(words: Words) -> None:
    """The bet, who wins how often, and what the contest is held with."""
    contest = together.read()
    if contest is None:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    titles = bet.percents(words, SHARES)
    at_bet, is_open = bet.place(words, NAME, titles, "75")
    top = st.container()
    pictures, spread = _controls(words, contest) if is_open else (len(contest.answers.true), 0.0)
    with top:
        _figure(words, contest, pictures, spread, int(at_bet) / 100, is_open)
    if is_open and seeds(contest) is None:
        st.caption(words("no_repeats"))


def _controls(words: Words, contest: Together) -> tuple[int, float]:
    """How many val pictures there are each time, and how far a seed moves the accuracy."""
    measured = len(contest.answers.true)
    spread = seeds(contest)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sizes = [size for size in SIZES if int(size) < measured]
        options = [*sizes, str(measured)]
        bound = address.bound_choice(PICTURES, options, str(measured), key=KEY + "pictures")
        with st.container(width="stretch"):
            pictures = int(
                st.select_slider(words("pictures"), format_func=lambda size: words("count", count=int(size)), **bound)
                if sizes
                else measured
            )
        ways = {"pictures": words("by_pictures")} | (
            {} if spread is None else {"seeds": words("by_seeds", spread=spread)}
        )
        if len(ways) > 1:
            by = segments(words("by"), ways, **address.bound_choice(BY, list(ways), "pictures", key=KEY + "by"))
            return pictures, (spread or 0.0) if by == "seeds" else 0.0
    return pictures, 0.0


def seeds(contest: Together) -> float | None:
    """How much one setting's accuracy varies from seed to seed, where runs are repeats of each other."""
    groups: defaultdict[Hashable, list[float]] = defaultdict(list)
    for info, right in zip(contest.infos, contest.answers.right, strict=True):
        if info.config is not None:
            groups[settings_key(info.config, but=(SEED,))].append(float(right.mean()))
    return luck.spread_of_seeds(list(groups.values()))


def _figure(words: Words, contest: Together, pictures: int, spread: float, at_bet: float, is_open: bool) -> None:
    accuracies = contest.answers.right.mean(axis=1)
    order = np.argsort(-accuracies, kind="stable")[:SHOWN]
    wins = None
    if is_open:
        every = _wins(contest, pictures, spread)
        first = every[order[0]]
        _outcome(words, contest.infos[order[0]], at_bet, float(first))
        wins = every[order].tolist()
    names = [contest.names[row] for row in order]
    figure = victories(names, accuracies[order].tolist(), wins, say=words)
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "bars", height=HEIGHT, alt=words("alt"), clicks=False)


def _wins(contest: Together, pictures: int, spread: float) -> np.ndarray:
    right = contest.answers.right
    return _held(right.tobytes(), len(right), pictures, spread)


@st.cache_resource(show_spinner=False, max_entries=32)
def _held(right: bytes, runs: int, pictures: int, spread: float) -> np.ndarray:
    """The share of the contests that each run wins; `right` is the bytes of (R, M) bool."""
    rng = np.random.default_rng(0)
    drawn = luck.redraw(np.frombuffer(right, bool).reshape(runs, -1), pictures, CONTESTS, rng)
    return luck.wins(luck.with_seeds(drawn, spread, rng) if spread else drawn)


def _outcome(words: Words, winner: RunInfo, at_bet: float, share: float) -> None:
    bet.remember(NAME, winner.id, at_bet, share)
    verdict = "close" if abs(share - at_bet) <= 0.1 else "too_low" if at_bet < share else "too_high"
    st.markdown(words(verdict, bet=at_bet, share=share, contests=CONTESTS, lost=round((1 - share) * CONTESTS)))
