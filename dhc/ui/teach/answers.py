"""What the pupils of a class answered, by question, without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import streamlit as st

from dhc.teaching import letterbox
from dhc.teaching.catalogue import LESSONS, Lesson
from dhc.teaching.classrooms import Classroom
from dhc.teaching.fact import Facts
from dhc.teaching.handout import answer_text
from dhc.teaching.words import Labels, Words, words
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK = 3.0  # seconds between two looks into the letter box
SHOWN = 5  # answers to a question, the most frequent ones
Put = Callable[[str, Classroom], None]


def draw(code: str, room: Classroom, said: Labels, *, put: Put) -> None:
    """The answers as they come in, and counting anew."""
    st.subheader(said("answers"), anchor=False)
    watch(
        lambda: letterbox.counts(session.runs_dir(), code, room),
        lambda counts: _draw(counts, room, said),
        every=TICK,
        alive=lambda _: True,
        key="dhc-teach-answers",
    )
    now = letterbox.length(session.runs_dir())
    with st.container(horizontal=True, gap="small"):
        for name, begin, is_idle in (("renew", now, now == room.begins_at), ("recount", 0, room.begins_at == 0)):
            changed = room.model_copy(update={"begins_at": begin})
            st.button(
                said(name),
                key=f"dhc_teach_{name}",
                help=said("renew_help") if name == "renew" else None,
                disabled=is_idle,
                on_click=attempt,
                args=(put, code, changed),
            )


def _draw(counts: Mapping[str, Counter[float]], room: Classroom, said: Labels) -> None:
    if not any(counter.total() for counter in counts.values()):
        st.caption(said("no_answers"))
    for name, counter in counts.items():
        if counter.total():
            _draw_lesson(LESSONS[name], counter, room.language, said)


def _draw_lesson(lesson: Lesson, counter: Counter[float], tongue: str, said: Labels) -> None:
    facts = lesson.facts()
    question = words(tongue, lesson.name).with_facts(facts)
    total = counter.total()
    right = sum(count for answer, count in counter.items() if facts.is_right(answer))
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f"**{question.title}** · {said('given', count=total, share=100 * right / total)}")
        st.caption(question.question)
        st.markdown("\n".join(_lines(facts, question, counter, said)))


def _lines(facts: Facts, question: Words, counter: Counter[float], said: Labels) -> list[str]:
    """A line an answer, the most frequent first, the right one marked."""
    most = counter.most_common(SHOWN)
    rows = [(answer_text(facts, question, answer), count, facts.is_right(answer)) for answer, count in most]
    rest = counter.total() - sum(count for _, count in most)
    rows += [(said("other_answers"), rest, False)] if rest else []
    return [
        f"- {':green[:material/check:] ' if right else ''}{plain(text)}: **{count:,}**" for text, count, right in rows
    ]
