"""A search for a learning rate: it grows from batch to batch, until the loss blows up. Imports Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.models.pipeline import of_batches
from dhc.models.search import ending, has_diverged, rate_of_batch, seed_of_pass, smooth
from dhc.runs import rundir
from dhc.runs.contract import RateSearch
from dhc.runs.rundir import Guard, RunWriter
from dhc.training.batches import Batches
from dhc.training.loop import compiled, describe
from dhc.training.outcomes import StopRequested
from dhc.training.pictures import open_pictures
from dhc.training.stopping import StopOnRequest
from dhc.training.throughput import IntervalMean


def search_rate(
    config: RunConfig, search: RateSearch, folder: Path, *, device: str = "cpu", guard: Guard = lambda: None
) -> str:
    """Train the config's network while its learning rate grows, and write each batch's loss; returns how it ended, in words.

    Each pass has weights, an order of the pictures, dropout and augmentation of its own. The network is thrown away. Raises what
    `dhc.training.loop.train_and_evaluate` does, but for a loss that is not finite: with that the search has done its work.
    """
    with RunWriter(folder, guard) as writer:
        stop_requested = (folder / rundir.STOP).exists
        data = open_pictures(config, writer)
        if stop_requested():
            raise StopRequested
        assert data.train.y is not None
        writer.phase("network")
        # a batch at a time, whatever the device: each has a rate of its own
        by_batch = config.with_values({"device.steps_per_execution": 1})
        model = _growing(by_batch, search, data, folder, device)
        describe(config, model, data, writer, device)
        writer.phase("training")
        ends = []
        for number in range(1, search.passes + 1):
            seed = seed_of_pass(config.fit.seed, number)
            if number > 1:  # its graph is compiled once: that takes as long as twenty batches
                reseeded = by_batch.with_values({"fit.seed": seed})
                _renew(model, _growing(reseeded, search, data, folder, device, again=True))
            watch = _Losses(writer, search, number, len(data.train.ids), config.fit.batch_size)
            batches = Batches(data.train.x, data.train.y, config.fit.batch_size, seed, augment=config.augment)
            model.fit(
                of_batches(batches),
                epochs=-(-search.batches // len(batches)),
                verbose=0,
                shuffle=False,
                callbacks=[StopOnRequest(stop_requested), watch],
            )
            ends.append(watch.end)
        return ending(ends)


def _growing(
    config: RunConfig, search: RateSearch, data: RunData, folder: Path, device: str, *, again: bool = False
) -> keras.Model:
    model = compiled(config, data, folder, device, again=again)
    model.optimizer.learning_rate = keras.optimizers.schedules.ExponentialDecay(
        search.low, decay_steps=search.batches, decay_rate=search.high / search.low
    )
    return model


def _renew(model: keras.Model, fresh: keras.Model) -> None:
    """Let a model be as the fresh one is that was compiled alike: its weights, its optimizer, the seeds of its random layers."""
    states = [[*one.variables, *one.optimizer.variables] for one in (model, fresh)]
    for variable, value in zip(*states, strict=True):
        variable.assign(value)


class _Losses(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes each batch's rate and loss, and ends the pass where the loss blows up or all batches ran."""

    def __init__(self, writer: RunWriter, search: RateSearch, number: int, pictures: int, batch_size: int) -> None:
        super().__init__()
        self._writer, self._search, self._number = writer, search, number
        self._pictures, self._batch_size = pictures, batch_size
        self._mean = IntervalMean()
        self._losses: list[float] = []
        self.end: float | None = None  # the learning rate at which the loss blew up

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
        figures = {"learning_rate": float(f"{rate:.6g}"), "loss": float(f"{loss:.6g}")}
        self._writer.event("search", **{"pass": self._number, "batch": number + 1, **figures})
        if has_diverged(smooth(self._losses)):
            self.end = rate
            self.model.stop_training = True
        elif len(self._losses) == search.batches:
            self.model.stop_training = True
