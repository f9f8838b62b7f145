"""The states that runs go on from, as they lie on disk: judged whole before any of them is believed.

``resume/epoch-00007/`` and ``states/epoch-00007/`` hold ``state.npz`` (the variables ``v0``, ``v1``, …, and a record in JSON) and
the best network and the predictions of that moment. Nothing in them is ever changed, so that they may be linked to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dhc.files.archive import Archive, DamagedError
from dhc.files.arrays import ArrayArchive
from dhc.files.folder import is_real_folder
from dhc.files.read import open_regular
from dhc.runs import rundir
from dhc.runs.course import Course
from dhc.runs.lenient import Amount, Count, Place, Share
from dhc.runs.predictions import parse_predictions
from dhc.runs.records import Predictions

STATE = rundir.STATE
RECORD = "told"  # the name in STATE under which the observers' states stand, as JSON
MAX_VARIABLES, MAX_BYTES = 10_000, 32_000_000_000  # of any network here; the variables' own headers then decide
MAX_RECORD, MAX_OF_EPOCH = 20_000, 200  # characters of a record, and more for each epoch
Spec = tuple[tuple[int, ...], str]  # a variable's shape and the name of its dtype
Rate = Annotated[float, Field(ge=0, le=10)]


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
    rate: Rate
    next_rate: Rate | None = None  # since 2026-11
    counters: list[Counters]
    pictures: dict[str, str] = {}

    def standing(self, course: Course) -> dict[str, Any]:
        """How the schedule of a run of that course stood, as values of `dhc.models.junction.Standing`."""
        plateau = [counters for counters in self.counters if "cooldown_counter" in counters.model_fields_set]
        stopping = [counters for counters in self.counters if "best_epoch" in counters.model_fields_set]
        return {
            "epoch": self.epoch,
            "rate": self.rate,
            "next_rate": self.rate if self.next_rate is None else self.next_rate,
            "wait": plateau[0].wait if plateau else None,
            "idle": stopping[0].wait if stopping else 0,
            **course.schedule_after(self.epoch),
        }


@dataclass(frozen=True, eq=False)
class SavedState:
    """A whole state: where it lies, its record, its variables, the predictions of its epoch.

    Without `values` only the best network beside it has some.
    """

    place: Path
    record: Record
    values: list[np.ndarray] | None
    predictions: Predictions

    @property
    def for_observers(self) -> dict[str, Any]:
        """The record as the observers take it up, with ``y_pred`` (E, N) and ``probabilities`` (N, K)."""
        predictions = {"y_pred": self.predictions.y_pred, "probabilities": self.predictions.probabilities}
        return self.record.model_dump(exclude_unset=True) | predictions


Kind = Literal["last", "best", "every", "change"]
Fit = Callable[[Sequence[Spec], Record], Sequence[int]]


def kinds_of(epoch: int, *, last: int, best: int | None, every: int, changes: Collection[int]) -> tuple[Kind, ...]:
    """Why the state after an epoch is worth its room.

    `last` is the epoch of the run's last state, `best` its best epoch, `every` how often one was to be saved (0: not), `changes`
    the epochs from which on settings were changed.
    """
    reasons: dict[Kind, bool] = {
        "last": epoch == last,
        "best": epoch == best,
        "change": epoch + 1 in changes,
        "every": every > 0 and epoch % every == 0,
    }
    return tuple(kind for kind, is_so in reasons.items() if is_so)


def state_folders(folder: Path) -> list[Path]:
    """The folders of states in ``resume/`` or ``states/``, whole or not, those of later epochs first; no links."""
    if not is_real_folder(folder):
        return []
    try:
        names = [place for place in folder.iterdir() if rundir.STATE_OF_EPOCH.fullmatch(place.name)]
    except OSError:
        return []
    return sorted(filter(is_real_folder, names), key=epoch_of, reverse=True)


def state_place(folder: Path, epoch: int) -> Path:
    """Where the state of an epoch lies that a run has kept, if it has."""
    return folder / rundir.STATES / f"epoch-{epoch:05d}"


def kept_epochs(folder: Path) -> tuple[int, ...]:
    """The epochs, rising, whose states a run has kept, whole or not."""
    return tuple(sorted(epoch_of(place) for place in state_folders(folder / rundir.STATES)))


def epoch_of(place: Path) -> int:
    """The epoch that a state's folder is named by."""
    name = rundir.STATE_OF_EPOCH.fullmatch(place.name)
    assert name is not None
    return int(name[1])


