"""Resuming a run exactly where it was: its state, saved between epochs. Imports Keras.

``resume/epoch-00007/`` holds ``state.npz`` (weights, moving averages, seeds, the optimizer's moments and step, the learning
rate, the counters of the schedule and of early stopping) and hard links to the best network and the predictions of that
moment. A state is written beside the earlier one and renamed into place, so that there is a whole one at any time.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from dhc.data.select import RunData
from dhc.files import remove, write
from dhc.models.build import inner_optimizer
from dhc.runs import rundir
from dhc.runs.contract import Environment
from dhc.runs.rundir import RunWriter
from dhc.training.outcomes import ResumeStateError
from dhc.training.pictures import fingerprints
from dhc.training.state import RECORD, STATE, Record, SavedState, Spec, newest

DAMAGED = "cannot be read, because its files are damaged or were edited"
OTHER_PICTURES = "was reached with other {splits} pictures or labels than are there now"
OTHER_VAL = "was reached with other val pictures, labels or classes than are there now"
PUT_BACK = "put them back and resume, or start a copy on the new pictures"
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")  # what a run may have begun in
SHARE = 20  # saving may take a twentieth of the time
LINKED_FILES = (rundir.BEST, rundir.PREDICTIONS)


class Stateful(Protocol):
    """An observer that must survive a resume; its state's keys are part of the format on disk."""

    def state(self) -> dict[str, Any]:
        """What the next epoch depends on, as JSON has it."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


class Resume(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the state after an epoch, unless that would take more than a twentieth of the time.

    `restore` goes on from the last one, with `first_epoch` (from 0). Stands behind the callbacks whose states it saves: those
    of `observers` are one record, in which each finds its own keys; those of `counting` are a list in it.
    """

    def __init__(
        self,
        writer: RunWriter,
        data: RunData,
        observers: Sequence[Stateful],
        counting: Sequence[Stateful],
        *,
        epochs: int,
        save: bool = True,
    ) -> None:
        super().__init__()
        self._writer, self._folder = writer, writer.folder / rundir.RESUME
        self._data, self._epochs = data, epochs
        self._observers, self._counting = observers, counting
        self._enabled = save
        self._last_save, self._cost = time.perf_counter(), 0.0
        self._start, self._earlier_seconds = time.perf_counter(), 0.0
        self.first_epoch = 0

    @property
    def seconds(self) -> float:
        """Spent on this run so far, in this process and in those before it."""
        return self._earlier_seconds + time.perf_counter() - self._start

    def restore(self, model: keras.Model) -> None:
        """Take up the newest whole state, if any; to be called between ``compile`` and ``fit``.

        Raises ResumeStateError, before anything is changed.
        """
        variables = state_variables(model)
        state = newest(self._folder, self._epochs, [_spec(variable) for variable in variables])
        if state is None:
            self._begin_again()
            return
        self._compare_val(state)
        self._compare_pictures(state.record)
        for variable, value in zip(variables, state.values, strict=True):
            variable.assign(value)
        for name in LINKED_FILES:
            write.link(state.place / name, self._folder.parent / name)
        self._take_up(state)
        self._writer.event("resume", epoch=self.first_epoch + 1)
        print(f"goes on with epoch {self.first_epoch + 1}")

    def _compare_val(self, state: SavedState) -> None:
        """Raise ResumeStateError where val is another one, for whose pictures there are no answers."""
        then, val = state.predictions, self._data.val
        same = then.classes == self._data.classes and np.array_equal(then.ids, val.ids)
        if not (same and np.array_equal(then.y_true, np.asarray(val.y))):
            raise ResumeStateError(state.record.epoch, OTHER_VAL, PUT_BACK)

    def _compare_pictures(self, record: Record) -> None:
        """Raise ResumeStateError where pictures or labels are not those that the run began with."""
        now = fingerprints(self._data)
        others = [split for split, then in record.pictures.items() if now.get(split) != then]
        if others:
            raise ResumeStateError(record.epoch, OTHER_PICTURES.format(splits=" and ".join(others)), PUT_BACK)

    def _begin_again(self) -> None:
        """Where no state was saved: earlier epochs, which will be trained anew, no longer count."""
        run = self._writer.folder
        if (after := rundir.next_epoch(run) - 1) > 0:
            raise ResumeStateError(after, DAMAGED)
        if (run / rundir.PREDICTIONS).exists():
            self._writer.event("resume", epoch=1)
            print("no state was saved to resume from: begins again with epoch 1")

    def _take_up(self, state: SavedState) -> None:
        self.first_epoch = state.record.epoch
        self._earlier_seconds = state.record.seconds
        record = state.for_observers
        for observer in self._observers:
            observer.restore(record)
        for callback, counters in zip(self._counting, record["counters"], strict=False):
            callback.restore(counters)

    def on_train_begin(self, logs: Any = None) -> None:
        """Look at the pictures that the state is going to be of."""
        self._pictures = fingerprints(self._data) if self._enabled else {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, unless that is not wanted, the last one was only just written, or no epoch follows."""
        start = time.perf_counter()
        if not self._enabled or epoch + 1 == self.params["epochs"] or start - self._last_save < SHARE * self._cost:
            return
        try:
            self._save(epoch + 1)
        except OSError as error:
            remove.trees(self._folder, rundir.DRAFT)
            self._writer.event("note", text=f"the state to resume from could not be saved: {error.strerror or error}")
        self._last_save = time.perf_counter()
        self._cost = self._last_save - start

    def keep(self, epoch: int) -> None:
        """Save the state after an epoch, and keep it in ``states/`` to branch from. Raises OSError."""
        if not self._enabled:
            return
        self._save(epoch)
        place, states = self._folder / f"epoch-{epoch:05d}", write.make_folder(self._folder.parent / rundir.STATES)
        draft = write.make_folder(states / f".{place.name}.{secrets.token_hex(8)}")
        for name in (STATE, *LINKED_FILES):
            write.link(place / name, draft / name)
        remove.tree(states / place.name)
        remove.move(draft, states / place.name)
        remove.trees(states, rundir.DRAFT)

    def _record(self, epoch: int) -> dict[str, Any]:
        record: dict[str, Any] = {"epoch": epoch, "seconds": self.seconds}
        for observer in self._observers:
            record |= observer.state()
        return record | {"counters": [callback.state() for callback in self._counting], "pictures": self._pictures}

    def _save(self, epoch: int) -> None:
        values = {f"v{number}": np.asarray(v) for number, v in enumerate(state_variables(self.model))}
        values[RECORD] = np.array(json.dumps(self._record(epoch)))
        place = self._folder / f"epoch-{epoch:05d}"
        draft = self._folder / f".{place.name}.{secrets.token_hex(8)}"
        write.make_folder(draft, below=self._folder.parent)
        with write.create(draft / STATE) as file:
            np.savez(file, **values)  # type: ignore[arg-type]
        for name in LINKED_FILES:
            write.link(self._folder.parent / name, draft / name)
        remove.tree(place)
        remove.move(draft, place)
        remove.trees(self._folder, rundir.DRAFT)
        remove.trees(self._folder, re.compile(rf"(?!{place.name}$){rundir.STATE_OF_EPOCH.pattern}"))


def state_variables(model: keras.Model) -> list[keras.Variable]:
    """Every variable that the next epoch depends on: weights, averages, seeds, the optimizer's."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables, *inner_optimizer(optimizer).variables]
    return list({id(variable): variable for variable in variables}.values())


def stored_precision(policy: str, run_dir: Path) -> str:
    """The policy to train in: in place of ``auto``, the one in which the run began.

    Another machine may mean another one by ``auto``, whose variables and whose rounding would not be those of the saved state.
    """
    first_policy = Environment.of(run_dir).precision
    return first_policy if policy == "auto" and first_policy in POLICIES else policy


def _spec(variable: keras.Variable) -> Spec:
    """What a variable's array on disk must be."""
    return tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype)


def drop(run_dir: Path) -> None:
    """Forget the state of a run that is done."""
    with contextlib.suppress(OSError):
        remove.tree(run_dir / rundir.RESUME)
