"""Is 0.9 nine out of ten? A bet, the reliability of one's own run, and a temperature that moves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from dhc.analysis.sureness import fit_temperature
from dhc.figures import lesson_nine_of_ten as figures
from dhc.lessons.calibration import Bin, calibration_error, reliability, tempered
from dhc.runs import rundir
from dhc.runs.records import Predictions
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.ui.lessons import bet, numerals, run
from dhc.ui.shell import address, session
from dhc.ui.widgets.plot import plot

NAME, KEY = "nine-of-ten", "dhc_lesson_nine-of-ten_"
TEMPERATURE, PLAIN = "t", "1"  # in the address
TEMPERATURES = tuple(f"{2 ** (step / 8):.3g}" for step in range(-16, 17))
TENTHS = tuple(str(count) for count in range(11))
ASKED = (0.8, 1.0)  # between these confidences the bet is: about 0.9
HEIGHT = 340


@dataclass(frozen=True, eq=False)
class Answers:
    """A run's val answers at a temperature: (N,) confidence, the answer, and whether it is right."""

    confidences: np.ndarray
    answers: np.ndarray
    rights: np.ndarray


def draw(words: Words) -> None:
    """The bet, the diagram, the temperature."""
    runs = [info for info in run.with_answers() if info.has_epochs and (info.folder / rundir.PREDICTIONS).is_file()]
    if not runs:
        run.offer(words.language, words("none"), run.starting_config(), key=KEY + "start")
        return
    runs.sort(key=lambda info: -(info.best_val_accuracy or 0.0))  # a bad one is sure of nothing
    titles = {tenths: words("tenths", tenths=int(tenths)) for tenths in TENTHS}
    info = run.current_of(runs)
    assert info is not None
    at_bet, is_open = bet.place(words, NAME, titles, "9", {run.RUN: info.id})
    top = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        run.choose(words.language, runs, key=KEY + "run")
        predictions = session.predictions(info)
        if is_open:
            _best(words, info, predictions)
    with top:
        plain = _answers(predictions, 1.0)
        if is_open:
            _outcome(words, plain, int(at_bet))
        _figure(words, plain, _tempered(words, predictions, plain) if is_open else plain, is_open)


def _tempered(words: Words, predictions: Predictions, plain: Answers) -> Answers:
    """The slider of the temperature, and beside it what it changes."""
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    with left:
        now = _answers(predictions, _temperature(words))
    errors = {name: calibration_error(_bins(each)) for name, each in (("ece", now), ("plain", plain))}
    changed = int((now.answers != plain.answers).sum())
    with right:
        st.markdown(words("state", accuracy=float(now.rights.mean()), changed=changed, **errors))
    return now


def _bins(answers: Answers) -> list[Bin]:
    return reliability(answers.confidences, answers.rights)


def _answers(predictions: Predictions, temperature: float) -> Answers:
    scaled = tempered(predictions.probabilities.astype(np.float64), temperature)
    answers = scaled.argmax(axis=1)
    return Answers(scaled.max(axis=1), answers, answers == predictions.y_true)


def _outcome(words: Words, plain: Answers, at_bet: int) -> None:
    """How many of the answers that the bet is on are right."""
    asked = (plain.confidences > ASKED[0]) & (plain.confidences <= ASKED[1])
    if not asked.any():
        st.markdown(words("none_asked", low=ASKED[0]))
        return
    right = float(plain.rights[asked].mean()) * 10
    verdict = "close" if abs(right - at_bet) <= 0.5 else "too_low" if at_bet < right else "too_high"
    values = {"low": ASKED[0], "count": int(asked.sum()), "sure": float(plain.confidences[asked].mean())}
    st.markdown(words(verdict, bet=at_bet, right=right, **values))


def _temperature(words: Words) -> float:
    binding = address.bound_choice(TEMPERATURE, TEMPERATURES, PLAIN, key=KEY + "t")
    return float(
        st.select_slider(words("temperature"), format_func=lambda value: _text(words, float(value)), **binding)
    )


def _figure(words: Words, plain: Answers, now: Answers, is_open: bool) -> None:
    labels = {name: words(name) for name in ("confidence", "accuracy", "pictures", "promised", "was")}
    labels["hover"] = words("hover", sure="%{customdata[1]:.0%}", right="%{y:.0%}", count="%{customdata[0]}")
    figure = figures.diagram(_bins(now), _bins(plain), asked=ASKED, is_open=is_open, labels=labels | {"hidden": "?"})
    numerals.separate(figure, words.language)
    plot(figure, key=KEY + "diagram", height=HEIGHT, alt=words("alt"), clicks=False)


def _best(words: Words, info: RunInfo, predictions: Predictions) -> None:
    """A button that takes the best temperature, and once it is taken what that is worth on pictures that did not choose it."""
    if not st.button(words("best"), icon=":material/thermostat:", key=KEY + "best"):
        return
    fit = fit_temperature(predictions)
    if fit is None:
        st.toast(words("too_few"), icon=":material/error:")
        return
    nearest = min(TEMPERATURES, key=lambda value: abs(float(np.log(float(value) / fit.value))))
    address.put(**{TEMPERATURE: None if nearest == PLAIN else nearest})
    st.toast(words("fitted", before=fit.before.ece, after=fit.after.ece), icon=":material/thermostat:")


def _text(words: Words, value: float) -> str:
    text = f"{value:.2f}"
    return numerals.decimal(text, words.language)
