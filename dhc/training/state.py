"""The state that a run goes on from, as it lies on disk: judged whole before any of it is believed. No Keras.

``resume/epoch-00007/`` holds ``state.npz`` (the variables ``v0``, ``v1``, …, and a record in JSON) and the best network and
the predictions of that moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dhc.files.archive import Archive, DamagedError
from dhc.files.arrays import ArrayArchive
from dhc.files.folder import is_real_folder
from dhc.files.read import open_regular
from dhc.runs import rundir
from dhc.runs.lenient import Amount, Count, Place, Share
from dhc.runs.predictions import parse_predictions
from dhc.runs.records import Predictions
from dhc.training.outcomes import ResumeStateError

STATE = "state.npz"
RECORD = "told"  # the name in STATE under which the observers' states stand, as JSON
OTHER_SIZES = "is of a network or an optimizer of other sizes, as happens after an update of Keras or of this program"
MAX_VARIABLES, MAX_BYTES = 10_000, 32_000_000_000  # of any network here; the variables' own headers then decide
MAX_RECORD, MAX_OF_EPOCH = 20_000, 200  # characters of a record, and more for each epoch
Spec = tuple[tuple[int, ...], str]  # a variable's shape and the name of its dtype


class Counters(BaseModel):
    """What a callback that waits for better epochs has counted."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    best: float | None = None
    wait: Count = 0
    cooldown_counter: Count = 0
    best_epoch: Count = 0


class Record(BaseModel):
    """What the observers save beside the variables; its keys are part of the format on disk."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    epoch: Place
    seconds: Annotated[Amount, Field(allow_inf_nan=False)]
    best: Share
    best_epoch: Place
    speeds: list[float]
    curve: list[Share]
    rate: Annotated[float, Field(ge=0, le=10)]
    counters: list[Counters]
    pictures: dict[str, str] = {}


@dataclass(frozen=True, eq=False)
class SavedState:
    """A whole state: where it lies, its record, its variables, the predictions of its epoch."""

    place: Path
    record: Record
    values: list[np.ndarray]
    predictions: Predictions

    @property
    def for_observers(self) -> dict[str, Any]:
        """The record as the observers take it up, with ``y_pred`` (E, N) and ``probabilities`` (N, K)."""
        predictions = {"y_pred": self.predictions.y_pred, "probabilities": self.predictions.probabilities}
        return self.record.model_dump(exclude_unset=True) | predictions


def newest(folder: Path, epochs: int, specs: Sequence[Spec]) -> SavedState | None:
    """The latest whole state of a run of so many epochs whose network has such variables, if any.

    Raises ResumeStateError where its variables are those of another network.
    """
    for place in sorted(_places(folder), reverse=True):
        try:
            return _read(place, epochs, specs)
        except (DamagedError, OSError):
            continue
    return None


def _places(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        names = (place for place in folder.iterdir() if rundir.STATE_OF_EPOCH.fullmatch(place.name))
        yield from filter(is_real_folder, names)


def _read(place: Path, epochs: int, specs: Sequence[Spec]) -> SavedState:
    """The state in a folder. Raises DamagedError, OSError, ResumeStateError."""
    with open_regular(place / STATE) as file, ArrayArchive(file, members=MAX_VARIABLES, size=MAX_BYTES) as archive:
        record = _record(archive, epochs)
        if place.name != f"epoch-{record.epoch:05d}":
            raise DamagedError("tells of another epoch than its folder")
        names = [f"v{number}" for number in range(len(archive.sizes) - 1)]
        headers = [archive.header(name) for name in names]
        if [(header.shape, header.dtype.name) for header in headers] != list(specs):
            raise ResumeStateError(record.epoch, OTHER_SIZES)
        values = [archive.array(name) for name in names]
    if not all(np.isfinite(value).all() for value in values):
        raise DamagedError("holds weights that are not finite")
    return SavedState(place, record, values, _predictions(place, record, epochs))


def _record(archive: ArrayArchive, epochs: int) -> Record:
    """The observers' record, which can only be true of a run of so many epochs that goes on."""
    header = archive.header(RECORD)
    if header.dtype.kind != "U" or header.shape or header.dtype.itemsize > 4 * (MAX_RECORD + MAX_OF_EPOCH * epochs):
        raise DamagedError("holds no record")
    try:
        record = Record.model_validate(json.loads(str(archive.array(RECORD))))
    except (ValidationError, ValueError, RecursionError):
        raise DamagedError("holds a record that cannot be true") from None
    if not record.best_epoch <= record.epoch == len(record.speeds) == len(record.curve) or record.epoch >= epochs:
        raise DamagedError("holds a record of other epochs than the run has")
    return record


def _predictions(place: Path, record: Record, epochs: int) -> Predictions:
    """The predictions beside the state, once the best network beside it is seen to be whole."""
    with open_regular(place / rundir.BEST) as file, Archive(file, members=9, size=MAX_BYTES) as archive:
        for name in archive.sizes:
            archive.read(name)
    with open_regular(place / rundir.PREDICTIONS) as file:
        predictions = parse_predictions(file, epochs)
    if len(predictions.y_pred) < record.epoch or predictions.best_epoch != record.best_epoch:
        raise DamagedError("lies beside the predictions of other epochs")
    return predictions
