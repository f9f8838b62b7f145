"""A class's lessons on paper."""

from __future__ import annotations

from functools import partial
from typing import get_args

import streamlit as st

from dhc.teaching.catalogue import LESSONS
from dhc.teaching.classrooms import Classroom
from dhc.teaching.handout import Kind, handout
from dhc.teaching.words import Labels

ICONS = {"hand_out": ":material/description:", "questions": ":material/quiz:"}


def draw(room: Classroom, said: Labels) -> None:
    """Buttons that download the hand-out and the sheets of questions, to be printed from the browser."""
    st.markdown(f"**{said('paper')}**")
    lessons = [LESSONS[name] for name in room.lessons]
    with st.container(horizontal=True, gap="small"):
        for kind in get_args(Kind):
            st.download_button(
                said(kind),
                partial(handout, lessons, room.language, kind, room.title),
                f"{kind}-{room.language}.html",
                "text/html",
                icon=ICONS.get(kind, ":material/fact_check:"),
                key=f"dhc_teach_{kind}",
                on_click="ignore",
            )
