"""What the pupils of a class answered, by question, without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

import streamlit as st

from dhc.runs.room import shortage
from dhc.teaching import letterbox
from dhc.teaching.catalogue import LESSONS, Lesson
from dhc.teaching.classrooms import Classroom, change
from dhc.teaching.fact import Facts
from dhc.teaching.handout import answer_text
from dhc.teaching.words import Labels, Words, filled, words
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt
from dhc.ui.shell.watch import watch

TICK = 3.0  # seconds between two looks into the letter box
ROOM = 64_000  # bytes below which an answer may find none on its disk
SHOWN = 5  # answers to a question, the most frequent ones


def draw(code: str, room: Classroom, said: Labels) -> None:
    """The answers as they come in, counting anew, and emptying a letter box that is full."""
    st.subheader(said("answers"), anchor=False)
    if letterbox.is_full(session.runs_dir()):
        st.warning(said("full"), icon=":material/inbox:")
        empty = partial(letterbox.empty, session.runs_dir())
        st.button(said("empty"), icon=":material/delete:", key="dhc_teach_empty", on_click=attempt, args=(empty,))
    if _is_disk_full():
        st.warning(said("disk_full"), icon=":material/hard_drive:")
    watch(
        lambda: letterbox.counts(session.runs_dir(), code, room),
        lambda counts: _draw(counts, room, said),
        every=TICK,
        alive=lambda _: True,
        page=lambda _: (_is_begun(room), letterbox.is_full(session.runs_dir()), _is_disk_full()),
        key="dhc-teach-answers",
    )
    _buttons(code, room, said)


def _count(code: str, *, anew: bool) -> None:
    """Count a class's answers from now on, as the box is at the click, or from the first on. Raises RunError and OSError."""
    change(session.runs_dir(), code, begins_at=letterbox.length(session.runs_dir()) if anew else 0)


def _is_disk_full() -> bool:
    return bool(shortage(session.runs_dir(), size=ROOM, files=0))


def _is_begun(room: Classroom) -> bool:
    """Whether anything came in since the class's counting began."""
    return letterbox.length(session.runs_dir()) != room.begins_at


def _buttons(code: str, room: Classroom, said: Labels) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, is_idle in (("renew", not _is_begun(room)), ("recount", room.begins_at == 0)):
            st.button(
                said(name),
                key=f"dhc_teach_{name}",
                help=said("renew_help") if name == "renew" else None,
                disabled=is_idle,
                on_click=partial(attempt, partial(_count, code, anew=name == "renew")),
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
        f"- {':green[:material/check:] ' if right else ''}{plain(text)}: **{filled('{n:,}', question.language, {'n': count})}**"
        for text, count, right in rows
    ]
