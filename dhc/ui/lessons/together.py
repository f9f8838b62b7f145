"""The runs that were judged on the same val pictures, and what each of them answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dhc.analysis.ensemble import SharedAnswers, line_up
from dhc.analysis.pictures import on_most_pictures, pictures_of
from dhc.analysis.ranking import best_first
from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.naming import titles
from dhc.runs.predictions import read_predictions
from dhc.runs.store import RunInfo
from dhc.text import short_names
from dhc.ui.answers.pairs import changed_by_review
from dhc.ui.lessons import run
from dhc.ui.shell import session

MOST = 12  # runs, the best ones
TITLE = 34  # letters of a run's name


@dataclass(frozen=True, eq=False)
class Together:
    """Runs in the order of their shared answers, the best first, and what they are called."""

    infos: Sequence[RunInfo]
    names: Sequence[str]
    answers: SharedAnswers


def read() -> Together | None:
    """The best of the runs that share their val pictures with most others; None for fewer than two."""
    runs = [
        info
        for info in run.with_answers()
        if not info.state.alive and not run.is_shuffled(info) and (info.folder / rundir.PREDICTIONS).is_file()
    ]
    infos = best_first(sorted(on_most_pictures(runs, pictures_of), key=lambda info: info.id))[:MOST]
    folders = tuple(info.folder for info in infos)
    stamps = tuple(session.stamp(folder / name) for folder in folders for name in (rundir.PREDICTIONS, rundir.REVIEW))
    answers = _read(folders, stamps, frozenset[str]().union(*map(changed_by_review, infos)))
    if answers is None:
        return None
    by_id = {info.id: info for info in infos}
    members = [by_id[run_id] for run_id in answers.runs]
    names = short_names(tuple(str(title) for title in titles(members).values()), TITLE)
    return Together(members, names, answers)


@st.cache_resource(show_spinner=False, max_entries=2, hash_funcs=session.PATHS)
def _read(
    folders: tuple[Path, ...], stamps: tuple[tuple[int, int], ...], without: frozenset[str]
) -> SharedAnswers | None:
    predictions = {}
    for folder in folders:
        try:
            predictions[folder.name] = read_predictions(folder)
        except RunError:
            continue
    try:
        return line_up(predictions, without) if len(predictions) > 1 else None
    except RunError:
        return None
