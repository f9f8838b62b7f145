"""The class that a person attends: its code stands in the address, ``class=K7M2PX``, and goes along from lesson to lesson."""

from __future__ import annotations

from typing import Final

import streamlit as st

from dhc.teaching import letterbox
from dhc.teaching.catalogue import COURSE, LESSONS, Lesson
from dhc.teaching.classrooms import Classroom, code_in, read_classrooms
from dhc.teaching.words import common
from dhc.ui.shell import address, session, sharing
from dhc.ui.shell.frame import go

NAME: Final = "class"
FIRST: Final = "dhc_class_first"  # in the session: the first answer, by class and lesson
POSTED: Final = "dhc_class_posted"  # in the session: class and lesson of each answer that was sent


def classroom() -> Classroom | None:
    """The class that the address names; a code that is none is taken out of it, and said."""
    code = st.query_params.get(NAME, "")
    if not code:
        return None
    found = read_classrooms(session.runs_dir()).get(code)
    if found is None:
        address.refuse({NAME: code}, "a class that is not here: ask your teacher for the code once more")
    return found


def course(classroom: Classroom | None) -> tuple[Lesson, ...]:
    """The lessons of the class, all lessons without one."""
    return COURSE if classroom is None else tuple(LESSONS[name] for name in classroom.lessons)


def runs() -> tuple[str, ...]:
    """The ids of the runs that the class looks at first, () without one."""
    room = read_classrooms(session.runs_dir()).get(st.query_params.get(NAME, ""))
    return () if room is None else room.runs


def params() -> dict[str, str]:
    """The parameters that a link from lesson to lesson keeps."""
    code = st.query_params.get(NAME, "")
    return {NAME: code} if code else {}


def send(lesson: str, answer: float) -> bool | None:
    """Send the first answer to a lesson's question to the teacher: in a read-only view, by who attends a class that has the lesson.

    Returns whether it was taken; one that was not is sent again the next time. None where nothing is to be sent.
    """
    code = st.query_params.get(NAME, "")
    room = read_classrooms(session.runs_dir()).get(code)
    if room is None or lesson not in room.lessons or not sharing.is_read_only():
        return None
    first: dict[tuple[str, str], float] = st.session_state.setdefault(FIRST, {})
    posted: set[tuple[str, str]] = st.session_state.setdefault(POSTED, set())
    name = (code, lesson)
    if name not in posted and letterbox.post(code, lesson, first.setdefault(name, answer)):
        posted.add(name)
    return name in posted


def code_box(language: str) -> None:
    """A box for the code of a class; a code opens its lessons."""
    text = st.text_input(
        common(language, "class_code"), key="dhc_class_code", placeholder="K7M2PX", max_chars=20, width=180
    )
    code = code_in(text)
    room = read_classrooms(session.runs_dir()).get(code)
    if room is not None:
        go("Lessons", **{NAME: code, "lang": room.language})
    elif text.strip():
        st.warning(common(language, "no_class"), icon=":material/search_off:")
