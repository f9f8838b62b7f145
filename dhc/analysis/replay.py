"""What another patience, factor or early stopping would have done: a history replayed.

Nothing is trained. `plateau` and `early_stopping` follow ``keras.callbacks.ReduceLROnPlateau`` and ``EarlyStopping``
of Keras 3.15 number by number: improvements and learning rates are compared and kept in float32, as Keras's tensors
and its optimizer do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dhc.config import RunConfig
from dhc.errors import RunError
from dhc.runs.records import History
from dhc.text import rate_text

# What a replay takes from a config.
SETTINGS = ("schedule.patience", "schedule.factor", "schedule.min_delta", "schedule.min_lr", "fit.early_stopping")
MOST = 6  # epochs that a sentence names


@dataclass(frozen=True)
class Drop:
    """The learning rate fell after epoch `epoch` (1-based): the next one runs at `new`."""

    epoch: int
    old: float
    new: float


@dataclass(frozen=True)
class Stop:
    """What early stopping does.

    epoch        the last one trained, None where it never stops
    kept_epoch   the one whose network is kept
    """

    epoch: int | None
    kept_epoch: int


@dataclass(frozen=True)
class Replay:
    """A run as recorded and as it would have gone.

    values           what ReduceLROnPlateau watches (`monitor`), epoch by epoch
    val_accuracy     by epoch, 0 to 1, as recorded
    recorded_rates   learning rate of each epoch as recorded
    rates            the same as replayed, also of the epochs past `stop`
    recorded_drops   of the record; one after the last epoch has no effect and is left out
    drops            of the replay, up to its end
    stop             where early stopping would have ended it, and what the run would have kept
    best_epoch       the epoch that the run itself has kept, None without a finite val_accuracy
    inexact_from     first epoch whose replayed rate is not the recorded one: from there on the true numbers would have
                     been others. None: exact to the end.
    """

    monitor: str
    values: tuple[float, ...]
    val_accuracy: tuple[float, ...]
    recorded_rates: tuple[float, ...]
    rates: tuple[float, ...]
    drops: tuple[Drop, ...]
    recorded_drops: tuple[Drop, ...]
    stop: Stop
    best_epoch: int | None
    inexact_from: int | None

    @property
    def epochs(self) -> int:
        """How many epochs are recorded."""
        return len(self.recorded_rates)

    @property
    def end(self) -> int:
        """The last epoch that would have been trained, as far as the record goes."""
        return self.stop.epoch or self.epochs


def plateau(
    values: Sequence[float],
    *,
    learning_rate: float,
    mode: Literal["min", "max"],
    factor: float,
    patience: int,
    min_delta: float = 1e-4,
    cooldown: int = 0,
    min_lr: float = 0.0,
) -> tuple[float, ...]:
    """The learning rate after each epoch, hence that of the next one.

    values[e] is what epoch e + 1 gave. NaN is never better, and after a NaN in the first epoch nothing is. Example:
    factor 0.5, patience 1, values 1, 1 in mode "max" and a rate of 1.0 give (1.0, 0.5).
    """
    rate, best, wait, cooling = _single(learning_rate), None, 0, 0
    rates = []
    for value in values:
        if cooling > 0:
            cooling, wait = cooling - 1, 0
        if _better(value, best, mode, min_delta):
            best, wait = value, 0
        elif cooling == 0:
            wait += 1
            if wait >= patience and rate > _single(min_lr):
                rate, cooling, wait = _single(max(rate * factor, min_lr)), cooldown, 0
        rates.append(rate)
    return tuple(rates)


def early_stopping(
    values: Sequence[float],
    *,
    patience: int,
    min_delta: float = 0.0,
    mode: Literal["min", "max"] = "max",
    restore: bool = True,
) -> Stop:
    """Where Keras's EarlyStopping ends a training, by one value an epoch, and what it keeps.

    `restore` is its restore_best_weights. As in Keras it never stops after the first epoch. Without `restore` the
    last epoch trained is kept. At least one value.
    """
    best, wait, best_epoch = None, 0, 1
    for epoch, value in enumerate(values, start=1):
        wait += 1
        if _better(value, best, mode, min_delta):
            best, wait, best_epoch = value, 0, epoch
        elif wait >= patience and epoch > 1:
            return Stop(epoch, best_epoch if restore else epoch)
    return Stop(None, best_epoch if restore else len(values))


def replay_history(history: History, config: RunConfig) -> Replay:
    """A history under the config's ReduceLROnPlateau and early stopping in place of its own.

    It starts at the config's optimizer.learning_rate. Stored figures have six significant digits, so a value that is
    better by just min_delta may fall to the other side. Raises RunError for a history without epochs.
    """
    if history.epochs.empty:
        raise RunError("there is no finished epoch to replay yet")
    schedule = config.schedule
    table = {name: tuple(history.epochs[name].tolist()) for name in (schedule.monitor, "val_accuracy", "learning_rate")}
    recorded_rates = table["learning_rate"]
    after = plateau(
        table[schedule.monitor],
        learning_rate=config.optimizer.learning_rate,
        mode="max" if schedule.monitor == "val_accuracy" else "min",
        factor=schedule.factor,
        patience=schedule.patience,
        min_delta=schedule.min_delta,
        min_lr=schedule.min_lr,
    )
    rates = (_single(config.optimizer.learning_rate), *after[:-1])
    stop = _stop(table["val_accuracy"], config.fit.early_stopping)
    return Replay(
        monitor=schedule.monitor,
        values=table[schedule.monitor],
        val_accuracy=table["val_accuracy"],
        recorded_rates=recorded_rates,
        rates=rates,
        drops=tuple(drop for drop in _drops(rates) if stop.epoch is None or drop.epoch < stop.epoch),
        recorded_drops=_drops(recorded_rates),
        stop=stop,
        best_epoch=history.best_epoch,
        inexact_from=_first_difference(rates, recorded_rates),
    )


def settings_of(config: RunConfig) -> Mapping[str, Any]:
    """The values of `SETTINGS` in a config, by dotted name."""
    return {name: config.get(name) for name in SETTINGS}


def replay_sentence(replay: Replay, config: RunConfig) -> str:
    """The replay in words: its drops, its end, the epoch it keeps, and where it is exact."""
    ours, theirs = _dropping(replay.drops), _dropping(replay.recorded_drops)
    if ours == theirs:
        what = f"{ours}, as in the run"
    elif not replay.recorded_drops:
        what = f"{ours}; in the run it never did"
    else:
        what = f"{ours} instead of {theirs.removeprefix('would have dropped ')}"
    return (
        f"With patience {config.schedule.patience} and factor {config.schedule.factor:g} the learning rate {what}; "
        f"{_ending(replay)}, keeping epoch {replay.stop.kept_epoch}{_gain(replay)}. {_exactness(replay)}"
    )


def _ending(replay: Replay) -> str:
    if replay.stop.epoch is None:
        return f"training would have gone on to the last recorded epoch, {replay.epochs}"
    return f"training would have stopped at epoch {replay.stop.epoch}"


def _gain(replay: Replay) -> str:
    value = replay.val_accuracy[replay.stop.kept_epoch - 1]
    if replay.best_epoch is None or replay.best_epoch == replay.stop.kept_epoch:
        return f" (val_accuracy {value:.3f}, as in the run)"
    return f" (val_accuracy {value:.3f} instead of {replay.val_accuracy[replay.best_epoch - 1]:.3f})"


def _exactness(replay: Replay) -> str:
    if replay.inexact_from is None or replay.inexact_from > replay.end:
        return "Exact to the end: the learning rate is the recorded one all the way."
    if replay.inexact_from == 1:
        return "Only indicative: the learning rate is another one from the first epoch on."
    return (
        f"Exact up to epoch {replay.inexact_from - 1}; from then on the learning rate would have been another one, "
        "so the rest is only indicative."
    )


def _dropping(drops: Sequence[Drop]) -> str:
    """Return ``would have dropped after epochs 31 and 52, to 0.0005``; a long list is cut."""
    if not drops:
        return "would never have dropped"
    numbers = [str(drop.epoch) for drop in drops[:MOST]]
    rest = len(drops) - MOST
    last = f"{rest} more" if rest > 0 else numbers.pop()
    epochs = f"epochs {', '.join(numbers)} and {last}" if numbers else f"epoch {last}"
    return f"would have dropped after {epochs}, to {rate_text(drops[-1].new)}"


def _stop(accuracy: Sequence[float], patience: int) -> Stop:
    """Early stopping as the config has it (0: none); it keeps what a run keeps, the best epoch."""
    epoch = early_stopping(accuracy, patience=patience).epoch if patience else None
    values = [-math.inf if math.isnan(value) else value for value in accuracy[:epoch]]
    return Stop(epoch, values.index(max(values)) + 1)


def _drops(rates: Sequence[float]) -> tuple[Drop, ...]:
    """The drops among the rates of each epoch, epoch 1 first."""
    pairs = enumerate(itertools.pairwise(rates), start=1)
    return tuple(Drop(epoch, old, new) for epoch, (old, new) in pairs if _single(new) < _single(old))


def _first_difference(rates: Sequence[float], recorded_rates: Sequence[float]) -> int | None:
    pairs = enumerate(zip(rates, recorded_rates, strict=True), start=1)
    return next((epoch for epoch, (ours, theirs) in pairs if _single(ours) != _single(theirs)), None)


def _better(value: float, best: float | None, mode: Literal["min", "max"], min_delta: float) -> bool:
    """Whether Keras counts `value` as better: in float32, less min_delta in float64."""
    if best is None:
        return True
    if mode == "max":
        return _single(value - min_delta) > _single(best)
    return _single(value + min_delta) < _single(best)


def _single(value: float) -> float:
    """Rounded to float32."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))
