"""What to do with a run that has ended: its settings, its place among runs on the same pictures, a copy, a comparison."""

from __future__ import annotations

import streamlit as st

from dhc.analysis.lineage import parent_of
from dhc.analysis.pictures import measured_on_same_pictures, pictures_of
from dhc.analysis.standing import Standing, standing_of
from dhc.config import COMMON, MISSION, fields
from dhc.config.phrase import phrase
from dhc.runs.naming import titles
from dhc.runs.store import RunInfo
from dhc.text import count_text, shorten
from dhc.ui.manage import branching
from dhc.ui.shell import session
from dhc.ui.shell.frame import link
from dhc.ui.shell.markdown import TITLE_LENGTH, bold, plain
from dhc.ui.train import clone

MOST_SETTINGS = 14


def draw(info: RunInfo) -> None:
    """Draw it for a run that has ended; nothing where its settings cannot be read."""
    if info.config is None or info.shown_config is None:
        return
    with st.container(border=True, key="dhc-live-ended"):
        names = [field.name for field in fields() if field.rank in (MISSION, COMMON)]
        st.markdown(f":small[{plain(phrase(info.shown_config, names, most=MOST_SETTINGS))}]")
        standing = standing_of(info, measured_on_same_pictures(info, session.runs(), pictures_of))
        if standing is not None:
            st.markdown(sentence(info, standing))
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Clone and edit", icon=":material/edit:", key="dhc-live-clone"):
                clone.open_form(info.config, info.id)
            branching.button(info, key="dhc-live-go-on")
            if standing is not None and standing.other is not None and standing.other.id != parent_of(info):
                other = standing.other
                text = f"Compare with {_title_beside(info, other)}"
                first, second = (other, info) if standing.place > 1 else (info, other)
                link("Runs", text=plain(text), select=f"{first.id},{second.id}", panel="noise")


def _title_beside(info: RunInfo, other: RunInfo) -> str:
    """What the other run is called beside this one: its name, else what differs."""
    return shorten(titles([info, other])[other.id], TITLE_LENGTH)


def sentence(info: RunInfo, standing: Standing) -> str:
    """Markdown: the run's place among the runs on the same pictures, and the one to beat or the next."""
    other = standing.other
    if other is None:
        return "The only run on these pictures so far."
    figure = f"{bold(_title_beside(info, other))} ({other.best_val_accuracy:.3f})"
    runs = f"{count_text(standing.count, 'run')} on these pictures"
    if standing.place > 1:
        return f"Place **{standing.place}** of {runs}; the best is {figure}."
    if standing.ties:
        return f"Tied for the best of {runs}, with {figure}{f' and {standing.ties - 1} more' if standing.ties > 1 else ''}."
    return f"The **best** of {runs}; next is {figure}."
