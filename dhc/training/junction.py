"""What happens where a run goes on from another: the rate and the counters it begins with, the best network taken up. Imports Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files.archive import DamagedError
from dhc.models.junction import Standing, opening_rate
from dhc.predict.network import load_network
from dhc.runs import rundir
from dhc.runs.course import Branch, Course
from dhc.runs.events import EventLog
from dhc.runs.states import Record, SavedState, read_beside
from dhc.training.outcomes import ResumeStateError
from dhc.training.patience import Counting, Plateau

RATE = "optimizer.learning_rate"


def branch_at(course: Course, epoch: int) -> Branch | None:
    """The branch at which a run of that course begins when it goes on after the epoch; None where it has trained since."""
    return course.branches[-1] if course.branches and course.branches[-1].epoch == epoch else None


def open_schedule(config: RunConfig, course: Course, branch: Branch, record: Record, model: keras.Model) -> None:
    """Set the rate that the first epoch after a branch runs at, where the state's own is not it."""
    is_new = RATE in branch.before
    standing = Standing(**record.standing(Course(branches=course.branches[:-1], changes=course.changes))).with_changes(
        branch.before
    )
    goes_on = branch.schedule == "continue" and branch.network == "state" and not is_new
    if not goes_on:
        model.optimizer.learning_rate = opening_rate(config, standing, branch.schedule, new_rate=is_new)


def restore_counters(callback: Counting, saved: Sequence[Mapping[str, Any]], branch: Branch | None) -> None:
    """Give a callback its own of the counters that were saved, as far as they hold after a branch."""
    counters = callback.own(saved)
    if branch is not None and branch.schedule == "restart":
        counters = {name: counters[name] for name in ("best", "best_epoch") if name in counters}
    if isinstance(callback, Plateau) and branch is not None:
        other = {"schedule.name", "schedule.monitor"} & branch.before.keys()  # whose best would not compare
        counters = {} if other or branch.schedule == "restart" else counters
    callback.restore(counters)


def best_state(place: Path, epoch: int, epochs: int) -> SavedState:
    """The best network in ``resume/epoch-…`` and what the observers would have saved then, by the run's events.

    It has no values: those of the variables are in the network. Raises ResumeStateError.
    """
    log = EventLog(place.parents[1] / rundir.EVENTS, batches=False)
    log.refresh()
    rows = log.history().epochs.head(epoch)
    try:
        if rows["epoch"].tolist() != list(range(1, epoch + 1)):
            raise DamagedError("lacks epochs")
        predictions = read_beside(place, epoch, epoch, epochs)
        record = Record(
            epoch=epoch,
            seconds=float(np.nansum(rows["seconds"])),
            best=float((predictions.predicted == predictions.y_true).mean()),
            best_epoch=epoch,
            speeds=rows["pictures_per_second"].tolist(),
            curve=rows["val_accuracy"].tolist(),
            rate=float(rows["learning_rate"].iloc[-1]),
            counters=[],
        )
    except (DamagedError, OSError, ValueError):
        raise ResumeStateError(epoch, "cannot be read, because its files are damaged or were edited") from None
    return SavedState(place, record, None, predictions)


def take_weights(model: keras.Model, place: Path, config: RunConfig, classes: int, epoch: int) -> None:
    """Put the weights of the best network in a folder into a model that trains. Raises ResumeStateError."""
    policy = keras.config.dtype_policy()
    try:
        network = load_network(place, config, classes)
    except RunError as error:
        raise ResumeStateError(epoch, f"has a best network that cannot be used ({error})") from None
    finally:
        keras.config.set_dtype_policy(policy)
    ours, theirs = model.weights, network.weights
    if [tuple(variable.shape) for variable in ours] != [tuple(variable.shape) for variable in theirs]:
        raise ResumeStateError(epoch, "has a best network of other sizes")
    for variable, other in zip(ours, theirs, strict=True):
        variable.assign(keras.ops.convert_to_numpy(other))
