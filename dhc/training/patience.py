"""Keras's callbacks that wait for better epochs, made to survive a resume. Imports Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from dhc.config import RunConfig


class Counting(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives a callback of Keras's a `state`, and restores it once Keras has reset the callback."""

    COUNTERS: ClassVar[tuple[str, ...]]  # the attributes on which the next epoch depends

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._counters: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """The counters by name, as JSON has them."""
        return {name: _plain(getattr(self, name)) for name in self.COUNTERS}

    def own(self, saved: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Its own among the counters that were saved; none where there were none of its kind."""
        return next((counters for counters in saved if self.COUNTERS[-1] in counters), {})

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the counters back to `state` when the training begins."""
        self._counters = {name: state[name] for name in self.COUNTERS if name in state}

    def on_train_begin(self, logs: Any = None) -> None:
        """Keras starts from nothing here."""
        super().on_train_begin(logs)
        for name, value in self._counters.items():
            setattr(self, name, value)


class Plateau(Counting, keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Multiplies the learning rate by a factor after `patience` epochs without a better figure."""

    COUNTERS = ("best", "wait", "cooldown_counter")


class EarlyStopping(Counting, keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Ends the training after `patience` epochs without a better val_accuracy."""

    COUNTERS = ("best", "wait", "best_epoch")


def plateau(config: RunConfig) -> Plateau | None:
    """The schedule ``plateau`` as the config sets it; None for another schedule."""
    schedule = config.schedule
    if schedule.name != "plateau":
        return None
    return Plateau(
        monitor=schedule.monitor,
        mode="max" if schedule.monitor == "val_accuracy" else "min",
        factor=schedule.factor,
        patience=schedule.patience,
        min_delta=schedule.min_delta,
        min_lr=schedule.min_lr,
    )


def early_stopping(config: RunConfig) -> EarlyStopping | None:
    """Early stopping as the config sets it; None where its patience is 0."""
    patience = config.fit.early_stopping
    return EarlyStopping("val_accuracy", mode="max", patience=patience) if patience else None


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