def read_state(place: Path, epochs: int, fit: Fit = lambda specs, record: list(range(len(specs)))) -> SavedState:
    """The state in a folder, of a run of at most so many epochs.

    `fit` says by the variables' specs which of them are read, in which order. Raises DamagedError, OSError, and what `fit` raises.
    """
    record, values = read_variables(place, epochs, fit)
    return SavedState(place, record, values, read_beside(place, record.epoch, record.best_epoch, epochs))


def read_variables(place: Path, epochs: int, fit: Fit) -> tuple[Record, list[np.ndarray]]:
    """The record and the variables of `read_state`, without a look at what lies beside them. Raises what that does."""
    with _open(place) as archive:
        record = _record(archive, place, epochs)
        names = [f"v{number}" for number in range(len(archive.sizes) - 1)]
        headers = [archive.header(name) for name in names]
        wanted = fit([(header.shape, header.dtype.name) for header in headers], record)
        values = [archive.array(names[number]) for number in wanted]
    if not all(np.isfinite(value).all() for value in values):
        raise DamagedError("holds weights that are not finite")
    return record, values


def check_state(place: Path, epochs: int, most: int) -> Record:
    """The record of a state of at most so many bytes each of whose arrays is whole, read one by one.

    Raises what `read_state` does.
    """
    with _open(place) as archive:
        record = _record(archive, place, epochs)
        if sum(archive.sizes.values()) > most:
            raise DamagedError("unpacks to more than any network of such settings")
        for number in range(len(archive.sizes) - 1):
            value = archive.array(f"v{number}")
            if value.dtype.kind not in "biuf" or not np.isfinite(value).all():
                raise DamagedError("holds weights that are not finite")
    read_beside(place, record.epoch, record.best_epoch, epochs)
    return record


def read_record(place: Path, epochs: int) -> Record:
    """The record of a state, without a look at its variables. Raises DamagedError, OSError."""
    with _open(place) as archive:
        return _record(archive, place, epochs)


@contextmanager
def _open(place: Path) -> Iterator[ArrayArchive]:
    with open_regular(place / STATE) as file, ArrayArchive(file, members=MAX_VARIABLES, size=MAX_BYTES) as archive:
        yield archive


def _record(archive: ArrayArchive, place: Path, epochs: int) -> Record:
    """The observers' record, which can only be true of a run of so many epochs that goes on."""
    header = archive.header(RECORD)
    if header.dtype.kind != "U" or header.shape or header.dtype.itemsize > 4 * (MAX_RECORD + MAX_OF_EPOCH * epochs):
        raise DamagedError("holds no record")
    try:
        record = Record.model_validate(json.loads(str(archive.array(RECORD))))
    except (ValidationError, ValueError, RecursionError):
        raise DamagedError("holds a record that cannot be true") from None
    if not record.best_epoch <= record.epoch == len(record.speeds) == len(record.curve) or record.epoch > epochs:
        raise DamagedError("holds a record of other epochs than the run has")
    if epoch_of(place) != record.epoch:
        raise DamagedError("tells of another epoch than its folder")
    return record


def read_beside(place: Path, epoch: int, best_epoch: int | None, epochs: int) -> Predictions:
    """The predictions in a folder, of at least `epoch` epochs, once the best network beside them is seen to be whole.

    Raises DamagedError, OSError.
    """
    with open_regular(place / rundir.BEST) as file, Archive(file, members=9, size=MAX_BYTES) as archive:
        for name in archive.sizes:
            archive.read(name)
    with open_regular(place / rundir.PREDICTIONS) as file:
        predictions = parse_predictions(file, epochs)
    if len(predictions.y_pred) < epoch or best_epoch not in (None, predictions.best_epoch):
        raise DamagedError("lies beside the predictions of other epochs")
    return predictions
