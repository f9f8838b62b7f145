"""Learning rate, factor and patience as a person changes them while the network trains. Imports Keras."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import keras

from dhc.config import RunConfig
from dhc.errors import sentence
from dhc.files import remove
from dhc.files.read import read_regular, reason
from dhc.models.schedules import changed_rate
from dhc.runs import rundir
from dhc.runs.course import SETTINGS, Change, ChangeRequest, Course, change_text, changeable, next_change
from dhc.runs.rundir import RunWriter
from dhc.training.patience import Plateau
from dhc.training.telemetry import LearningRate, optimizer_rate

UNDONE = "the change that was asked for was not made: {}"
DAMAGED = f"{rundir.COURSE} cannot be read whole: what it does not say of changes and branches does not count"
TOO_LATE = UNDONE.format("no further epoch began")


class RequestError(Exception):
    """A request for a change that cannot be made; says why, in half a sentence."""


class Changes(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes at the start of an epoch the change that is asked for, and those of ``course.json`` that hold from it on.

    What holds is worked out of ``course.json`` alone, at every epoch, so a run that was resumed makes each change again where it
    was made. A request is carried out in steps of which each may be the last: the state is kept (`keep`, which may raise
    OSError), the change is written to ``course.json``, the request is removed. A request that stands there already, by the time
    at which it was asked for, is only removed. What cannot be made is removed with a note: nothing here ends a run.
    `plateau` and `learning_rate` are the callbacks that go on from a change; `timetable` is the rate of an epoch (from 0) as
    planned, None where the rate is not planned by the epoch.
    """

    def __init__(
        self,
        writer: RunWriter,
        config: RunConfig,
        keep: Callable[[int], object],
        *,
        plateau: Plateau | None,
        learning_rate: LearningRate,
        timetable: Callable[[int], float] | None,
    ) -> None:
        super().__init__()
        self._writer, self._folder = writer, writer.folder
        self._config, self._keep = config, keep
        self._plateau, self._learning_rate, self._timetable = plateau, learning_rate, timetable
        self._course = Course.of(writer.folder)
        self._said = ""

    def on_train_begin(self, logs: Any = None) -> None:
        """Say where the course could not be read: what was changed before would silently hold no more."""
        if Course.is_damaged(self._folder):
            self._say(DAMAGED)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take up a request, then make what is to be changed for this epoch."""
        if os.path.lexists(self._folder / rundir.CHANGE):
            self._take_up(epoch + 1)
        self._make(epoch + 1)

    def on_train_end(self, logs: Any = None) -> None:
        """Say of a request that came after the last epoch's start that nothing will come of it."""
        if os.path.lexists(self._folder / rundir.CHANGE):
            self._say(TOO_LATE)
            self._remove_request()

    def rate_of_epoch(self, epoch: int) -> float:
        """The rate of an epoch (from 0) by the timetable and the changes so far."""
        return self._rate(epoch, epoch + 1)

    def _take_up(self, epoch: int) -> None:
        """Carry out the request for an epoch (from 1), or leave it for a later one that it must wait for."""
        try:
            request = _read(self._folder, changeable(self._config, self._course))
        except RequestError as error:
            self._say(UNDONE.format(error))
            self._remove_request()
            return
        is_written = any(_is_of(change, request, epoch) for change in self._course.changes)
        if not is_written and epoch >= next_change(self._course, epoch - 1):
            is_written = self._write(epoch, request)
        if is_written and ChangeRequest.read(self._folder) in (request, None):  # not one that was asked for meanwhile
            self._remove_request()

    def _write(self, epoch: int, request: ChangeRequest) -> bool:
        """Keep the state and write the change down; False where that failed, and it waits for the next epoch."""
        try:
            if epoch > 1:
                self._keep(epoch - 1)
        except OSError as error:
            self._say(f"the state before the change could not be kept: {sentence(error)}")
        change = Change(epoch=epoch, **request.model_dump(exclude_unset=True))
        try:
            Course.change(self._folder, changes=[*self._course.changes, change])
        except OSError as error:
            self._say(f"the change that was asked for waits: {rundir.COURSE} cannot be written ({sentence(error)})")
            return False
        self._course = self._course.model_copy(update={"changes": [*self._course.changes, change]})
        return True

    def _make(self, epoch: int) -> None:
        """Set what holds in an epoch (from 1), with an event where that begins with it."""
        new = self._course.values_from(epoch)
        steps = {name: (self._before(name, epoch), value) for name, value in new.items()}
        if "learning_rate" in new and self._timetable is None:
            self.model.optimizer.learning_rate = new["learning_rate"]
            self._learning_rate.rate = optimizer_rate(self.model)  # this is no drop of the schedule's
        if self._plateau is not None:
            self._plateau.factor = self._holds("factor", epoch)
            self._plateau.patience = self._holds("patience", epoch)
        if steps:
            self._writer.event("change", epoch=epoch, **steps)
            print(f"from epoch {epoch} on, as asked for: {change_text(steps)}")

    def _before(self, name: str, epoch: int) -> Any:
        """What an epoch (from 1) would have without the changes that begin with it."""
        if name != "learning_rate":
            return self._holds(name, epoch - 1)
        return optimizer_rate(self.model) if self._timetable is None else self._rate(epoch - 1, epoch - 1)

    def _holds(self, name: str, epoch: int) -> Any:
        return self._course.value(name, epoch, self._config.get(SETTINGS[name]))

    def _rate(self, epoch: int, last_change: int) -> float:
        """The rate of an epoch (from 0) by the timetable and the changes up to an epoch (from 1)."""
        assert self._timetable is not None
        change = self._course.sets("learning_rate", last_change)
        made = None if change is None else (change.epoch - 1, change.values["learning_rate"])
        return changed_rate(self._timetable, made, epoch, self._config.schedule.min_lr)

    def _say(self, text: str) -> None:
        """Write a note, once however often the reason comes up again."""
        if text != self._said:
            self._writer.event("note", text=text)
            self._said = text

    def _remove_request(self) -> None:
        with contextlib.suppress(OSError):  # a request that stays is known by its time, what is no request by its note
            remove.file(self._folder / rundir.CHANGE)


def _is_of(change: Change, request: ChangeRequest, epoch: int) -> bool:
    """Whether a change was made by a request, which was left over where the process was killed in between.

    One that somebody wrote by hand has no time to be known by: it is its values that an epoch (from 1) or a later one gets anyway.
    """
    if change.asked_at != request.asked_at:
        return False
    return request.asked_at is not None or (change.epoch >= epoch and change.values == request.values)


def _read(folder: Path, good: Collection[str]) -> ChangeRequest:
    """The request for a change of some of `good`. Raises RequestError for one that cannot be carried out."""
    try:
        value = rundir.parse(read_regular(folder / rundir.CHANGE, ChangeRequest.LIMIT))
    except OSError as error:
        raise RequestError(f"{rundir.CHANGE} cannot be read, {reason(error)}") from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RequestError(f"{rundir.CHANGE} holds no JSON object")
    request, wrong = ChangeRequest.sift(value)
    if wrong:
        raise RequestError(f"{' and '.join(wrong)} in {rundir.CHANGE} cannot be true")
    if idle := [name for name in request.values if name not in good]:
        raise RequestError(f"{' and '.join(idle)} has no effect in this run")
    if not request.values:
        raise RequestError(f"{rundir.CHANGE} names nothing to change")
    return request
