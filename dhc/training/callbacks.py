"""Observers of a training: they judge each epoch on val, keep the best network, write events, obey stop requests.

In the order in which they stand in `observers`, each epoch's ``logs`` flow through them: `Validation` adds ``val_loss`` and
``val_accuracy``, `KeepBest` saves, Keras's ReduceLROnPlateau sets the learning rate, `Telemetry` writes all of it down.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.models.build import copy_weights
from dhc.runs import rundir
from dhc.runs.rundir import RunWriter
from dhc.training.outcomes import NonFiniteLossError, StopRequested
from dhc.training.results import cross_entropy, save_predictions
from dhc.training.throughput import Clock, IntervalMean, Pace

BATCH_EVENT_SECONDS = 0.3  # at most about three batch events a second
LOOK_SECONDS = 0.1  # how often a stop request is looked for
VAL_BATCH = 128


class Validation(keras.callbacks.Callback):  # type: ignore[misc]
    """Judges each epoch on val in one pass: val_loss, val_accuracy and every picture's predicted class.

    Takes the place of fit's ``validation_data``, which would cost a second pass for the predictions. What is judged is
    `network`, which gets the model's weights (averaged ones, if the optimizer keeps averages). `predictions` grows by one
    (N,) array an epoch; `probabilities` is the last epoch's (N, K) float32.
    """

    def __init__(self, network: keras.Model, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.network = network
        self._x, self._y = x, y
        self.predictions: list[np.ndarray] = []
        self.probabilities = np.empty((0, 0), np.float32)
        self.seconds = 0.0
        self.stop: StopOnRequest | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Predict val and put val_loss and val_accuracy into the logs."""
        start = time.perf_counter()
        also = [] if self.stop is None else [self.stop]
        copy_weights(self.model, self.network)
        p = np.asarray(self.network.predict(self._x, batch_size=VAL_BATCH, verbose=0, callbacks=also), np.float32)
        self.probabilities = p
        self.predictions.append(p.argmax(axis=1).astype(np.uint16))
        logs["val_loss"] = cross_entropy(self._y, p)
        logs["val_accuracy"] = float((self.predictions[-1] == self._y).mean())
        self.seconds = time.perf_counter() - start


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the network and val's predictions whenever val_accuracy is better than ever before; earlier wins ties."""

    def __init__(
        self, folder: Path, validation: Validation, ids: np.ndarray, y: np.ndarray, classes: tuple[str, ...]
    ) -> None:
        super().__init__()
        self._folder, self._validation = folder, validation
        self._fixed: dict[str, Any] = {"ids": ids, "y_true": y, "classes": classes}
        self._probabilities = np.empty((0, 0), np.float32)
        self.best = -math.inf
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Save where this epoch is the best; rewrite the predictions in any case."""
        logs["best"] = logs["val_accuracy"] > self.best
        if logs["best"]:
            self.best, self.best_epoch = logs["val_accuracy"], epoch + 1
            self._probabilities = self._validation.probabilities
            save_network(self._validation.network, self._folder / rundir.BEST)
        self._save_predictions()

    def take_up(self, best: float, best_epoch: int, probabilities: np.ndarray) -> None:
        """Go on from an earlier process's best."""
        self.best, self.best_epoch, self._probabilities = best, best_epoch, probabilities

    def _save_predictions(self) -> None:
        save_predictions(
            self._folder,
            y_pred=self._validation.predictions,
            best_epoch=self.best_epoch,
            probabilities=self._probabilities,
            **self._fixed,
        )


class Telemetry(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes batch, epoch, learning-rate and checkpoint events, and one line an epoch to the log."""

    def __init__(
        self,
        writer: RunWriter,
        pictures: int,
        batch_size: int,
        epochs: int,
        validation: Validation,
        *,
        tell_drops: bool = True,
    ) -> None:
        super().__init__()
        self._tell_drops, self.rate = tell_drops, math.nan  # the rate of the epoch that runs or ran last
        self._writer, self._validation = writer, validation
        self._pictures, self._batch, self._epochs = pictures, batch_size, epochs
        self._mean, self._pace, self._clock = IntervalMean(), Pace(), Clock()
        self.speeds: list[float] = []  # pictures/s while training, by epoch
        self.curve: list[float] = []  # val_accuracy by epoch
        self.accuracy = math.nan  # of the last epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note when the epoch begins and at which learning rate."""
        self._epoch, self._began = epoch, time.perf_counter()
        new = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        if self._tell_drops and math.isfinite(self.rate) and new != self.rate:
            self._writer.event("lr", epoch=epoch + 1, old=self.rate, new=new)
        self.rate = new
        self._mean.restart()
        self._pace.begin()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """At most every `BATCH_EVENT_SECONDS`: an event with the means since the last one. NaN loss ends the run."""
        seen = min((batch + 1) * self._batch, self._pictures)
        self._pace.batch(seen)
        last = seen == self._pictures
        if last:
            self.speeds.append(self._pace.epoch(seen))
        if not self._clock.due(BATCH_EVENT_SECONDS) and not last:
            return
        few = seen - self._mean.seen < min(self._batch, self._pictures)  # an epoch's small last batch would be a spike
        loss, accuracy = self._mean.since_last(seen, float(logs["loss"]), float(logs["accuracy"]))
        if few and math.isfinite(loss):
            return
        position = self._epoch + seen / self._pictures
        self._writer.event(
            "batch",
            epoch=self._epoch + 1,
            step=batch + 1,
            position=round(position, 5),
            loss=_short(loss),
            accuracy=_short(accuracy),
            pictures_per_second=_short(self._pace.lately(seen)),
            eta=_short(self._eta(seen, self._pace.epoch(seen))),
        )
        if not math.isfinite(loss):  # told first: the curves show where it happened
            raise NonFiniteLossError(loss, self._epoch + 1, batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Write the epoch, and the learning rate's change when the schedule made one."""
        seconds = time.perf_counter() - self._began
        figures = {name: _short(float(logs[name])) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
        self._writer.event(
            "epoch",
            epoch=epoch + 1,
            **figures,
            learning_rate=self.rate,
            seconds=_short(seconds),
            best=bool(logs["best"]),
            pictures_per_second=_short(self.speeds[-1]),
            eta=_short(self._eta(self._pictures, self.speeds[-1])),
        )
        self.curve.append(figures["val_accuracy"])
        self.accuracy = figures["accuracy"]
        if logs["best"]:
            self._writer.event("checkpoint", epoch=epoch + 1, val_accuracy=figures["val_accuracy"])
        told = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        print(
            f"epoch {epoch + 1}/{self._epochs}  {seconds:.1f} s  {told}  learning_rate {self.rate:.2e}{'  best' if logs['best'] else ''}"
        )

    def _eta(self, seen: int, rate: float) -> float:
        left = self._pictures - seen + self._pictures * (self._epochs - self._epoch - 1)
        return left / rate + self._validation.seconds * (self._epochs - self._epoch)


class StopOnRequest(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises StopRequested at the next batch, of training or of val, once `asked` says so."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        super().__init__()
        self._asked = asked
        self._clock = Clock()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look, at most every `LOOK_SECONDS`."""
        self._look()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look, at most every `LOOK_SECONDS`."""
        self._look()

    def _look(self) -> None:
        if self._clock.due(LOOK_SECONDS) and self._asked():
            raise StopRequested


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network, replacing `path` atomically."""
    temporary = path.with_name(f".saving-{path.name}")
    try:
        network.save(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a network would keep a full disk full
        raise


def _short(value: float) -> float:
    return float(f"{value:.6g}")
