"""The chosen run's answers for the test pictures: a button, how it stands, and the file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import streamlit as st

from dhc.config import RunConfig
from dhc.data.select import WRONG_ANSWER, few_classes_text
from dhc.errors import DataError
from dhc.figures import shares
from dhc.jobs import submission as jobs
from dhc.jobs.submission import Submission
from dhc.runs import rundir
from dhc.runs.store import RunInfo
from dhc.text import duration_text, shorten
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box, guard
from dhc.ui.shell.watch import watch
from dhc.ui.widgets.plot import plot

TICK = 1.0  # seconds between two updates while it is being written
KEY = "dhc_submission_"
MIRROR_HELP = (
    "Each picture is asked twice, as it is and with left and right exchanged, and the mean of both answers counts."
)
MIRRORED = {True: "with the mirror image", False: "without the mirror image"}


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
    current = jobs.submission(info.folder)
    if current is not None and current.file is not None:
        _predicted(info)


def _row(info: RunInfo, submission: Submission | None, pictures: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
        if submission is not None and submission.pending:
            progress = f"Answering {pictures:,} test pictures … {duration_text(submission.seconds)}"
            st.markdown(f":material/hourglass_top: {progress}", width="content")
            cancel = (jobs.cancel, info.folder)
            st.button("Cancel", on_click=attempt, args=cancel, key=KEY + "cancel", type="tertiary", **sharing.greyed())
        else:
            _result(info, submission, pictures)


def _result(info: RunInfo, submission: Submission | None, pictures: int) -> None:
    assert info.config is not None
    is_first = submission is None
    mirror = st.toggle(
        "With the mirror image",
        value=jobs.origin(info.folder).mirror,
        help=MIRROR_HELP,
        disabled=sharing.is_read_only(),
        key=f"{KEY}mirror_{info.id}",
    )
    st.button(
        "Submission: answer the test pictures" if is_first else "Write the submission again",
        icon=":material/edit_note:" if is_first else ":material/refresh:",
        help=f"Writes a class for each of {pictures:,} pictures, in the form of the data set's sample or tables, in the background.",
        on_click=attempt,
        args=(_start, info, mirror),
        kwargs={"failure": "The answers could not be started"},
        disabled=sharing.is_read_only(),
        key=KEY + "ask",
    )
    if submission is None:
        return
    if submission.file is None:
        error_box(f"There is no submission: {submission.failure}")
        return
    stale = jobs.out_of_date(info.folder, session.dataset(info.config.data.path))
    st.download_button(
        "Download the old submission" if stale else "Download the submission",
        submission.file.read_bytes(),
        file_name=f"{info.id}-test{'-mirror' if jobs.origin(info.folder).mirror else ''}{'-old' if stale else ''}.csv",
        mime="text/csv",
        icon=":material/history:" if stale else ":material/download:",
        on_click="ignore",
        key=KEY + "download",
        type="tertiary" if stale else "secondary",
    )
    if stale:
        st.caption(plain(f"Out of date: {stale}. Write it again before you hand it in."))
    else:
        origin = jobs.origin(info.folder)
        how = ", each picture with its mirror image" if origin.mirror else ""
        st.caption(f"Of epoch {origin.epoch}{how}. {_change_text(info.folder)}")


def _start(info: RunInfo, mirror: bool) -> None:
    assert info.config is not None
    jobs.start(info.folder, session.dataset(info.config.data.path), mirror=mirror)


def _change_text(folder: Path) -> str:
    """How many answers differ from those of the submission before; "" where there was none."""
    now, before = jobs.answers(folder), jobs.answers(folder, rundir.SUBMISSION_BEFORE)
    both = now.keys() & before.keys()
    if not both:
        return ""
    changed, origin = sum(now[name] != before[name] for name in both), jobs.origin(folder)
    how = "" if origin.mirror == origin.mirror_before else f", which was {MIRRORED[origin.mirror_before]}"
    return f"{changed:,} of {len(both):,} answers differ from the submission before{how}."


def _predicted(info: RunInfo) -> None:
    """The classes that the submission answers beside those of the training pictures."""
    assert info.config is not None
    answers = jobs.answers(info.folder)
    train = session.dataset(info.config.data.path).splits["train"]
    classes = session.dataset(info.config.data.path).classes
    if not answers or train.y is None:
        return
    with st.expander("Which classes it answers"):
        counts = Counter(answers.values())
        figure = shares.predicted_classes(
            classes, [counts[name] for name in classes], np.bincount(train.y, minlength=len(classes)).tolist()
        )
        plot(
            figure,
            key=KEY + "classes",
            height=320,
            clicks=False,
            alt="Share of each class among the answers and in train",
        )
        never = [name for name in classes if not counts[name]]
        if never:
            names = ", ".join(shorten(name, 30) for name in never[:10]) + (" …" if len(never) > 10 else "")
            st.caption(plain(f"Never answered: {names}."))
