"""The one door into training: `train_and_evaluate(config, run_dir)`. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.data.layout import fingerprint
from dhc.data.select import RunData
from dhc.machine import hardware
from dhc.models.build import compiled_model, network
from dhc.models.cost import gains_from_bfloat16
from dhc.models.schedules import rate_of_epoch
from dhc.runs import rundir
from dhc.runs.contract import Summary
from dhc.runs.rundir import RunWriter
from dhc.training import backend, resume
from dhc.training.batches import Batches
from dhc.training.callbacks import KeepBest, StopOnRequest, Telemetry, Validation
from dhc.training.median import rule_of
from dhc.training.outcomes import StopRequested
from dhc.training.pictures import open_pictures
from dhc.training.resume import Resume, kept_precision


def train_and_evaluate(config: RunConfig, run_dir: Path, *, device: str = "cpu") -> Summary:
    """Train the config's network, writing everything of the run into `run_dir`; returns its summary.

    `device` is the resolved name (``cpu``, ``gpu:0``) for the records; the process's environment has already chosen it. Raises
    DataError for pictures that cannot serve, StopRequested when asked to stop, NonFiniteLossError; whatever finished epochs wrote
    stays in any case. A folder in which such a run was broken off is gone on with, from its last saved epoch.
    """
    with RunWriter(run_dir) as writer:
        asked = (run_dir / rundir.STOP).exists
        data = open_pictures(config, writer)
        _refuse_to_go_on(asked)
        writer.phase("network")
        gains = gains_from_bfloat16(config, len(data.classes))
        asked_precision = kept_precision(config.device.precision, run_dir)
        precision = hardware.precision(asked_precision, device, gains=gains)
        steps = hardware.steps_per_execution(config.device.steps_per_execution, device)
        model = compiled_model(config, len(data.classes), precision=precision, steps=steps)
        where = hardware.describe(backend.visible_gpus(), device)
        record = backend.environment_record(where, config.fit.seed, fingerprint(data.dataset))
        record.write(run_dir)
        writer.event(
            "start",
            device=where,
            parameters=model.count_params(),
            train=len(data.train.ids),
            val=len(data.val.ids),
            classes=len(data.classes),
            epochs=config.fit.epochs,
            patience=config.schedule.patience,
        )
        print(
            f"{len(data.train.ids)} training and {len(data.val.ids)} val pictures of {len(data.classes)} classes on {where}"
        )
        summary = _fit(config, model, data, writer, asked)
        writer.phase("finishing")
        summary.write(run_dir)
        resume.drop(run_dir)
        return summary


def _fit(config: RunConfig, model: keras.Model, data: RunData, writer: RunWriter, asked: Callable[[], bool]) -> Summary:
    assert data.train.y is not None
    assert data.val.y is not None
    fit = config.fit
    stop = StopOnRequest(asked)
    validation = Validation(network(config, len(data.classes)), np.asarray(data.val.x), data.val.y)
    validation.stop = stop
    keep = KeepBest(writer.folder, validation, data.val.ids, data.val.y, data.classes)
    drops = config.schedule.name == "plateau"
    telemetry = Telemetry(writer, len(data.train.ids), fit.batch_size, fit.epochs, validation, tell_drops=drops)
    counting = [*_plateau(config), *_early_stopping(config)]
    going_on = Resume(writer, validation, keep, counting, telemetry, save=fit.keep_resume_state)
    going_on.restore(model)
    writer.phase("training")
    model.fit(
        Batches(data.train.x, data.train.y, fit.batch_size, fit.seed, going_on.first_epoch),
        initial_epoch=going_on.first_epoch,
        epochs=fit.epochs,
        verbose=0,
        shuffle=False,
        callbacks=[
            stop,
            *_timetable(config),
            validation,
            keep,
            *counting,
            telemetry,
            going_on,
            *_median(config, telemetry, writer.folder),
        ],
    )
    return _summary(keep, telemetry, going_on.seconds)


def _timetable(config: RunConfig) -> list[keras.callbacks.Callback]:
    if config.schedule.name == "plateau":
        return []
    return [keras.callbacks.LearningRateScheduler(lambda epoch: rate_of_epoch(config, epoch))]


def _plateau(config: RunConfig) -> list[keras.callbacks.Callback]:
    s = config.schedule
    if s.name != "plateau":
        return []
    mode = "max" if s.monitor == "val_accuracy" else "min"
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor=s.monitor,
            mode=mode,
            factor=s.factor,
            patience=s.patience,
            min_delta=s.min_delta,
            min_lr=s.min_lr,
        )
    ]


def _early_stopping(config: RunConfig) -> list[keras.callbacks.Callback]:
    patience = config.fit.early_stopping
    return [keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=patience)] if patience else []


def _median(config: RunConfig, told: Telemetry, folder: Path) -> list[keras.callbacks.Callback]:
    """Last of all: what the epoch brought is written and saved when the rule ends the run. A last epoch ends it anyway."""
    rule = rule_of(folder, config)
    if rule is None:
        return []

    def look(epoch: int, logs: Any) -> None:
        if epoch + 1 < config.fit.epochs:
            rule.look(told.curve)

    return [keras.callbacks.LambdaCallback(on_epoch_end=look)]


def _summary(best: KeepBest, telemetry: Telemetry, seconds: float) -> Summary:
    speeds = [speed for speed in telemetry.speeds if np.isfinite(speed)]
    return Summary(
        epochs=len(telemetry.speeds),
        best_epoch=best.best_epoch,
        best_val_accuracy=best.best,
        seconds=seconds,
        pictures_per_second=float(np.median(speeds)) if speeds else None,
        curve=tuple(telemetry.curve),
        accuracy=telemetry.accuracy if np.isfinite(telemetry.accuracy) else None,  # resumed behind its last epoch
        val_accuracy=telemetry.curve[-1] if telemetry.curve else None,
    )


def _refuse_to_go_on(asked: Callable[[], bool]) -> None:
    if asked():
        raise StopRequested
