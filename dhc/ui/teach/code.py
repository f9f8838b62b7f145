"""A class's code, and where pupils open it."""

from __future__ import annotations

import base64
import html
from urllib.parse import urlencode

import streamlit as st

from dhc.teaching.classrooms import Classroom
from dhc.teaching.words import Labels
from dhc.ui.lessons import language
from dhc.ui.lessons.attending import NAME
from dhc.ui.shell import announced, reach, session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import plain

COMMAND = "make run SHARE=read"


def draw(code: str, room: Classroom, said: Labels) -> None:
    """The code in large type, the address and its QR code, and the lessons as a pupil sees them."""
    params = {NAME: code, language.NAME: room.language}
    place = announced.address(session.runs_dir())
    with st.container(key="dhc_teach_code"):
        st.markdown(f"### {plain(room.title)}")
        st.metric(said("code"), code)
        if place is None:
            st.info(said("not_shared", command=f"`{COMMAND}`"), icon=":material/wifi_off:")
        else:
            _draw_address(f"{place.rstrip('/')}/lessons?{urlencode(params)}", said)
    link("Lessons", text=said("preview"), **params)


def _draw_address(address: str, said: Labels) -> None:
    st.caption(said("open_at"))
    picture = base64.b64encode(reach.qr_code(address).encode()).decode()
    st.html(f'<img alt="QR code of {html.escape(address)}" width="220" src="data:image/svg+xml;base64,{picture}">')
    st.code(address, language=None, wrap_lines=True)
