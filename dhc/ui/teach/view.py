"""The Teach screen: the classes there are, and one of them with its code, its answers and its papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dhc.teaching.classrooms import Classroom, add, change, delete, put, read_classrooms, require_readable
from dhc.teaching.words import Labels, labels
from dhc.ui.lessons import language
from dhc.ui.lessons.attending import NAME
from dhc.ui.shell import address, chosen, session, sharing
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, empty, guard
from dhc.ui.teach import answers, before, code, form, paper

KEY: Final = "dhc_teach_"
DELETED: Final = KEY + "deleted"  # in the session: code and class of the one deleted last


def draw(head: DeltaGenerator) -> None:
    """Draw the screen. Raises UserError."""
    with head:
        tongue = language.choose()
    said = labels(tongue, "teach")
    if sharing.is_read_only():
        empty(said("full_only"), links=["Lessons"])
        return
    require_readable(session.runs_dir())  # else they would seem to be gone
    classrooms = read_classrooms(session.runs_dir())
    current = address.choice(NAME, list(classrooms), "")
    kept = {NAME: current, language.NAME: tongue}
    chosen.remember("Teach", {name: value for name, value in kept.items() if value})
    _offer_undo(said)
    if current:
        _draw_one(current, classrooms[current], said)
    else:
        _draw_all(classrooms, said)


def _draw_all(classrooms: Mapping[str, Classroom], said: Labels) -> None:
    st.markdown(said("introduction"))
    left, right = st.columns([3, 2], gap="large")
    with left, st.container(border=True):
        form.draw(said, Classroom(language=said.language), button="make", key=KEY + "new_", act=_add)
    with right:
        st.subheader(said("classes"), anchor=False)
        for code_, room in classrooms.items():
            link("Teach", text=f"**{plain(room.title)}** {code_}", **{NAME: code_, language.NAME: said.language})
        if not classrooms:
            st.caption(said("no_classes"))


def _draw_one(current: str, room: Classroom, said: Labels) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        code.draw(current, room, said)
        paper.draw(room, said)
        with st.popover(said("change"), icon=":material/edit:"):
            form.draw(said, room, button="save", key=f"{KEY}{current}_", act=lambda changed: _change(current, changed))
        st.button(
            said("delete"), icon=":material/delete:", key=KEY + "delete", on_click=attempt, args=(_delete, current)
        )
        link("Teach", text=said("classes"), **{language.NAME: said.language})
    with right:
        before.draw(room, said)
        with guard():
            answers.draw(current, room, said)


def _add(room: Classroom) -> None:
    address.put(**{NAME: add(session.runs_dir(), room)})


def _change(current: str, room: Classroom) -> None:
    change(session.runs_dir(), current, **{name: getattr(room, name) for name in form.FIELDS})


def _delete(current: str) -> None:
    room = delete(session.runs_dir(), current)
    address.put(**{NAME: None})
    if room is not None:
        st.session_state[DELETED] = (current, room)


def _offer_undo(said: Labels) -> None:
    if DELETED not in st.session_state:
        return
    _, room = st.session_state[DELETED]
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(plain(said("deleted", title=room.title)), width="content")
        st.button(said("undo"), icon=":material/undo:", key=KEY + "undo", on_click=attempt, args=(_bring_back,))


def _bring_back() -> None:
    if DELETED not in st.session_state:  # the second half of a double click
        return
    current, room = st.session_state[DELETED]
    put(session.runs_dir(), current, room)
    del st.session_state[DELETED]
    address.put(**{NAME: current})
