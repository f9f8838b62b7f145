"""The Lessons screen: all lessons, or one of them."""

from __future__ import annotations

from itertools import groupby

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.teaching.catalogue import COURSE, LESSONS, MINUTES, Lesson
from dhc.teaching.words import common, words
from dhc.ui.lessons import language, question
from dhc.ui.lessons.registry import FIGURES
from dhc.ui.shell import address, chosen
from dhc.ui.shell.frame import link

NAME = "lesson"  # in the address
STAGE = "dhc_lesson_grid"  # the part that is large in Present


def draw(head: DeltaGenerator) -> None:
    """Draw the lesson that the address names, or the list of all."""
    with head:
        tongue = language.choose()
    name = address.choice(NAME, tuple(LESSONS), "")
    chosen.remember("Lessons", {key: value for key, value in ((NAME, name), (language.NAME, tongue)) if value})
    if name:
        _draw_lesson(LESSONS[name], tongue)
    else:
        _draw_contents(tongue)


def _draw_contents(tongue: str) -> None:
    st.markdown(common(tongue, "introduction", count=len(COURSE), minutes=MINUTES))
    for group, lessons in groupby(COURSE, key=lambda lesson: lesson.group):
        st.subheader(common(tongue, group), anchor=False)
        for lesson in lessons:
            link("Lessons", text=words(tongue, lesson.name).title, lesson=lesson.name, lang=tongue)


def _draw_lesson(lesson: Lesson, tongue: str) -> None:
    facts = lesson.facts()
    said = words(tongue, lesson.name).with_facts(facts)
    figure, text = st.columns([5, 3], gap="medium")
    with figure, st.container(key=STAGE):
        _draw_figure(lesson.name, tongue)
    with text:
        st.markdown(f"### {said.title}\n\n{said.idea}")
        st.markdown(f"**{common(tongue, 'report')}.** {said.report}")
        question.draw(lesson, said, facts)
    _draw_neighbours(lesson, tongue)


@st.fragment
def _draw_figure(name: str, tongue: str) -> None:
    """The figure runs again without the page, so that it answers at once."""
    FIGURES[name](words(tongue, name))


def _draw_neighbours(lesson: Lesson, tongue: str) -> None:
    place = COURSE.index(lesson)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label, neighbour in (("previous", place - 1), ("next", place + 1)):
            if 0 <= neighbour < len(COURSE):
                other = COURSE[neighbour]
                text = common(tongue, label, title=words(tongue, other.name).title)
                link("Lessons", text=text, lesson=other.name, lang=tongue)
