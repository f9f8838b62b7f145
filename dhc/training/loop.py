"""The one door into training: `train_and_evaluate(config, run_dir)`. Imports Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.config import RunConfig
from dhc.data.layout import fingerprint
from dhc.data.select import RunData, load_for_run
from dhc.models.build import compiled
from dhc.runs import rundir
from dhc.runs.rundir import RunWriter
from dhc.training import backend, hardware
from dhc.training.batches import Batches
from dhc.training.callbacks import KeepBest, StopOnRequest, Telemetry, Validation
from dhc.training.ends import StopRequested


def train_and_evaluate(config: RunConfig, run_dir: Path, *, device: str = "cpu") -> dict[str, Any]:
    """Train the config's network, writing everything of the run into `run_dir`; returns what ``summary.json`` says.

    `device` is the resolved name (``cpu``, ``gpu:0``) for the records; the process's environment has already chosen it. Raises
    DataError for pictures that cannot serve, StopRequested when asked to stop, LossIsNaN; whatever finished epochs wrote
    stays in any case.
    """
    started = time.perf_counter()
    with RunWriter(run_dir) as writer:
        asked = (run_dir / rundir.STOP).exists
        data = _pictures(config, writer)
        _refuse_to_go_on(asked)
        writer.phase("network")
        model = compiled(config, len(data.classes))
        where = hardware.describe(backend.visible_gpus(), device)
        record = backend.environment_record(where, config.fit.seed, fingerprint(data.dataset))
        rundir.write_json(run_dir / rundir.ENVIRONMENT, record)
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
        kept, speeds = _fit(config, model, data, run_dir, writer, asked)
        return _summary(kept, speeds, run_dir, writer, time.perf_counter() - started)


def _pictures(config: RunConfig, writer: RunWriter) -> RunData:
    writer.phase("pictures")
    data = load_for_run(config.data, config.fit.seed, lambda split, done, total: _progress(writer, split, done, total))
    for bad in data.bad:
        print(f"left out: {bad.file} {bad.reason}")
    if data.bad:
        writer.event("note", text=f"{len(data.bad)} pictures that cannot be read were left out; the log names them")
    return data


def _progress(writer: RunWriter, split: str, done: int, total: int) -> None:
    writer.event("progress", phase="pictures", split=split, done=done, total=total)


def _fit(
    config: RunConfig, model: keras.Model, data: RunData, run_dir: Path, writer: RunWriter, asked: Callable[[], bool]
) -> tuple[KeepBest, list[float]]:
    assert data.train.y is not None
    assert data.val.y is not None
    fit = config.fit
    stop = StopOnRequest(asked)
    validation = Validation(np.asarray(data.val.x), data.val.y)
    validation.stop = stop
    keep = KeepBest(run_dir, validation, data.val.ids, data.val.y, data.classes)
    telemetry = Telemetry(writer, len(data.train.ids), fit.batch_size, fit.epochs, validation)
    writer.phase("training")
    batches = Batches(data.train.x, data.train.y, fit.batch_size, fit.seed)
    model.fit(
        batches,
        epochs=fit.epochs,
        verbose=0,
        shuffle=False,
        callbacks=[stop, validation, keep, *_schedule(config), telemetry],
    )
    return keep, telemetry.speeds


def _schedule(config: RunConfig) -> list[keras.callbacks.Callback]:
    s = config.schedule
    if s.name == "constant":
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_accuracy", mode="max", factor=s.factor, patience=s.patience, min_lr=s.min_lr
        )
    ]


def _summary(kept: KeepBest, speeds: list[float], run_dir: Path, writer: RunWriter, seconds: float) -> dict[str, Any]:
    writer.phase("finishing")
    summary = {
        "epochs": len(speeds),
        "best_epoch": kept.best_epoch,
        "best_val_accuracy": kept.best,
        "seconds": seconds,
        "pictures_per_second": float(np.median(known)) if (known := [s for s in speeds if np.isfinite(s)]) else None,
    }
    rundir.write_json(run_dir / rundir.SUMMARY, summary)
    return summary


def _refuse_to_go_on(asked: Callable[[], bool]) -> None:
    if asked():
        raise StopRequested
