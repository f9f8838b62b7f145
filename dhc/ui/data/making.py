"""Making a stand-in data set: a form, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.data.standin.labels import MOST_CLASSES, MOST_PICTURES, MOST_SEED
from dhc.data.standin.recipe import Recipe
from dhc.jobs import datasets as jobs
from dhc.ui.shell import drawing, session
from dhc.ui.shell.states import error_box, guard

MAKING = "dhc_making"  # folder of the data set that this session has started


def maker() -> None:
    """A form that makes a stand-in data set in the background, with its progress."""
    st.caption(
        "Generated pictures that look hallucinated, in the competition's layout and with its class frequencies. They are not the "
        "competition's own."
    )
    with st.form("dhc_make"):
        first, *others = st.columns(6, vertical_alignment="bottom")
        name = first.text_input(
            "Name", "stand-in", max_chars=60, key="dhc_make_name", help="Name of the new folder inside the data folder."
        )
        limits = (
            ("Classes", 2, MOST_CLASSES, MOST_CLASSES),
            ("Train", 1, MOST_PICTURES["train"], 12_000),
            ("Val", 1, MOST_PICTURES["val"], 1_000),
            ("Test", 0, MOST_PICTURES["test"], 5_000),
            ("Seed", 0, MOST_SEED, 0),
        )
        values = [
            column.number_input(title, low, high, value)
            for column, (title, low, high, value) in zip(others, limits, strict=True)
        ]
        if st.form_submit_button("Make it", icon=":material/auto_awesome:"):
            _make(name, [int(value) for value in values])
    _show_whole_or_failed()
    drawing.notice()


def _make(name: str, values: list[int]) -> None:
    folder = session.data_dir() / name
    if not name.strip() or Path(name).name != name or name.startswith("."):
        error_box("The name must be a plain folder name, without slashes and without a dot in front.")
    elif folder.exists():
        error_box(f"There is a {name} already: choose another name.")
    elif (making := jobs.making(folder)) and making.pending:
        error_box(f"{name} is being drawn already: wait for it, or choose another name.")
    else:
        with guard():
            jobs.start(folder, Recipe(*values))
            st.session_state[MAKING] = str(folder)


def _show_whole_or_failed() -> None:
    """Choose the data set that this session has had made, once it is whole; say of any why it could not be made, once."""
    makings = jobs.all_makings(session.data_dir())
    for folder, making in makings.items():
        if making.failure:
            jobs.forget(folder)
            error_box(f"{folder.name} could not be made: {making.failure}.")
    folder = Path(st.session_state.get(MAKING, ""))
    if MAKING in st.session_state and folder not in makings:
        del st.session_state[MAKING]
        st.query_params["data"] = folder.name
        st.rerun()
