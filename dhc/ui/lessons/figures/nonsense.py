"""Learning nonsense by heart: one switch shuffles the training labels; a bet on how far train climbs all the same."""

from __future__ import annotations

import numpy as np
import streamlit as st

from dhc.analysis.repeats import SEED, settings_key
from dhc.config import RunConfig
from dhc.figures.lesson_nonsense import Learnt, curves
from dhc.lessons.guessing import chance
from dhc.runs.store import RunInfo
from dhc.teaching.words import Words
from dhc.ui.lessons import bet, numerals, run
from dhc.ui.shell import session
from dhc.ui.widgets.plot import plot

NAME, KEY = "nonsense", "dhc_lesson_nonsense_"
SHUFFLED = "data.shuffle_labels"
SHARES = tuple(str(share) for share in range(0, 101, 5))
HEIGHT = 360
# Nothing that hinders learning by heart, and so few pictures that it takes a minute.
PICTURES, CLASSES = 320, 8
BY_HEART = {
    "data.classes": CLASSES,
    "augment.where": "off",
    "model.conv_dropout": 0.0,
    "model.dense_dropout": 0.0,
    "schedule.name": "constant",
    "fit.epochs": 25,
}


def draw(words: Words) -> None:
    """The bet, the curves of a run on shuffled labels and of its honest twin, and what is missing of them."""
    runs = [info for info in run.with_answers() if info.has_epochs and info.config is not None]
    shuffled = [info for info in runs if info.config is not None and info.config.data.shuffle_labels]
    if not shuffled:
        run.offer(words.language, words("none"), by_heart(shuffle=True), key=KEY + "start", name=words("name_shuffled"))
        return
    titles = bet.percents(words, SHARES)
    at_bet, is_open = bet.place(words, NAME, titles, "20")
    top = st.container()
    info = run.choose(words.language, shuffled, key=KEY + "run")
    assert info is not None
    twin = _twin(info, runs)
    with top:
        _figure(words, info, twin, int(at_bet) / 100, is_open)
    if twin is None:
        _offer_twin(words, info)


def by_heart(*, shuffle: bool) -> RunConfig | None:
    """What is trained where nobody has yet: few pictures, no dropout, no augmentation; None without pictures."""
    config = run.starting_config()
    if config is None:
        return None
    train = session.dataset(config.data.path).splits["train"]
    of_classes = int(np.count_nonzero(np.asarray(train.y) < CLASSES))
    share = min(1.0, round(PICTURES / max(of_classes, 1), 3) or 0.001)
    return config.with_values({**BY_HEART, "data.train_fraction": share, SHUFFLED: shuffle})


def _twin(info: RunInfo, runs: list[RunInfo]) -> RunInfo | None:
    """The run that differs in its true labels alone, and perhaps in its seed."""
    assert info.config is not None
    wanted = settings_key(info.config.with_values({SHUFFLED: False}), but=(SEED,))
    return next((other for other in runs if other.config and settings_key(other.config, but=(SEED,)) == wanted), None)


def _offer_twin(words: Words, info: RunInfo) -> None:
    assert info.config is not None
    config = info.config.with_values({SHUFFLED: False})
    run.offer(words.language, words("twin"), config, key=KEY + "twin", name=words("name_honest"), parent=info.id)


def _figure(words: Words, info: RunInfo, twin: RunInfo | None, at_bet: float, is_open: bool) -> None:
    val = np.asarray(session.predictions(info).y_true, dtype=np.int64)
    dealt = np.asarray(session.used_pictures(info).train.labels, dtype=np.int64)
    guess = chance(dealt if len(dealt) else val, val)  # an older run noted no labels
    learnt = _learnt(words("shuffled"), info)
    honest = None if twin is None else _learnt(words("honest"), twin)
    figure = curves(
        learnt if is_open else None,
        honest,
        chance=guess,
        epochs=max(len(learnt.train), 0 if honest is None else len(honest.train)),
        bet=at_bet,
        say=words,
    )
    numerals.separate(figure, words.language)
    if is_open:
        _outcome(words, info, learnt, at_bet, guess)
    plot(figure, key=KEY + "curves", height=HEIGHT, alt=words("alt"), clicks=False)


def _learnt(title: str, info: RunInfo) -> Learnt:
    table = session.log(info.id).history().epochs
    return Learnt(title, table["accuracy"].tolist(), table["val_accuracy"].tolist())


def _outcome(words: Words, info: RunInfo, learnt: Learnt, at_bet: float, guess: float) -> None:
    train, val = float(np.nanmax(learnt.train)), float(learnt.val[-1])
    bet.remember(NAME, info.id, at_bet, train)
    verdict = "close" if abs(train - at_bet) <= 0.1 else "too_low" if at_bet < train else "too_high"
    st.markdown(words(verdict, bet=at_bet, train=train, val=val, chance=guess))
