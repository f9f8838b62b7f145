"""Asking a run that trains for another learning rate, factor or patience, from its next epoch on; and taking that back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.files import remove
from dhc.runs import rundir
from dhc.runs.course import SETTINGS, WORDS, ChangeRequest, changeable, next_change
from dhc.runs.records import History
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store
from dhc.text import rate_text

NOT_TRAINING = "run {} is {}: only a network that trains can be changed, and a copy of it can have other settings"
BY_TIMETABLE = "{} cannot be changed in run {}: {} of ReduceLROnPlateau alone, and its schedule is {}; its learning rate can be changed"
LAST_EPOCH = "the last epoch of run {} is running: there is none after it that a change could hold for"
AT_MINIMUM = "the schedule lowers a rate of {} no further: its minimum is {}"


@dataclass(frozen=True)
class Holding:
    """What can be changed in a run, by the names of `SETTINGS`, with the values that hold now, and from which epoch on."""

    values: Mapping[str, float]
    from_epoch: int


def holding(info: RunInfo, history: History) -> Holding:
    """What holds in a run that trains, and the first epoch that a change can hold for. Raises RunError where none can be."""
    config = _config(info)
    names = changeable(config, info.course)
    if not names:
        raise RunError(f"run {info.id} compares pictures: it has no learning rate that could be changed")
    epoch = info.epochs_done + 1 if info.epochs_done or len(history.batches) else 0
    if info.state is not State.RUNNING:
        raise RunError(NOT_TRAINING.format(info.id, info.state.value))
    first = next_change(info.course, epoch)
    if first > config.fit.epochs:
        raise RunError(LAST_EPOCH.format(info.id))
    rate = config.optimizer.learning_rate if history.rate is None else history.rate
    own = {"learning_rate": rate} | {
        name: info.course.value(name, first, config.get(SETTINGS[name])) for name in names if name != "learning_rate"
    }
    return Holding(own, first)


def ask(runs_dir: Path, run_id: str, values: Mapping[str, float | str]) -> tuple[ChangeRequest, Holding]:
    """Ask for other values, by the names of `SETTINGS`; what is asked for already and not named stays asked for.

    Returns what is asked for now, and what holds until then. Raises RunError where it cannot be done, ConfigError for a value that
    the setting cannot take.
    """
    store = Store(runs_dir)
    info = store.run(run_id)
    held = holding(info, store.history(run_id))
    config = _config(info)
    if not values:
        raise RunError(f"nothing to change in run {run_id}: name a {' or a '.join(held.values)}".replace("_", " "))
    if idle := [name for name in values if name not in held.values]:
        raise RunError(_without_effect(info, config, idle))
    new = {name: checked(config, name, value) for name, value in values.items()}
    if all(np.float32(new[name]) == np.float32(held.values[name]) for name in new):
        words = ", ".join(f"{WORDS[name]} is {value:g}" for name, value in new.items())
        raise RunError(f"nothing to change in run {run_id}: its {words} already")
    request = ChangeRequest.model_validate({**waiting(info.folder).values, **new, "asked_at": time.time()})
    request.write(info.folder)
    return request, held


def waiting(folder: Path) -> ChangeRequest:
    """What a run is asked for and has not taken up yet; a request without values for nothing."""
    return ChangeRequest.of(folder)


def take_back(runs_dir: Path, run_id: str) -> None:
    """Ask for no change any more. Raises RunError when there is no such run."""
    remove.file(rundir.run_dir(runs_dir, run_id) / rundir.CHANGE)


def effect(config: RunConfig, request: Mapping[str, float]) -> str:
    """What a person may not expect of a change, in half a sentence; "" for nothing."""
    rate, least = request.get("learning_rate"), config.schedule.min_lr
    if rate is None or rate > least or not config.uses("schedule.min_lr"):
        return ""
    return AT_MINIMUM.format(rate_text(rate), rate_text(least))


def _config(info: RunInfo) -> RunConfig:
    if info.search is not None:
        raise RunError(f"run {info.id} searches for a learning rate: there is nothing to change in it")
    if info.config is None:
        raise RunError(f"run {info.id} cannot be changed: {info.problem}")
    return info.config


def _without_effect(info: RunInfo, config: RunConfig, names: list[str]) -> str:
    words = " and ".join(names)
    schedule = config.schedule.name if config.schedule.name != "plateau" else "held since it branched off"
    return BY_TIMETABLE.format(words, info.id, "it is" if len(names) == 1 else "they are", schedule)


def checked(config: RunConfig, name: str, value: float | str) -> float:
    """The value as a number that the setting can take. Raises ConfigError."""
    free = {"schedule.min_lr": 0.0}  # a person may go below the schedule's minimum
    number: float = config.with_values(free | {SETTINGS[name]: value}).get(SETTINGS[name])
    return number
