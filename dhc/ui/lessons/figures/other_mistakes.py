"""Same score, other mistakes: two of one's runs before the same pictures, stripe by stripe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from dhc.analysis.ensemble import SharedAnswers, combine
from dhc.figures.lesson_pairs import bands
from dhc.lessons.pairs import apart_by_chance, quarters
from dhc.teaching.words import Words
from dhc.ui.lessons import bet, numerals, run, together
from dhc.ui.lessons.together import Together
from dhc.ui.shell import address
from dhc.ui.shell.frame import link
from dhc.ui.widgets.plot import plot

NAME, KEY = "other-mistakes", "dhc_lesson_other-mistakes_"
FIRST, SECOND = "a", "b"  # in the address
SHARES = tuple(str(share) for share in range(0, 61, 2))
HEIGHT = 330


def draw(words: Words) -> None:
    """The two runs, the bet, their bands, what they reach together."""
    contest = together.read()
    if contest is None:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    titles = bet.percents(words, SHARES)
    at_bet, is_open = bet.place(words, NAME, titles, "4")
    top = st.container()
    first, second = _pair(words, contest)
    with top:
        _figure(words, contest, first, second, int(at_bet) / 100, is_open)


def _pair(words: Words, contest: Together) -> tuple[int, int]:
    """Places of the two runs: at first the two neighbours in the ranking whose scores are closest."""
    ids = list(contest.answers.runs)
    names = dict(zip(ids, contest.names, strict=True))
    accuracies = contest.answers.right.mean(axis=1)
    gaps = [abs(accuracies[row] - accuracies[row + 1]) for row in range(len(ids) - 1)]
    closest = int(np.argmin(gaps))
    chosen = []
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for name, default in ((FIRST, ids[closest]), (SECOND, ids[closest + 1])):
            bound = address.bound_choice(name, ids, default, key=KEY + name, write_default=True)
            chosen.append(st.selectbox(words(f"run_{name}"), format_func=names.__getitem__, **bound))
    return ids.index(chosen[0]), ids.index(chosen[1])


def _figure(words: Words, contest: Together, first: int, second: int, at_bet: float, is_open: bool) -> None:
    answers, names = contest.answers, contest.names
    a, b = answers.right[first], answers.right[second]
    rows = {f"A  {names[first]}": a, f"B  {names[second]}": b}
    if is_open:
        mean = combine(_only(answers, [first, second])).right
        rows |= {words("mean"): mean, words("either"): a | b}
        _outcome(words, (answers.runs[first], answers.runs[second]), a, b, mean, at_bet)
    figure = bands(rows, is_open=is_open, say=words)
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "bands", height=HEIGHT, alt=words("alt"), clicks=False)
    if is_open and first != second:
        pair = ",".join((answers.runs[first], answers.runs[second]))
        link("Runs", text=words("open_board"), select=pair, panel="flips")


def _only(answers: SharedAnswers, rows: list[int]) -> SharedAnswers:
    """The answers of these runs alone."""
    runs = tuple(answers.runs[row] for row in rows)
    return replace(answers, runs=runs, predicted=answers.predicted[rows], probabilities=answers.probabilities[rows])


def _outcome(
    words: Words, pair: tuple[str, str], a: np.ndarray, b: np.ndarray, mean: np.ndarray, at_bet: float
) -> None:
    parts = quarters(a, b)
    bet.remember(NAME, " ".join(pair), at_bet, parts.apart)
    verdict = "close" if abs(parts.apart - at_bet) <= 0.03 else "too_low" if at_bet < parts.apart else "too_high"
    chance = apart_by_chance(float(a.mean()), float(b.mean()))
    figures = {"first": parts.first, "second": parts.second, "mean": float(mean.mean()), "either": parts.either}
    st.markdown(f"{words(verdict, bet=at_bet, apart=parts.apart)} {words('together', chance=chance, **figures)}")
