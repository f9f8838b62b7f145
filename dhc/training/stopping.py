"""Ending a training on request: a person's, or the median rule's. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from dhc.runs import rundir
from dhc.training.median import MedianRule
from dhc.training.outcomes import StopRequested
from dhc.training.telemetry import Curve
from dhc.training.throughput import Clock

CHECK_SECONDS = 0.1  # between two checks for a stop request


def is_to_end_with_epoch(folder: Path) -> bool:
    """Whether a person asked the run to stop with the epoch that runs, or its machine is wanted back."""
    return any((folder / name).exists() for name in (rundir.STOP_AFTER_EPOCH, rundir.LEAVE))


class StopOnRequest(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises StopRequested at the next batch, of training or of val, once `requested` says so."""

    def __init__(self, requested: Callable[[], bool]) -> None:
        super().__init__()
        self._requested = requested
        self._clock = Clock()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check, at most every `CHECK_SECONDS`."""
        self._check()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check, at most every `CHECK_SECONDS`."""
        self._check()

    def _check(self) -> None:
        if self._clock.due(CHECK_SECONDS) and self._requested():
            raise StopRequested


class StopAfterEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises StopRequested behind the epoch that runs, all of it written and saved, once `requested` says so."""

    def __init__(self, requested: Callable[[], bool]) -> None:
        super().__init__()
        self._requested = requested

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look, except after the last epoch, with which the run has finished."""
        if epoch + 1 < self.params["epochs"] and self._requested():
            raise StopRequested(f"stopped after epoch {epoch + 1}, on request")


class StopHopeless(keras.callbacks.Callback):  # type: ignore[misc]
    """Asks the median rule, after each epoch but the last, whether the run is hopeless."""

    def __init__(self, rule: MedianRule, curve: Curve) -> None:
        super().__init__()
        self._rule, self._curve = rule, curve

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Raise StopRequested where the rule says so."""
        if epoch + 1 < self.params["epochs"]:
            self._rule.judge(self._curve.val_accuracy)
