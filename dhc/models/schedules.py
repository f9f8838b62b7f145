"""The learning rate by epoch, for both the drawing before launch and the training itself.
Schedules that only depend on the epoch are closed forms. The plateau schedule depends on what happens; before launch it is
drawn for the worst case, a monitored value that never gets better, which shows its floor and its earliest drops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np

from dhc.config import RunConfig

BY_LENGTH = ("cosine",)  # schedules whose every rate depends on how many epochs there are
HIGHEST = 10.0  # that a learning rate can be set to; a state whose rate is higher is none of ours


@dataclass(frozen=True)
class PlannedRates:
    """`rates[e]` is the learning rate of epoch e + 1; `note` says under which assumption."""

    rates: tuple[float, ...]
    note: str


def planned_rates(config: RunConfig) -> PlannedRates:
    """The learning rate of each epoch, as far as it is known before training."""
    schedule, epochs = config.schedule, config.fit.epochs
    if schedule.name == "plateau":
        first = config.optimizer.learning_rate
        rates = tuple(plateau_rates(first, schedule.factor, schedule.patience, schedule.min_lr, epochs))
    else:
        rates = tuple(rate_of_epoch(config, epoch) for epoch in range(epochs))
    return PlannedRates(rates, _note(config))


def rate_of_epoch(config: RunConfig, epoch: int) -> float:
    """The learning rate of an epoch (from 0) under a schedule that depends on nothing else.

    exponential  first · decay_rate^e, never below min_lr
    warmup       first · (e + 1) / (w + 1) for the first w = warmup_epochs epochs, then exponential from there on
    cosine       the same rise, then min_lr + (first - min_lr) · (1 + cos(π t)) / 2 with t running from 0 to almost 1 over the
                 epochs that are left (Loshchilov and Hutter, 2017)
    """
    schedule, first = config.schedule, config.optimizer.learning_rate
    warm = schedule.warmup_epochs if schedule.name in ("warmup", "cosine") else 0
    if epoch < warm:
        return first * (epoch + 1) / (warm + 1)
    match schedule.name:
        case "exponential" | "warmup":
            return max(schedule.min_lr, first * schedule.decay_rate ** (epoch - warm))
        case "cosine":
            t = (epoch - warm) / max(1, config.fit.epochs - warm)
            return schedule.min_lr + (first - schedule.min_lr) * 0.5 * (1 + math.cos(math.pi * t))
        case _:
            return first


def changed_rate(
    timetable: Callable[[int], float], change: tuple[int, float] | None, epoch: int, min_lr: float
) -> float:
    """The rate of an epoch (from 0) by a timetable whose rate was set by hand last at an epoch, to a rate; None for never.

    From there on each rate is the timetable's times what was set over what the timetable had: ``set 3e-4 where it had 1e-3``
    leaves 0.3 of every later one. It goes no lower than min_lr, or than what was set where that is lower still, and no higher than
    HIGHEST: set during a warm-up, it could.
    """
    if change is None:
        return timetable(epoch)
    at, rate = change
    planned = timetable(at)
    if epoch == at or planned <= 0:
        return rate
    return min(HIGHEST, max(min(min_lr, rate), timetable(epoch) * rate / planned))


def plateau_rates(first: float, factor: float, patience: int, min_lr: float, epochs: int) -> list[float]:
    """ReduceLROnPlateau's rates when the monitored value is never better than in epoch 1.
    Epoch 1 sets the best value; the rate drops after `patience` further epochs, hence from epoch ``patience + 2`` on.
    """
    rates = []
    for epoch in range(epochs):
        drops = max(0, epoch - 1) // patience
        rates.append(max(min_lr, first * factor**drops))
    return rates


def shortest_rate(rate: SupportsFloat) -> float:
    """The shortest number that is the same in float32, which the optimizer has: 0.001, not 0.0010000000474974513."""
    return float(str(np.float32(float(rate))))


def _note(config: RunConfig) -> str:
    schedule = config.schedule
    match schedule.name:
        case "plateau":
            return (
                f"Shown for the worst case: {schedule.monitor} never gets better, so the rate drops every "
                f"{'epoch' if schedule.patience == 1 else f'{schedule.patience} epochs'}. Each better epoch delays the next drop."
            )
        case "exponential":
            return f"Each epoch's rate is {schedule.decay_rate:g} times the one before."
        case "warmup":
            return f"{_rise(schedule.warmup_epochs)}each rate is {schedule.decay_rate:g} times the one before."
        case "cosine":
            return f"{_rise(schedule.warmup_epochs)}the rate falls along half a cosine."
        case _:
            return "The learning rate never changes."


def _rise(epochs: int) -> str:
    return f"Rises for {_epochs(epochs)}, then " if epochs else "From the first epoch on, "


def _epochs(count: int) -> str:
    return "1 epoch" if count == 1 else f"{count} epochs"
