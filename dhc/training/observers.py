"""Everything that watches a training, in the order that is its contract. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.models.build import network
from dhc.models.junction import timetable_rate
from dhc.runs.course import Course
from dhc.runs.rundir import RunWriter
from dhc.training import patience, telemetry
from dhc.training.changes import Changes
from dhc.training.dynamics import Answers, Recorder
from dhc.training.health import Health
from dhc.training.median import rule_of
from dhc.training.resume import Resume, Stateful
from dhc.training.stopping import StopAfterEpoch, StopHopeless, StopOnRequest, is_to_end_with_epoch
from dhc.training.validation import KeepBest, Validation


@dataclass(frozen=True)
class Observers:
    """The `callbacks` for ``fit``, in order, and those of them that the loop itself asks."""

    callbacks: list[keras.callbacks.Callback]
    best: KeepBest
    throughput: telemetry.Throughput
    curve: telemetry.Curve
    resume: Resume


def observers(
    config: RunConfig,
    data: RunData,
    writer: RunWriter,
    stop_requested: Callable[[], bool],
    answers: Answers | None = None,
) -> Observers:
    """Build a training's callbacks, in the order in which Keras calls them. `answers` are the model's, if it gathers any.

    That order is a contract, since each one reads in an epoch's ``logs`` what those before it have put there:

    1. `StopOnRequest`, first: nothing more is written of a batch at which a person wants the run to end.
    2. `Changes` keeps the state as the epoch before has left it, then sets what a person changed while it trains; and Keras's
       LearningRateScheduler, for a schedule by timetable: sets the epoch's rate before anybody reads it.
    3. `Validation` puts val_loss and val_accuracy into the logs.
    4. `KeepBest` saves the network that `Validation` judged, and puts best into the logs.
    5. `Plateau` sets the next epoch's rate by a val figure.
    6. `EarlyStopping` makes this epoch the last one; those after it still see its end.
    7. Telemetry writes all of it down: `Throughput`, `LearningRate`, `BatchEvents`, `NonFiniteLossGuard` (after the event that
       shows the loss), `EpochEvents`, `ConsoleLine`, `Curve`.
    8. `Health` looks at the layers; behind the telemetry, so that no epoch's seconds hold its own.
    9. `Recorder` writes what the network said of each training picture.
    10. `Resume` saves what all of these have become, so it stands behind them.
    11. `StopAfterEpoch` and `StopHopeless`, last: what the epoch brought is written and saved when a person or the median rule
       ends the run with it.
    """
    train, val, fit = data.train, data.val, config.fit
    assert val.y is not None
    stop = StopOnRequest(stop_requested)
    validation = Validation(network(config, len(data.classes)), np.asarray(val.x), val.y, callbacks=[stop])
    best = KeepBest(writer.folder, validation, val.ids, val.y, data.classes)
    course = Course.of(writer.folder)
    plateau = None if course.holds else patience.plateau(config)
    counting = [callback for callback in (plateau, patience.early_stopping(config)) if callback]
    throughput = telemetry.Throughput(len(train.ids), fit.batch_size, fit.epochs, validation)
    learning_rate = telemetry.LearningRate(writer, announce=config.schedule.name == "plateau")
    batch_events, curve = telemetry.BatchEvents(writer, throughput), telemetry.Curve()
    assert train.y is not None
    health = [Health(writer, train.x, train.y, fit.seed, fit.batch_size, best)] if fit.watch_health else []
    recorder = [] if answers is None else [Recorder(writer, answers, fit.seed)]
    stateful: list[Stateful] = [validation, best, throughput, learning_rate, curve, *health]
    resume = Resume(writer, data, stateful, counting, config=config, best_epoch=lambda: best.best_epoch)
    rule = rule_of(writer.folder, config)
    timetable = _timetable(config, course)
    changes = Changes(writer, config, resume.keep, plateau=plateau, learning_rate=learning_rate, timetable=timetable)
    callbacks = [
        stop,
        changes,
        *([] if timetable is None else [keras.callbacks.LearningRateScheduler(changes.rate_of_epoch)]),
        validation,
        best,
        *counting,
        throughput,
        learning_rate,
        batch_events,
        telemetry.NonFiniteLossGuard(batch_events, throughput),
        telemetry.EpochEvents(writer),
        telemetry.ConsoleLine(),
        curve,
        *health,
        *recorder,
        resume,
        # a stop at once, asked for as well, comes first: at the next batch
        StopAfterEpoch(lambda: is_to_end_with_epoch(writer.folder) and not stop_requested()),
        *([] if rule is None else [StopHopeless(rule, curve)]),
    ]
    return Observers(callbacks, best, throughput, curve, resume)


def _timetable(config: RunConfig, course: Course) -> Callable[[int], float] | None:
    """The rate of an epoch (from 0), which every schedule but ``plateau`` knows beforehand, unless it is held."""
    if config.schedule.name == "plateau" or course.holds:
        return None
    return lambda epoch: timetable_rate(config, epoch, course.beginning)
