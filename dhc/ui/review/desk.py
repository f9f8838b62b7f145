"""What the Review screen draws from: the pictures of a split as a run knows them, how suspect their labels are, and their marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import streamlit as st

from dhc.analysis import suspects
from dhc.analysis.suspects import Suspects
from dhc.data.decode import Pictures
from dhc.data.review import Mark, pixel_prints, read_marks, review_file, standing
from dhc.data.review_effect import Placed, place_marks
from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.dynamics import followed, read_dynamics
from dhc.runs.store import RunInfo
from dhc.ui.shell import session

Split = Literal["train", "val"]


@dataclass(frozen=True, eq=False)
class Desk:
    """The N pictures of a split that a run knows and that its data set still has.

    info          the run
    split         which split
    folder        the data set's folder
    pictures      the whole split as it lies there today
    classes       the data set's names
    known         names of the classes that the run knows, in its order
    rows          (N,) int64: the picture's row in `pictures`
    numbers       (N,) int64: the picture's row in the run's own records
    suspects      of the N pictures
    probabilities (N, K) of the run's classes, float; None where they must be asked for
    p             (E, N) of the label that the run learned from, by recorded epoch; None of val
    learned       (N,) str, that label; None of val
    gone          how many of the run's pictures are not there any more
    """

    info: RunInfo
    split: Split
    folder: str
    pictures: Pictures
    classes: tuple[str, ...]
    known: tuple[str, ...]
    rows: np.ndarray
    numbers: np.ndarray
    suspects: Suspects
    probabilities: np.ndarray | None
    p: np.ndarray | None
    learned: np.ndarray | None
    gone: int

    def label(self, place: int) -> str:
        """The class that the table gives one of the pictures today."""
        assert self.pictures.y is not None
        return self.classes[int(self.pictures.y[self.rows[place]])]

    def labels(self) -> np.ndarray:
        """(N,) int64: those of all, as places in `classes`."""
        assert self.pictures.y is not None
        labels: np.ndarray = self.pictures.y[self.rows]
        return labels

    def file(self, place: int) -> str:
        """The picture's file."""
        return str(self.pictures.ids[self.rows[place]])

    def image(self, place: int) -> np.ndarray:
        """(64, 64, 3) uint8."""
        image: np.ndarray = self.pictures.x[self.rows[place]]
        return image


def has_dynamics(info: RunInfo) -> bool:
    """Whether the run noted what it said of its training pictures."""
    return (info.folder / rundir.DYNAMICS).is_dir()


def open_desk(info: RunInfo, split: Split) -> Desk:
    """The desk of a run. Raises RunError and DataError where there is nothing to judge by, or no pictures."""
    if info.config is None:
        raise RunError(f"run {info.id}: {info.problem}")
    folder = session.pictures_folder(info.config)
    dataset, pictures = session.dataset(folder), session.pictures(folder, split)
    stamps = (session.stamp(info.folder / rundir.PREDICTIONS), session.stamp(info.folder / rundir.DYNAMICS))
    judged = _judged(str(info.folder), split, stamps, info)
    number = {file: row for row, file in enumerate(pictures.ids.tolist())}
    rows = np.array([number.get(file, -1) for file in judged.files], np.int64)
    here = rows >= 0
    if not here.any():
        raise RunError(f"none of this run's {split} pictures is in {folder} any more: put its data set back")
    return Desk(
        info,
        split,
        folder,
        pictures,
        dataset.classes,
        judged.known,
        rows[here],
        np.flatnonzero(here),
        suspects.among(judged.suspects, here),
        None if judged.probabilities is None else judged.probabilities[here],
        None if judged.p is None else judged.p[:, here],
        None if judged.learned is None else judged.learned[here],
        int((~here).sum()),
    )


class _Judged(NamedTuple):
    """What a run's records say of a split: files, names of its classes, suspects; the rest as in `Desk`."""

    files: Sequence[str]
    known: tuple[str, ...]
    suspects: Suspects
    probabilities: np.ndarray | None = None
    p: np.ndarray | None = None
    learned: np.ndarray | None = None


@st.cache_resource(show_spinner=False, max_entries=8)
def _judged(folder: str, split: Split, stamps: tuple[tuple[int, int], ...], _info: RunInfo) -> _Judged:
    """What a run's records say of a split, worked out once."""
    if split == "val":
        predictions = session.predictions(_info)
        found = suspects.of_val(predictions.y_true, predictions.probabilities)
        return _Judged(predictions.ids.tolist(), predictions.classes, found, predictions.probabilities)
    used, dynamics = session.used_pictures(_info), read_dynamics(_info.folder)
    if dynamics is None:
        raise RunError("this run noted nothing of its training pictures")
    names = followed(used, dynamics).class_names
    return _Judged(used.train.files, tuple(used.classes), suspects.of_train(dynamics), p=dynamics.p, learned=names)


def marks_of(folder: str) -> tuple[Mark, ...]:
    """What holds of a data set's marks, read again when the file has changed. Raises DataError."""
    path = review_file(Path(folder))
    return _marks(str(path), session.stamp(path))


@st.cache_resource(show_spinner=False, max_entries=4)
def _marks(path: str, stamp: tuple[int, int]) -> tuple[Mark, ...]:
    return tuple(standing(read_marks(Path(path))))


def placed(desk: Desk) -> Placed:
    """The marks of the desk's split, by row of its pictures."""
    return placed_among(desk.folder, desk.split, desk.pictures, desk.classes)


def placed_among(folder: str, split: Split, pictures: Pictures, classes: Sequence[str]) -> Placed:
    """The marks of a whole split of the data set in a folder, by row of its pictures. Raises DataError."""
    prints = _prints(folder, split, pictures.digest, pictures.x)
    return place_marks(marks_of(folder), split, pictures, classes, prints)


@st.cache_resource(show_spinner=False, max_entries=4)
def _prints(folder: str, split: str, digest: str, _x: np.ndarray) -> list[str]:
    return pixel_prints(_x)


def counts(by_row: Mapping[int, Mark], desk: Desk, listed: Sequence[int]) -> int:
    """How many of the listed pictures are marked."""
    return sum(int(desk.rows[place]) in by_row for place in listed)
