"""The learning rate behind a junction, where a run goes on from an epoch of another: for training and for drawing it before.

A person chooses what the schedule does there. ``continue`` goes on with rate and counters as they stood, or by the timetable of
the longer run; ``hold`` keeps the rate; ``restart`` begins the schedule anew. A rate that is set at the junction itself holds from
the next epoch on; a timetable counts with it from its beginning.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from dhc.config import RunConfig
from dhc.models.schedules import PlannedRates, changed_rate, plateau_rates, rate_of_epoch

Choice = Literal["continue", "hold", "restart"]


@dataclass(frozen=True)
class Standing:
    """How a run's schedule stood after an epoch.

    epoch      the last one that is taken over, from 1
    rate       the learning rate of that epoch
    next_rate  the one that the next epoch would have had: a lower one where the plateau had just dropped it
    wait       epochs that the plateau had waited for a better figure; None where it counts from nothing
    beginning  the epoch after which its timetable began: 0, or that of an earlier restart
    held       whether an earlier junction held the rate, and nothing has set the schedule since
    idle       epochs that early stopping had waited for a better val_accuracy
    change     the epoch, from 0, at which its timetable was set by hand last, and to which rate; None for never
    """

    epoch: int
    rate: float
    next_rate: float
    wait: int | None = None
    beginning: int = 0
    held: bool = False
    idle: int = 0
    change: tuple[int, float] | None = None

    def with_changes(self, names: Collection[str]) -> Standing:
        """How it stands where settings of those names change: another monitored value has another best, a set schedule is not held."""
        is_other = not {"schedule.name", "schedule.monitor"}.isdisjoint(names)
        is_set = any(name.startswith("schedule.") for name in names)
        return replace(self, wait=None if is_other else self.wait, held=self.held and not is_set)


def rates_after(config: RunConfig, standing: Standing, choice: Choice, *, new_rate: bool = False) -> PlannedRates:
    """The rates of the epochs after the junction, up to the config's last, and a sentence that says what they do.

    `config` is what holds from the junction on; `new_rate` says whether its learning rate was set there. Of a plateau the worst
    case is drawn, as `planned_rates` does.
    """
    epochs = config.fit.epochs - standing.epoch
    first = opening_rate(config, standing, choice, new_rate=new_rate)
    schedule = config.schedule
    if holds(standing, choice):
        rates = [first] * epochs
    elif schedule.name != "plateau":
        epochs_left = range(standing.epoch, config.fit.epochs)
        rates = [_planned_rate(config, standing, choice, epoch, new_rate=new_rate) for epoch in epochs_left]
    elif choice == "restart" or standing.wait is None:
        rates = plateau_rates(first, schedule.factor, schedule.patience, schedule.min_lr, epochs)
    else:
        rates = _dropping(first, schedule.factor, schedule.patience, schedule.min_lr, epochs, standing.wait)
    words = (_sentence(config, standing, choice, rates), _patience_sentence(config, standing, choice))
    return PlannedRates(tuple(rates), " ".join(filter(None, words)))


def timetable_rate(config: RunConfig, epoch: int, beginning: int = 0) -> float:
    """`rate_of_epoch` (from 0) of a timetable that began after so many epochs, and ends with the config's last."""
    if not beginning:
        return rate_of_epoch(config, epoch)
    left = config.with_values({"fit.epochs": max(1, config.fit.epochs - beginning)})
    return rate_of_epoch(left, epoch - beginning)


def opening_rate(config: RunConfig, standing: Standing, choice: Choice, *, new_rate: bool = False) -> float:
    """The rate of the first epoch after the junction."""
    if holds(standing, choice):
        return config.optimizer.learning_rate if new_rate else standing.rate
    if config.schedule.name == "plateau":
        return config.optimizer.learning_rate if new_rate or choice == "restart" else standing.next_rate
    return _planned_rate(config, standing, choice, standing.epoch, new_rate=new_rate)


def holds(standing: Standing, choice: Choice) -> bool:
    """Whether the rate never changes after the junction: held there, or held before and gone on with."""
    return choice == "hold" or (choice == "continue" and standing.held)


def _planned_rate(config: RunConfig, standing: Standing, choice: Choice, epoch: int, *, new_rate: bool) -> float:
    """The rate of an epoch (from 0) by timetable, as it was set by hand before the junction where that still counts."""
    beginning = standing.epoch if choice == "restart" else standing.beginning
    change = None if choice == "restart" or new_rate else standing.change
    return changed_rate(lambda e: timetable_rate(config, e, beginning), change, epoch, config.schedule.min_lr)


def _dropping(first: float, factor: float, patience: int, min_lr: float, epochs: int, wait: int) -> list[float]:
    """ReduceLROnPlateau's rates when it has waited for so many epochs already, and no figure is better any more."""
    rates = []
    for _ in range(epochs):
        rates.append(first)
        wait += 1
        if wait >= patience and first > min_lr:
            first, wait = max(first * factor, min_lr), 0
    return rates


def _sentence(config: RunConfig, standing: Standing, choice: Choice, rates: list[float]) -> str:
    if not rates:
        return "No epoch is left to train."
    first, name = f"{rates[0]:.3g}", config.schedule.name
    if holds(standing, choice):
        return f"The rate stays at {first} to the end."
    if name == "plateau":
        return _plateau_sentence(config, standing, choice, rates)
    if name == "constant":
        return f"The rate is {first} to the end{_jump(standing, rates[0])}."
    path = f"{first} in epoch {standing.epoch + 1} to {rates[-1]:.3g} in epoch {config.fit.epochs}"
    if choice == "restart":
        return f"The schedule begins anew: from {path}{_jump(standing, rates[0])}."
    whole = config.fit.epochs - standing.beginning
    return f"The schedule goes on as that of a run of {whole} epochs: from {path}{_jump(standing, rates[0])}."


def _plateau_sentence(config: RunConfig, standing: Standing, choice: Choice, rates: list[float]) -> str:
    schedule, first = config.schedule, f"{rates[0]:.3g}"
    drop = next((place for place, rate in enumerate(rates) if rate < rates[0]), None)
    end = f"epoch {config.fit.epochs}"
    if drop is None:
        outlook = f"even if {schedule.monitor} never gets better, it does not drop by {end}"
    else:
        at = standing.epoch + 1 + drop
        outlook = f"if {schedule.monitor} never gets better, it first drops to {rates[drop]:.3g} in epoch {at}"
    if choice == "restart":
        return f"The rate begins anew at {first} and the plateau counts from nothing: {outlook}."
    counted = (
        "counts from nothing" if standing.wait is None else f"has waited {standing.wait} of {schedule.patience} epochs"
    )
    return f"The rate goes on at {first} and the plateau {counted}: {outlook}."


def _patience_sentence(config: RunConfig, standing: Standing, choice: Choice) -> str:
    """What early stopping will do, where it is on."""
    patience = config.fit.early_stopping
    if not patience:
        return ""
    if choice == "restart" or not standing.idle:
        return f"Early stopping counts its {patience} epochs from nothing."
    if standing.idle >= patience - 1:
        return f"Early stopping has waited {standing.idle} of {patience} epochs: the first epoch that is not better is the last."
    return f"Early stopping has waited {standing.idle} of {patience} epochs."


def _jump(standing: Standing, first: float) -> str:
    """What to say of a first rate that is above the last one."""
    if first <= standing.rate or math.isclose(first, standing.rate, rel_tol=1e-3):
        return ""
    return f", above the {standing.rate:.3g} of epoch {standing.epoch}"
