"""A lesson's question: answered by a choice or by a number, and checked."""

from __future__ import annotations

import math

import streamlit as st

from dhc.teaching.catalogue import Lesson
from dhc.teaching.fact import Facts
from dhc.teaching.words import Words, common
from dhc.ui.lessons import attending


def draw(lesson: Lesson, words: Words, facts: Facts) -> bool:
    """The question, the box for its answer, and what is said of that answer; returns whether it is right."""
    st.markdown(f"##### {common(words.language, 'question')}\n\n{words.question}")
    given = _given(lesson, words, facts)
    if given is None:
        return False
    is_sent = attending.send(lesson.name, given)
    is_right = facts.is_right(given)
    if is_right:
        st.success(f"**{common(words.language, 'right')}** {words.why}", icon=":material/check_circle:")
    else:
        st.info(common(words.language, "wrong"), icon=":material/replay:")
    if is_sent is not None:
        st.caption(common(words.language, "sent" if is_sent else "not_sent"))
    return is_right


def _given(lesson: Lesson, words: Words, facts: Facts) -> float | None:
    """The answer as a number, or as the place of the option; None before there is one, or where it is none."""
    key, label = f"dhc_answer_{lesson.name}", common(words.language, "answer")
    if words.options:
        places = range(len(words.options))
        chosen = st.radio(label, places, index=None, format_func=words.options.__getitem__, key=key)
        return None if chosen is None else float(chosen)
    text = st.text_input(label, key=key, width=200)
    value = number(text, of=facts.answer, in_percent=facts.in_percent)
    if text.strip() and value is None:
        st.warning(common(words.language, "not_a_number", example=3.5))
    return value


def number(text: str, *, of: float = 1.0, in_percent: bool = False) -> float | None:
    """A number as a person writes it, 3.5, 3,5 or 7/2; None for anything else.

    of: the right answer. Where it is at most 1, 20% is the share 0.2; else 20% is 20. in_percent: it is asked for in per cent,
    so a number of at most 1 without the sign is a share: 0.2 and 1/5 are 20.
    """
    written = text.strip().replace(",", ".").replace("−", "-")
    digits = written.removesuffix("%")
    over, slash, under = digits.partition("/")
    try:
        value = float(over) / float(under) if slash else float(digits)
    except (ValueError, ZeroDivisionError):
        return None
    if digits != written:
        value = value / 100 if abs(of) <= 1 else value
    elif in_percent and abs(value) <= 1:
        value *= 100
    return value if math.isfinite(value) else None
