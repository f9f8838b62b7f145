"""The Lessons screen: all lessons, or one of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.teaching.catalogue import COURSE, LESSONS, MINUTES, Lesson
from dhc.teaching.classrooms import Classroom
from dhc.teaching.words import common, labels, words
from dhc.ui.answers.look import has_network
from dhc.ui.lessons import attending, course, language, question, run
from dhc.ui.lessons.registry import FIGURES
from dhc.ui.shell import address, chosen, early, session, sharing
from dhc.ui.shell.frame import entitle, link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import guard

NAME = "lesson"  # in the address
STAGE = "dhc_lesson_grid"  # the part that is large in Present
WALKS = {
    "convolution": "unit",
    "feature-map": "layer",
}  # lessons from which a link leads into the person's own network, and how near

ABOUT_RUNS = {"schedules", "overfitting", *(lesson.name for lesson in COURSE if lesson.needs)}


def draw(head: DeltaGenerator) -> None:
    """Draw the lesson that the address names, or the list of all."""
    with head:
        tongue = language.choose()
    name = address.choice(NAME, tuple(LESSONS), "")
    classroom = attending.classroom()
    kept = {NAME: name, language.NAME: tongue} | attending.params()
    chosen.remember("Lessons", {key: value for key, value in kept.items() if value})
    if name:
        _draw_lesson(head, LESSONS[name], tongue, attending.course(classroom))
    else:
        _draw_contents(tongue, classroom)


def _draw_contents(tongue: str, classroom: Classroom | None) -> None:
    lessons = attending.course(classroom)
    if classroom is not None:
        st.markdown(f"**{plain(common(tongue, 'in_class', title=classroom.title))}**")
    st.markdown(common(tongue, "introduction", count=len(lessons), minutes=MINUTES))
    if classroom is None and sharing.is_read_only():
        attending.code_box(tongue)
    course.draw_contents(lessons, tongue)


def _draw_lesson(head: DeltaGenerator, lesson: Lesson, tongue: str, lessons: Sequence[Lesson]) -> None:
    facts = lesson.facts()
    said = words(tongue, lesson.name).with_facts(facts)
    entitle(said.title)
    figure, text = st.columns([5, 3], gap="medium")
    with text:  # before the figure, which may wait for a network
        st.markdown(f"### {said.title}\n\n{said.idea}")
        st.markdown(f"**{common(tongue, 'report')}.** {said.report}")
        if lesson.name in WALKS:
            if not sharing.is_read_only() and any(has_network(info) for info in session.runs()):
                early.wake()
            link("Walk", text=labels(tongue, "walk")("link"), lang=tongue, zoom=WALKS[lesson.name])
        is_right = question.draw(lesson, said, facts)
        _draw_next(lesson, tongue, lessons)
    course.draw_rail(head, lesson, lessons, tongue, is_done=is_right)
    with figure, st.container(key=STAGE):
        _draw_figure(lesson.name, tongue)


@st.fragment
def _draw_figure(name: str, tongue: str) -> None:
    """The figure runs again without the page, so that it answers at once."""
    with guard():
        if name in ABOUT_RUNS:
            run.say_damaged()
        FIGURES[name](words(tongue, name))


def _draw_next(lesson: Lesson, tongue: str, lessons: Sequence[Lesson]) -> None:
    """The way to the next lesson; after the last one, back to all of them and the other ways in."""
    place = lessons.index(lesson) + 1 if lesson in lessons else len(lessons)
    other = lessons[place].name if place < len(lessons) else ""
    text = common(tongue, "next", title=words(tongue, other).title) if other else common(tongue, "contents")
    link("Lessons", text=text, lesson=other, lang=tongue, **attending.params())
