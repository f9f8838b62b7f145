"""The one door into training: `train_and_evaluate(config, run_dir)`. Imports Keras."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.machine import hardware
from dhc.models.build import compiled_model
from dhc.models.cost import gains_from_bfloat16, ordinary_seconds_per_batch
from dhc.models.initial import whiten
from dhc.models.pipeline import of_batches
from dhc.runs import rundir
from dhc.runs.contract import Summary
from dhc.runs.rundir import Guard, RunWriter
from dhc.training import backend, gpu, resume
from dhc.training.batches import Batches
from dhc.training.dynamics import Answers, answers_of
from dhc.training.observers import Observers, observers
from dhc.training.outcomes import StopRequested
from dhc.training.pictures import open_pictures
from dhc.training.resume import stored_precision


def train_and_evaluate(
    config: RunConfig, run_dir: Path, *, device: str = "cpu", guard: Guard = lambda: None
) -> Summary:
    """Train the config's network, writing all of the run into `run_dir`; returns its summary.

    `device` is the resolved name (``cpu``, ``gpu:0``) for the records; the process's environment has already chosen it. Raises
    DataError for pictures that cannot serve, StopRequested when asked to stop, NonFiniteLossError and NonFiniteAnswersError, and
    ResumeStateError for a saved state that does not fit; whatever finished epochs wrote stays in any case. In the folder of a run that was
    interrupted, the training resumes from its last saved epoch.
    """
    with RunWriter(run_dir, guard) as writer:
        stop_requested = (run_dir / rundir.STOP).exists
        data = open_pictures(config, writer)
        if stop_requested():
            raise StopRequested
        writer.phase("network")
        answers = answers_of(config, len(data.train.ids))
        model = compiled(config, data, run_dir, device, answers)
        describe(config, model, data, writer, device)
        with gpu.watched(device, writer):
            summary = fit(config, model, data, writer, stop_requested, answers=answers)
        writer.phase("finishing")
        summary.write(run_dir)
        resume.drop(run_dir)
        return summary


def compiled(
    config: RunConfig, data: RunData, run_dir: Path, device: str, answers: Answers | None = None, *, again: bool = False
) -> keras.Model:
    """The network, in the precision and with the steps per execution that suit the device; `answers` gather what it says.

    Where its first convolution is to be whitened, that is done by the training pictures. `again` is for a further one in this process, see `compiled_model`.
    """
    policy = stored_precision(config.device.precision, run_dir)
    classes = len(data.classes)
    precision = hardware.precision(policy, device, gains=gains_from_bfloat16(config, classes))
    batches = len(data.train.ids) // config.fit.batch_size
    seconds = _batch_seconds(config, classes, precision)
    steps = hardware.steps_per_execution(config.device.steps_per_execution, device, batches, seconds)
    metrics = [] if answers is None else [answers]
    model = compiled_model(config, classes, precision=precision, steps=steps, metrics=metrics, again=again)
    if config.model.first_conv == "whitened":
        whiten(model, data.train.x, config.fit.seed)
    return model


def _batch_seconds(config: RunConfig, classes: int, precision: str) -> float:
    """What a batch takes on a CPU, about; infinite where several between two looks gain nothing, or it may be very slow."""
    is_known = config.device.backend == "tensorflow" and hardware.cpu_multiplies(precision)
    return ordinary_seconds_per_batch(config, classes, precision) if is_known else math.inf


def describe(config: RunConfig, model: keras.Model, data: RunData, writer: RunWriter, device: str) -> None:
    """Write down what trains: ``environment.json``, the start event, a line in the log."""
    where = hardware.describe(backend.visible_gpus(), device)
    record = backend.environment_record(where, config.fit.seed, data)
    record.write(writer.folder)
    train, val, classes = len(data.train.ids), len(data.val.ids), len(data.classes)
    writer.event(
        "start",
        device=where,
        parameters=model.count_params(),
        train=train,
        val=val,
        classes=classes,
        epochs=config.fit.epochs,
        patience=config.schedule.patience,
    )
    print(f"{train} training and {val} val pictures of {classes} classes on {where}")


def fit(
    config: RunConfig,
    model: keras.Model,
    data: RunData,
    writer: RunWriter,
    stop_requested: Callable[[], bool],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    answers: Answers | None = None,
) -> Summary:
    """Train a compiled network, from the last saved epoch if any; returns the run's summary.

    `callbacks` stand behind our own (`dhc.training.observers`); `answers`, with which it was compiled, are written down. Raises what `train_and_evaluate` does.
    """
    assert data.train.y is not None
    watching = observers(config, data, writer, stop_requested, answers)
    watching.resume.restore(model)
    first_epoch = watching.resume.first_epoch
    batches = Batches(data.train.x, data.train.y, config.fit.batch_size, config.fit.seed, first_epoch, config.augment)
    writer.phase("training")
    model.fit(
        of_batches(batches),
        initial_epoch=first_epoch,
        epochs=config.fit.epochs,
        verbose=0,
        shuffle=False,
        callbacks=[*watching.callbacks, *callbacks],
    )
    return _summary(watching)


def _summary(watching: Observers) -> Summary:
    curve, accuracy, speeds = watching.curve.val_accuracy, watching.curve.accuracy, watching.throughput.speeds
    finite_speeds = [speed for speed in speeds if np.isfinite(speed)]
    return Summary(
        epochs=len(speeds),
        best_epoch=watching.best.best_epoch,
        best_val_accuracy=watching.best.best,
        seconds=watching.resume.seconds,
        pictures_per_second=float(np.median(finite_speeds)) if finite_speeds else None,
        curve=tuple(curve),
        accuracy=accuracy if np.isfinite(accuracy) else None,  # resumed behind its last epoch
        val_accuracy=curve[-1] if curve else None,
    )
