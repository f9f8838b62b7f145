"""The chosen run's answers for the test pictures: a button, how it stands, and the file."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dhc.config import RunConfig
from dhc.data.select import WRONG, few_classes
from dhc.errors import DataError
from dhc.jobs import submission as jobs
from dhc.jobs.submission import Submission
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import duration_text
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import error_box, guard

TICK = 1.0  # seconds between two looks while it is being written
KEY = "dhc_submission_"


def draw(info: RunInfo) -> None:
    """Offer to write the run's answers for test; nothing where the run or its data set has none to give."""
    if info.config is None or not can_answer(info):
        return
    with guard():
        try:
            pictures = _test_pictures(info.config)
        except DataError as error:
            st.caption(plain(f"No submission: {error}"))
            return
        if not pictures:
            st.caption("No submission: the data set has no test.csv.")
            return
        _view(info, pictures)


def can_answer(info: RunInfo) -> bool:
    """Whether the run has what answers: a saved network, or finished neighbours."""
    return (info.folder / (rundir.BEST if info.trains_network else rundir.PREDICTIONS)).is_file()


def _knows(config: RunConfig) -> str:
    return few_classes(config.data, session.dataset(config.data.path), WRONG)


def _test_pictures(config: RunConfig) -> int:
    splits = session.dataset(config.data.path).splits
    return len(splits["test"].files) if "test" in splits else 0


def _view(info: RunInfo, pictures: int) -> None:
    assert info.config is not None
    if told := _knows(info.config):
        st.caption(told)
    now = jobs.submission(info.folder)
    pending = now is not None and now.pending

    @st.fragment(run_every=TICK if pending else None)
    def body() -> None:
        with guard(), st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
            found = jobs.submission(info.folder)
            if (found is not None and found.pending) != pending:
                st.rerun(scope="app")  # whether to keep looking hangs on it, and a click in here runs only the fragment
            if found is not None and found.pending:
                told = f"Answering {pictures:,} test pictures … {duration_text(found.seconds)}"
                st.markdown(f":material/hourglass_top: {told}", width="content")
                return
            _ended(info, found, pictures)

    body()


def _ended(info: RunInfo, found: Submission | None, pictures: int) -> None:
    again = found is not None
    st.button(
        "Write the submission again" if again else "Submission: answer the test pictures",
        icon=":material/refresh:" if again else ":material/edit_note:",
        help=f"Writes Image,Class for {pictures:,} pictures in the order of test.csv, in the background.",
        on_click=_ask,
        args=(info.folder,),
        key=KEY + "ask",
    )
    if found is None:
        return
    if found.file is not None:
        st.download_button(
            "Download the submission",
            found.file.read_bytes(),
            file_name=f"{info.id}-test.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=KEY + "download",
        )
    else:
        error_box(f"There is no submission: {found.failed}")


def _ask(folder: Path) -> None:
    try:
        jobs.ask(folder)
    except OSError as error:
        st.toast(plain(f"The answers could not be started: {error.strerror or error}"), icon=":material/error:")
