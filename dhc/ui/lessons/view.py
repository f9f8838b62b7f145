"""The Lessons screen: all lessons, or one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.teaching.catalogue import LESSONS, MINUTES, Lesson
from dhc.teaching.classrooms import Classroom
from dhc.teaching.words import common, words
from dhc.ui.lessons import attending, language, question
from dhc.ui.lessons.registry import FIGURES
from dhc.ui.shell import address, chosen, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain

NAME = "lesson"  # in the address
STAGE = "dhc_lesson_grid"  # the part that is large in Present


def draw(head: DeltaGenerator) -> None:
    """Draw the lesson that the address names, or the list of all."""
    with head:
        tongue = language.choose()
    name = address.choice(NAME, tuple(LESSONS), "")
    classroom = attending.classroom()
    kept = {NAME: name, language.NAME: tongue} | attending.params()
    chosen.remember("Lessons", {key: value for key, value in kept.items() if value})
    if name:
        _draw_lesson(LESSONS[name], tongue, attending.course(classroom))
    else:
        _draw_contents(tongue, classroom)


def _draw_contents(tongue: str, classroom: Classroom | None) -> None:
    lessons = attending.course(classroom)
    if classroom is not None:
        st.markdown(f"**{plain(common(tongue, 'in_class', title=classroom.title))}**")
    st.markdown(common(tongue, "introduction", count=len(lessons), minutes=MINUTES))
    if classroom is None and sharing.is_read_only():
        attending.code_box(tongue)
    for group, members in groupby(lessons, key=lambda lesson: lesson.group):
        st.subheader(common(tongue, group), anchor=False)
        for lesson in members:
            _link(lesson, words(tongue, lesson.name).title, tongue)


def _link(lesson: Lesson, text: str, tongue: str) -> None:
    link("Lessons", text=text, lesson=lesson.name, lang=tongue, **attending.params())


def _draw_lesson(lesson: Lesson, tongue: str, course: Sequence[Lesson]) -> None:
    facts = lesson.facts()
    said = words(tongue, lesson.name).with_facts(facts)
    figure, text = st.columns([5, 3], gap="medium")
    with figure, st.container(key=STAGE):
        _draw_figure(lesson.name, tongue)
    with text:
        st.markdown(f"### {said.title}\n\n{said.idea}")
        st.markdown(f"**{common(tongue, 'report')}.** {said.report}")
        question.draw(lesson, said, facts)
    _draw_neighbours(lesson, tongue, course)


@st.fragment
def _draw_figure(name: str, tongue: str) -> None:
    """The figure runs again without the page, so that it answers at once."""
    FIGURES[name](words(tongue, name))


def _draw_neighbours(lesson: Lesson, tongue: str, course: Sequence[Lesson]) -> None:
    place = course.index(lesson) if lesson in course else -1
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label, neighbour in (("previous", place - 1), ("next", place + 1)):
            if 0 <= neighbour < len(course):
                other = course[neighbour]
                _link(other, common(tongue, label, title=words(tongue, other.name).title), tongue)
