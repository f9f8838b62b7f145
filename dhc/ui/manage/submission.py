"""The chosen run's answers for the test pictures: a button, how it stands, and the file."""

from __future__ import annotations

import streamlit as st

from dhc.config import RunConfig
from dhc.data.select import WRONG_ANSWER, few_classes_text
from dhc.errors import DataError
from dhc.jobs import submission as jobs
from dhc.jobs.submission import Submission
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import duration_text
from dhc.ui.shell import session
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box, guard
from dhc.ui.shell.watch import watch

TICK = 1.0  # seconds between two updates while it is being written
KEY = "dhc_submission_"


def draw(info: RunInfo) -> None:
    """Offer to write the run's answers for test; nothing where the run has no network."""
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
    """Whether the run can answer pictures: it has a saved network, or its neighbours are done."""
    return (info.folder / (rundir.BEST if info.trains_network else rundir.PREDICTIONS)).is_file()


def _class_warning(info: RunInfo, config: RunConfig) -> str:
    """Of a run that knows only some of the classes, a sentence; else ""."""
    classes = session.predictions(info).classes
    return few_classes_text(classes, session.dataset(config.data.path), WRONG_ANSWER)


def _test_pictures(config: RunConfig) -> int:
    splits = session.dataset(config.data.path).splits
    return len(splits["test"].files) if "test" in splits else 0


def _view(info: RunInfo, pictures: int) -> None:
    assert info.config is not None
    if warning := _class_warning(info, info.config):
        st.caption(warning)
    watch(
        lambda: jobs.submission(info.folder),
        lambda submission: _row(info, submission, pictures),
        every=TICK,
        alive=lambda submission: submission is not None and submission.pending,
    )


def _row(info: RunInfo, submission: Submission | None, pictures: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
        if submission is not None and submission.pending:
            progress = f"Answering {pictures:,} test pictures … {duration_text(submission.seconds)}"
            st.markdown(f":material/hourglass_top: {progress}", width="content")
            st.button("Cancel", on_click=attempt, args=(jobs.cancel, info.folder), key=KEY + "cancel", type="tertiary")
        else:
            _result(info, submission, pictures)


def _result(info: RunInfo, submission: Submission | None, pictures: int) -> None:
    is_first = submission is None
    st.button(
        "Submission: answer the test pictures" if is_first else "Write the submission again",
        icon=":material/edit_note:" if is_first else ":material/refresh:",
        help=f"Writes Image,Class for {pictures:,} pictures in the order of test.csv, in the background.",
        on_click=attempt,
        args=(jobs.start, info.folder),
        kwargs={"failure": "The answers could not be started"},
        key=KEY + "ask",
    )
    if submission is None:
        return
    if submission.file is not None:
        st.download_button(
            "Download the submission",
            submission.file.read_bytes(),
            file_name=f"{info.id}-test.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key=KEY + "download",
        )
    else:
        error_box(f"There is no submission: {submission.failure}")
