"""What a class is: its name, lessons, runs and language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from dhc.runs.naming import titles
from dhc.teaching.catalogue import COURSE
from dhc.teaching.classrooms import MOST_RUNS, TITLE_LENGTH, Classroom
from dhc.teaching.words import LANGUAGES, Labels, words
from dhc.text import shorten
from dhc.ui.shell import session
from dhc.ui.shell.pickers import offered
from dhc.ui.shell.states import attempt
from dhc.ui.widgets.controls import segments

FIELDS = ("title", "lessons", "runs", "language")
LENGTH = 60  # letters of a run's title


def draw(said: Labels, room: Classroom, *, button: str, key: str, act: Callable[[Classroom], None]) -> None:
    """Fields for a class as `room` is, and the button that calls `act` with what they hold."""
    # By default, not by the session's state: a popover that is opened after the page ran again would show that as nothing.
    st.text_input(said("name"), room.title, key=key + "title", max_chars=TITLE_LENGTH, help=said("name_help"))
    tongue = segments(said("language"), LANGUAGES, key=key + "language", default=room.language) or room.language
    st.multiselect(
        said("lessons"),
        [lesson.name for lesson in COURSE],
        list(room.lessons),
        key=key + "lessons",
        format_func=lambda name: words(tongue, name).title,
        help=said("lessons_help"),
    )
    _runs(said, room, key)
    st.button(said(button), type="primary", key=key + "save", on_click=attempt, args=(_save, key, room, act))


def _runs(said: Labels, room: Classroom, key: str) -> None:
    runs = offered([info for info in session.runs() if info.trains_network], room.runs)
    names = titles(runs)
    st.multiselect(
        said("runs"),
        [info.id for info in runs],
        [run for run in room.runs if run in names],
        key=key + "runs",
        format_func=lambda run: shorten(str(names.get(run, run)), LENGTH),
        max_selections=MOST_RUNS,
        help=said("runs_help"),
    )


def _save(key: str, room: Classroom, act: Callable[[Classroom], None]) -> None:
    """Call `act` with what the fields hold; a field that the browser did not send has what the class had."""
    values = {name: st.session_state.get(key + name, getattr(room, name)) for name in FIELDS}
    lessons: Sequence[str] = values["lessons"] or [lesson.name for lesson in COURSE]
    language = values["language"] or room.language
    act(Classroom.sift(values | {"lessons": list(lessons), "language": language})[0])
