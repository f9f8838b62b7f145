"""Softmax and cross-entropy: logits that are dragged, their shares, and what the true class costs."""

from __future__ import annotations

from typing import Final

from dhc.teaching.words import Words
from dhc.ui.shell import address
from dhc.ui.widgets.logits import COOLEST, HOTTEST, MOST, Answer, logits, moved

KEY: Final = "dhc_lesson_softmax_logits"
START: Final = Answer((2.0, 3.2, 0.5, -1.0, -2.0))
LABELS: Final = ("alt", "logits", "shares", "curve", "axis", "choose", "temperature", "right", "unsure", "wrong")


def draw(words: Words) -> None:
    """The answer that the address names, drawn where the browser computes."""
    names = words("names").split(", ")
    after = moved(KEY, len(names))
    if after is not None:
        _put(after)
    logits(
        after or _answer(len(names)),
        key=KEY,
        language=words.language,
        words={"names": names, **{label: words(label) for label in LABELS}},
    )


def _answer(classes: int) -> Answer:
    """The answer in the address."""
    values = address.numbers("logits", count=classes, low=-MOST, high=MOST)
    temperature = address.number("temperature", low=COOLEST, high=HOTTEST)
    truth = address.integer("true", low=1, high=classes)
    return Answer(
        START.logits if values is None else values,
        START.truth if truth is None else truth - 1,
        START.temperature if temperature is None else temperature,
    )


def _put(answer: Answer) -> None:
    address.put(
        logits=None if answer.logits == START.logits else ",".join(f"{value:g}" for value in answer.logits),
        true=None if answer.truth == START.truth else answer.truth + 1,
        temperature=None if answer.temperature == START.temperature else f"{answer.temperature:g}",
    )
