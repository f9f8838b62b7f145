"""Logits as bars that are dragged, their softmax below, and what the true class costs on a curve beside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from dhc.ui.widgets import assets

MOST: Final = 6.0  # the largest logit, and less its negative
COOLEST, HOTTEST = 0.25, 5.0


@dataclass(frozen=True)
class Answer:
    """What a network says of a picture: a logit for each class, a temperature, and which class is the true one."""

    logits: tuple[float, ...]
    truth: int = 0
    temperature: float = 1.0


def logits(answer: Answer, *, key: str, language: str, words: Mapping[str, str | Sequence[str]]) -> None:
    """Draw the answer; `moved` says what a person makes of it.

    words: names (of the classes), alt, logits, shares, curve, axis, choose, temperature, right, unsure, wrong.
    """
    assets.component("logits", isolate_styles=True, parts=("drawing",))(
        key=key,
        data={"words": dict(words), "language": language, **vars(answer), "logits": list(answer.logits)},
        on_state_change=_rerun,
    )


def moved(key: str, classes: int) -> Answer | None:
    """The answer that a person has just made of the one drawn; None in a run that they did not start."""
    sent = st.session_state.get(key)
    state: Any = None if sent is None else sent.get("state")
    try:
        values = tuple(round(float(value), 1) for value in state["logits"])
        answer = Answer(values, int(state["truth"]), round(float(state["temperature"]), 2))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sane = len(values) == classes and all(math.isfinite(value) and abs(value) <= MOST for value in values)
    return answer if sane and 0 <= answer.truth < classes and COOLEST <= answer.temperature <= HOTTEST else None


def _rerun() -> None:
    """Registered so that a change starts a rerun; the figure asks for it."""
