"""The submission of several runs together: a button, how far it is, the file and who answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from dhc.data.select import WRONG_ANSWER, few_classes_text
from dhc.errors import DataError
from dhc.jobs import ensemble as jobs
from dhc.jobs.ensemble import EnsembleSubmission
from dhc.runs.store import RunInfo
from dhc.text import count_text, duration_text
from dhc.ui.manage.submission import can_answer
from dhc.ui.shell import session, sharing
from dhc.ui.shell.markdown import plain
from dhc.ui.shell.states import attempt, error_box
from dhc.ui.shell.watch import watch

KEY = "dhc_ensemble_submission_"
TICK = 1.0  # seconds between two updates while it is being written


def draw(members: Mapping[str, RunInfo]) -> None:
    """Offer to write what the members, by letter, answer together for test; a sentence where they cannot."""
    st.markdown("#### Submission together")
    without = [letter for letter, info in members.items() if not can_answer(info)]
    if without:
        st.caption(f"It takes the network of each member, and those of {', '.join(without)} are not here.")
        return
    infos = list(members.values())
    config = infos[0].config
    assert config is not None
    try:
        dataset = session.dataset(config.data.path)
    except DataError as error:
        st.caption(plain(f"No submission: {error}"))
        return
    test = dataset.splits.get("test")
    if test is None:
        st.caption("No submission: the data set has no test.csv.")
        return
    if warning := few_classes_text(session.predictions(infos[0]).classes, dataset, WRONG_ANSWER):
        st.caption(warning)
    folders, pictures = [info.folder for info in infos], len(test.files)
    watch(
        lambda: jobs.submission(folders),
        lambda submission: _row(folders, config.data.path, submission, pictures),
        every=TICK,
        alive=lambda submission: submission is not None and submission.pending,
    )


def _row(folders: Sequence[Path], data: str, submission: EnsembleSubmission | None, pictures: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=KEY + "row"):
        if submission is None or not submission.pending:
            _result(folders, data, submission, pictures)
            return
        member = min(submission.done + 1, submission.members)
        progress = f"Member {member} of {submission.members} answers {pictures:,} test pictures … {duration_text(submission.seconds)}"
        st.markdown(f":material/hourglass_top: {progress}", width="content")
        cancel = (jobs.cancel, folders)
        st.button("Cancel", on_click=attempt, args=cancel, key=KEY + "cancel", type="tertiary", **sharing.greyed())


def _result(folders: Sequence[Path], data: str, submission: EnsembleSubmission | None, pictures: int) -> None:
    st.button(
        "Answer the test pictures together" if submission is None else "Write it again",
        icon=":material/edit_note:" if submission is None else ":material/refresh:",
        help=f"Averages the probabilities of {count_text(len(folders), 'member')} for each of {pictures:,} pictures, in the background, "
        "one network after the other.",
        on_click=attempt,
        args=(_start, folders, data),
        kwargs={"failure": "The answers could not be started"},
        disabled=sharing.is_read_only(),
        key=KEY + "ask",
    )
    if submission is None:
        return
    if submission.file is None or submission.manifest is None:
        error_box(f"There is no submission: {submission.failure}")
        return
    stale = jobs.out_of_date(folders, session.dataset(data))
    name = f"ensemble-of-{len(folders)}-test{'-old' if stale else ''}"
    parts = (
        ("Download the submission", submission.file, f"{name}.csv", "text/csv", ":material/download:"),
        ("Who answered", submission.manifest, f"{name}.members.json", "application/json", ":material/groups:"),
    )
    for label, file, out, mime, icon in parts:
        st.download_button(
            label, file.read_bytes(), file_name=out, mime=mime, icon=icon, on_click="ignore", key=KEY + mime
        )
    if stale:
        st.caption(plain(f"Out of date: {stale}. Write it again before you hand it in."))


def _start(folders: Sequence[Path], data: str) -> None:
    jobs.start(folders, session.dataset(data))
