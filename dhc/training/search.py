"""A search for a learning rate: it grows from batch to batch, until the loss blows up. Imports Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from dhc.config import RunConfig
from dhc.models.search import has_diverged, rate_of_batch, smooth
from dhc.runs import rundir
from dhc.runs.contract import RateSearch
from dhc.runs.rundir import RunWriter
from dhc.training.batches import Batches
from dhc.training.loop import compiled, describe
from dhc.training.outcomes import StopRequested
from dhc.training.pictures import open_pictures
from dhc.training.stopping import StopOnRequest
from dhc.training.throughput import IntervalMean


def search_rate(config: RunConfig, search: RateSearch, folder: Path, *, device: str = "cpu") -> str:
    """Train the config's network while its learning rate grows, and write each batch's loss; returns how it ended, in words.

    The network is thrown away. Raises what
    `dhc.training.loop.train_and_evaluate` does, but for a loss that is not finite: with that the search has done its work.
    """
    with RunWriter(folder) as writer:
        stop_requested = (folder / rundir.STOP).exists
        data = open_pictures(config, writer)
        if stop_requested():
            raise StopRequested
        assert data.train.y is not None
        writer.phase("network")
        # a batch at a time, whatever the device: each has a rate of its own
        by_batch = config.with_values({"device.steps_per_execution": 1})
        model = compiled(by_batch, len(data.classes), folder, device)
        describe(config, model, data, writer, device)
        model.optimizer.learning_rate = _growing(search)
        watch = _Losses(writer, search, len(data.train.ids), config.fit.batch_size)
        writer.phase("training")
        batches = Batches(data.train.x, data.train.y, config.fit.batch_size, config.fit.seed)
        model.fit(
            batches,
            epochs=-(-search.batches // len(batches)),
            verbose=0,
            shuffle=False,
            callbacks=[StopOnRequest(stop_requested), watch],
        )
        return watch.outcome


def _growing(search: RateSearch) -> keras.optimizers.schedules.LearningRateSchedule:
    return keras.optimizers.schedules.ExponentialDecay(
        search.low, decay_steps=search.batches, decay_rate=search.high / search.low
    )


class _Losses(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes each batch's rate and loss, and ends the search where the loss blows up or all batches ran."""

    def __init__(self, writer: RunWriter, search: RateSearch, pictures: int, batch_size: int) -> None:
        super().__init__()
        self._writer, self._search = writer, search
        self._pictures, self._batch_size = pictures, batch_size
        self._mean = IntervalMean()
        self._losses: list[float] = []
        self.outcome = "all batches done"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Keras's running mean begins anew."""
        self._mean.restart()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Write what the batch brought."""
        count = min((batch + 1) * self._batch_size, self._pictures)
        loss, _ = self._mean.since_last(count, float(logs["loss"]), float(logs["accuracy"]))
        number, search = len(self._losses), self._search
        rate = rate_of_batch(number, search.low, search.high, search.batches)
        self._losses.append(loss)
        self._writer.event("search", batch=number + 1, learning_rate=float(f"{rate:.6g}"), loss=float(f"{loss:.6g}"))
        if has_diverged(smooth(self._losses)):
            self.outcome = f"the loss blew up at a learning rate of {rate:.2g}"
            self.model.stop_training = True
        elif len(self._losses) == search.batches:
            self.model.stop_training = True
