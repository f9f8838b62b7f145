"""Resuming a run exactly where it was: its state, saved between epochs. Imports Keras.

``resume/epoch-00007/`` holds ``state.npz`` (weights, moving averages, seeds, the optimizer's moments and step, the learning
rate, the counters of the schedule and of early stopping) and hard links to the best network and the predictions of that
moment. A state is written beside the earlier one and renamed into place, so that there is a whole one at any time. Those that a
run may be branched from are linked into ``states/`` (`dhc.training.keep`), and stay when it has finished.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.files import remove, write
from dhc.files.folder import is_real_folder
from dhc.models.build import inner_optimizer
from dhc.runs import rundir
from dhc.runs.budget import VARIABLE
from dhc.runs.contract import Environment
from dhc.runs.course import Course
from dhc.runs.rundir import RunWriter
from dhc.runs.states import RECORD, STATE, Record, SavedState, Spec
from dhc.training.junction import best_state, branch_at, open_schedule, restore_counters, take_weights
from dhc.training.keep import is_one_of_every, keep_state
from dhc.training.outcomes import ResumeStateError
from dhc.training.patience import Counting
from dhc.training.pictures import fingerprints
from dhc.training.state import is_seed, newest
from dhc.training.stopping import is_to_end_with_epoch
from dhc.training.telemetry import optimizer_rate

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

    Whatever it takes, it is saved after the epoch with which the run ends and, where `every` is not 0, after every so many. Those, and
    the best epoch's if it was saved, are kept to branch from.

    `restore` goes on from the last one, with `first_epoch` (from 0). Stands behind the callbacks whose states it saves: those
    of `observers` are one record, in which each finds its own keys; those of `counting` are a list in it.
    """

    def __init__(
        self,
        writer: RunWriter,
        data: RunData,
        observers: Sequence[Stateful],
        counting: Sequence[Counting],
        *,
        config: RunConfig,
        best_epoch: Callable[[], int],
    ) -> None:
        super().__init__()
        self._writer, self._folder = writer, writer.folder / rundir.RESUME
        self._data, self._config, self._epochs = data, config, config.fit.epochs
        self._observers, self._counting, self._best_epoch = observers, counting, best_epoch
        self._course = Course.of(writer.folder)
        self._enabled, self._said_no_room = config.fit.keep_resume_state, False
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
        junction = self._course.branches[-1].epoch if self._course.branches else None
        specs = [_spec(variable) for variable in variables]
        state = newest(self._folder, self._epochs, specs, junction)
        state = self._best_network() if state is None else state
        if state is None:
            self._begin_again()
            return
        self._compare_val(state)
        self._compare_pictures(state.record)
        if state.values is None:
            take_weights(model, state.place, self._config, len(self._data.classes), state.record.epoch)
        else:
            _assign(variables, state.values)
        for name in LINKED_FILES:
            write.link(state.place / name, self._folder.parent / name)
        self._take_up(state, model)
        self._writer.event("resume", epoch=self.first_epoch + 1)
        print(f"goes on with epoch {self.first_epoch + 1}")

    def _best_network(self) -> SavedState | None:
        """The best network that the run is to go on from, where it has saved no state of its own yet."""
        branch = self._course.branches[-1] if self._course.branches else None
        if branch is None or branch.network != "best" or branch.epoch >= self._epochs:
            return None
        place = self._folder / f"epoch-{branch.epoch:05d}"
        return best_state(place, branch.epoch, self._epochs) if is_real_folder(place) else None

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

    def _take_up(self, state: SavedState, model: keras.Model) -> None:
        self.first_epoch = state.record.epoch
        self._earlier_seconds = state.record.seconds
        record = state.for_observers
        for observer in self._observers:
            observer.restore(record)
        branch = branch_at(self._course, self.first_epoch)
        for callback in self._counting:
            restore_counters(callback, record["counters"], branch)
        if branch is not None:
            open_schedule(self._config, self._course, branch, state.record, model)

    def on_train_begin(self, logs: Any = None) -> None:
        """Look at the pictures that the state is going to be of."""
        self._pictures = fingerprints(self._data) if self._enabled else {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, unless that is not wanted, or the last one was only just written and this one can be done without."""
        is_last, is_due = self._ends_with(epoch + 1), time.perf_counter() - self._last_save >= SHARE * self._cost
        is_one = is_one_of_every(epoch + 1, self._config.fit.keep_states_every)
        if is_last or is_one or is_due:
            self.save_state(epoch + 1, keep="always" if is_last else "with room" if is_one else "if best")

    def save_state(self, epoch: int, *, keep: Literal["always", "with room", "if best"]) -> None:
        """Save the state after an epoch, from 1, if states are wanted; `keep` says when it stays to be branched from.

        ``with room``: if the budget of all states has some. The best epoch's is kept anyway. Where it cannot be saved the run goes on,
        with a note.
        """
        if not self._enabled:
            return
        start, run = time.perf_counter(), self._folder.parent
        try:
            self._save(epoch)
            self._keep(epoch, keep)
        except OSError as error:
            remove.trees(self._folder, rundir.DRAFT)
            remove.trees(run / rundir.STATES, rundir.DRAFT)
            self._writer.event("note", text=f"the state to resume from could not be saved: {error.strerror or error}")
        self._last_save = time.perf_counter()
        self._cost = self._last_save - start

    def keep(self, epoch: int) -> None:
        """Save the state after an epoch, if states are wanted, and keep it to branch from. Raises OSError."""
        if self._enabled:
            self._save(epoch)
            self._keep(epoch, "always")

    def _keep(self, epoch: int, keep: str) -> None:
        best, every = self._best_epoch(), self._config.fit.keep_states_every
        if keep == "if best" and best != epoch:
            return
        is_kept = keep_state(self._folder.parent, epoch, best, every, spare=keep == "with room" and best != epoch)
        if not (is_kept or self._said_no_room):
            self._said_no_room = True
            text = f"the states of every {every} epochs are no longer kept: those of all runs have used up their room ({VARIABLE})"
            self._writer.event("note", text=text)

    def _ends_with(self, epoch: int) -> bool:
        asked = is_to_end_with_epoch(self._folder.parent)
        return epoch == self.params["epochs"] or bool(self.model.stop_training) or asked

    def _record(self, epoch: int) -> dict[str, Any]:
        next_rate = optimizer_rate(self.model)
        record: dict[str, Any] = {"epoch": epoch, "seconds": self.seconds, "next_rate": next_rate}
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
        self._writer.require()
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


def _assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Give the variables their values; where these lack what random layers draw by, that stays as it was made."""
    if len(values) < len(variables):
        variables = [variable for variable in variables if not is_seed(_spec(variable))]
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def drop(run_dir: Path) -> None:
    """Forget the state to resume from of a run that is done; those to branch from stay."""
    with contextlib.suppress(OSError):
        remove.tree(run_dir / rundir.RESUME)
