"""What a training writes about itself while it runs. Imports Keras.

Each of these small observers has one thing to say, and they stand in this order: `Throughput` and `LearningRate` put ``seconds``, ``pictures_per_second``, ``eta`` and ``learning_rate``
into an epoch's logs, which `EpochEvents`, `ConsoleLine` and `Curve` read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import keras

from dhc.models.schedules import shortest_rate
from dhc.runs.rundir import RunWriter
from dhc.text import figure_text, rate_text
from dhc.training.outcomes import NonFiniteLossError
from dhc.training.throughput import Clock, IntervalMean, Pace, seconds_left
from dhc.training.validation import Validation

BATCH_EVENT_SECONDS = 0.3  # at most about three batch events a second
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


class Throughput(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the pictures trained on, and how many a second; says how long the rest will take.

    `count` is how many of the epoch's pictures have been trained on, `position` the same in epochs since the training
    began; `speeds` holds pictures a second by epoch.
    """

    def __init__(self, pictures: int, batch_size: int, epochs: int, validation: Validation) -> None:
        super().__init__()
        self.pictures, self.batch_size, self.epochs = pictures, batch_size, epochs
        self._validation, self._pace = validation, Pace()
        self.count = 0
        self.speeds: list[float] = []

    @property
    def epoch_over(self) -> bool:
        """Whether the epoch's last batch is done."""
        return self.count == self.pictures

    @property
    def step(self) -> int:
        """The number of the epoch's last batch that is done, from 1; several may have been done at once."""
        return -(-self.count // self.batch_size)

    @property
    def position(self) -> float:
        """Epochs since the training began, a fraction of one too."""
        return self._epoch + self.count / self.pictures

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin to count."""
        self._epoch, self._start = epoch, time.perf_counter()
        self._pace.begin()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the batch's pictures."""
        self.count = min((batch + 1) * self.batch_size, self.pictures)
        self._pace.batch(self.count)
        if self.epoch_over:
            self.speeds.append(self._pace.epoch(self.count))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Put the epoch's seconds, its pictures a second and the seconds left into the logs."""
        logs["seconds"] = time.perf_counter() - self._start
        logs["pictures_per_second"] = self.speeds[-1]
        logs["eta"] = self._eta(self.speeds[-1])

    def since_last(self) -> tuple[float, float]:
        """Pictures a second since the last call, and the seconds left of the whole training."""
        return self._pace.lately(self.count), self._eta(self._pace.epoch(self.count))

    def _eta(self, speed: float) -> float:
        epochs_left = self.epochs - self._epoch
        pictures_left = self.pictures * epochs_left - self.count
        return seconds_left(pictures_left, speed, epochs_left, self._validation.seconds)

    def state(self) -> dict[str, Any]:
        """Pictures a second by epoch."""
        return {"speeds": self.speeds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the speeds of earlier epochs."""
        self.speeds = list(state["speeds"])


def optimizer_rate(model: keras.Model) -> float:
    """The learning rate that its optimizer has, as short as float32 tells it apart."""
    return shortest_rate(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes each epoch's learning rate, `rate`; `announce` writes an event of each change."""

    def __init__(self, writer: RunWriter, *, announce: bool) -> None:
        super().__init__()
        self._writer, self._announce = writer, announce
        self.rate = math.nan  # of the epoch that runs or ran last

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Read the rate at which the epoch will run."""
        rate = optimizer_rate(self.model)
        if self._announce and math.isfinite(self.rate) and rate != self.rate:
            self._writer.event("lr", epoch=epoch + 1, old=self.rate, new=rate)
        self.rate = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Put the rate at which the epoch ran into the logs."""
        logs["learning_rate"] = self.rate

    def state(self) -> dict[str, Any]:
        """The rate of the last epoch."""
        return {"rate": self.rate}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the rate of the last epoch."""
        self.rate = shortest_rate(state["rate"])


class BatchEvents(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes an event with the mean loss and accuracy since the last one.

    At most every `BATCH_EVENT_SECONDS`, and at the epoch's end. `loss` is the mean that was read last: reading it at each
    batch would wait for the device.
    """

    def __init__(self, writer: RunWriter, throughput: Throughput) -> None:
        super().__init__()
        self._writer, self._throughput = writer, throughput
        self._mean, self._clock = IntervalMean(), Clock()
        self._usual = 0  # pictures of the last event
        self.loss = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Keras's running means begin anew."""
        self._epoch = epoch
        self._mean.restart()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Write an event where one is due."""
        throughput = self._throughput
        is_due = self._clock.due(BATCH_EVENT_SECONDS)
        if not is_due and not throughput.epoch_over:
            return
        pictures = throughput.count - self._mean.count
        self.loss, accuracy = self._mean.since_last(throughput.count, float(logs["loss"]), float(logs["accuracy"]))
        # the mean of an epoch's few last pictures would be a spike
        fewest = throughput.batch_size if is_due else max(throughput.batch_size, self._usual / 2)
        if pictures >= min(fewest, throughput.pictures) or not math.isfinite(self.loss):
            self._usual = pictures
            self._write(accuracy)

    def _write(self, accuracy: float) -> None:
        speed, eta = self._throughput.since_last()
        self._writer.event(
            "batch",
            epoch=self._epoch + 1,
            step=self._throughput.step,
            position=round(self._throughput.position, 5),
            loss=_short(self.loss),
            accuracy=_short(accuracy),
            pictures_per_second=_short(speed),
            eta=_short(eta),
        )


class NonFiniteLossGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises NonFiniteLossError for a NaN or infinite loss, after the event that shows it."""

    def __init__(self, events: BatchEvents, throughput: Throughput) -> None:
        super().__init__()
        self._events, self._throughput = events, throughput

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch for the error's text."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Check the loss that was read last."""
        if not math.isfinite(self._events.loss):
            raise NonFiniteLossError(self._events.loss, self._epoch + 1, self._throughput.step)


class EpochEvents(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes an event for each epoch, and one for each epoch that is the best so far."""

    def __init__(self, writer: RunWriter) -> None:
        super().__init__()
        self._writer = writer

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Write what the logs say."""
        figures = _figures(logs)
        self._writer.event(
            "epoch",
            epoch=epoch + 1,
            **figures,
            learning_rate=logs["learning_rate"],
            seconds=_short(logs["seconds"]),
            best=bool(logs["best"]),
            pictures_per_second=_short(logs["pictures_per_second"]),
            eta=_short(logs["eta"]),
        )
        if logs["best"]:
            self._writer.event("checkpoint", epoch=epoch + 1, val_accuracy=figures["val_accuracy"])


class ConsoleLine(keras.callbacks.Callback):  # type: ignore[misc]
    """Prints a line for each epoch, which goes into the run's log."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Print what the logs say."""
        figures = "  ".join(f"{name} {figure_text(value)}" for name, value in _figures(logs).items())
        head = f"epoch {epoch + 1}/{self.params['epochs']}  {logs['seconds']:.1f} s"
        print(f"{head}  {figures}  learning_rate {rate_text(logs['learning_rate'])}{'  best' if logs['best'] else ''}")


class Curve(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps `val_accuracy` by epoch and the last epoch's `accuracy`, 0 to 1, for the summary."""

    def __init__(self) -> None:
        super().__init__()
        self.val_accuracy: list[float] = []
        self.accuracy = math.nan

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Add the epoch."""
        figures = _figures(logs)
        self.val_accuracy.append(figures["val_accuracy"])
        self.accuracy = figures["accuracy"]

    def state(self) -> dict[str, Any]:
        """val_accuracy by epoch."""
        return {"curve": self.val_accuracy}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up the curve of earlier epochs."""
        self.val_accuracy = list(state["curve"])


def _figures(logs: Mapping[str, Any]) -> dict[str, float]:
    """An epoch's loss and accuracy, on train and on val, as they are written."""
    return {name: _short(float(logs[name])) for name in FIGURES}


def _short(value: float) -> float:
    """The value with six significant digits."""
    return float(f"{value:.6g}")
