"""The learning rate by epoch, from one function for both the drawing before launch and the training itself.

Schedules that only depend on the epoch are closed forms. The plateau schedule depends on what happens; before launch it is
drawn for the worst case, a val_accuracy that never gets better, which shows its floor and its earliest drops.
"""

from __future__ import annotations

from dataclasses import dataclass

from dhc.config import RunConfig


@dataclass(frozen=True)
class PlannedRates:
    """`rates[e]` is the learning rate of epoch e + 1; `note` says under which assumption."""

    rates: tuple[float, ...]
    note: str


def planned_rates(config: RunConfig) -> PlannedRates:
    """The learning rate of each epoch, as far as it is known before training."""
    epochs, first = config.fit.epochs, config.optimizer.learning_rate
    if config.schedule.name == "constant":
        return PlannedRates((first,) * epochs, "The learning rate never changes.")
    schedule = config.schedule
    rates = tuple(plateau_rates(first, schedule.factor, schedule.patience, schedule.min_lr, epochs))
    return PlannedRates(
        rates,
        f"Shown for the worst case: val_accuracy never gets better, so the rate drops every {schedule.patience} "
        "epochs. Each better epoch delays the next drop.",
    )


def plateau_rates(first: float, factor: float, patience: int, min_lr: float, epochs: int) -> list[float]:
    """ReduceLROnPlateau's rates when the monitored value is best in epoch 1 and never better again.

    Epoch 1 sets the best value; the rate drops after `patience` further epochs, hence from epoch ``patience + 2`` on.
    """
    rates = []
    for epoch in range(epochs):
        drops = max(0, epoch - 1) // patience
        rates.append(max(min_lr, first * factor**drops))
    return rates
