"""A run of nearest neighbours: a folder like a network's, with one "epoch" and no network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dhc.config import RunConfig
from dhc.data.select import RunData
from dhc.errors import DataError
from dhc.machine import hardware
from dhc.models import knn
from dhc.runs import rundir
from dhc.runs.contract import Summary
from dhc.runs.predictions import save_predictions
from dhc.runs.rundir import Guard, RunWriter
from dhc.training import results
from dhc.training.outcomes import StopRequested
from dhc.training.pictures import open_pictures
from dhc.training.throughput import Clock

PROGRESS_SECONDS = 0.3  # at most about three progress events a second
PACKAGES = ("numpy", "opencv-python-headless", "dhc")


def classify_and_evaluate(config: RunConfig, run_dir: Path, *, guard: Guard = lambda: None) -> Summary:
    """Answer for val by nearest neighbours, writing the run into `run_dir`; returns its summary.

    The table of all metrics and numbers of neighbours comes from one pass over the pictures, which uses the CPU only. Raises
    DataError for pictures that cannot serve or are fewer than k, StopRequested when asked to stop. No Keras.
    """
    with RunWriter(run_dir, guard) as writer:
        stop_requested = (run_dir / rundir.STOP).exists
        data = open_pictures(config, writer)
        ks = numbers_of_neighbours(config.knn.k, len(data.train.ids))
        _describe(config, data, writer)
        start = time.perf_counter()
        labels = _labels(data, max(ks), writer, stop_requested)
        assert data.val.y is not None
        table = knn.accuracies(labels, data.val.y, len(data.classes), ks)
        shares = knn.vote(labels[config.knn.metric][:, : config.knn.k], len(data.classes))
        seconds = time.perf_counter() - start
        writer.phase("finishing")
        accuracy, speed = _write_predictions(data, shares, writer), len(shares) / seconds
        _write_epoch(results.cross_entropy(data.val.y, shares), accuracy, seconds, speed, writer)
        summary = Summary(
            epochs=1,
            best_epoch=1,
            best_val_accuracy=accuracy,
            seconds=seconds,
            pictures_per_second=speed,
            curve=(accuracy,),
            accuracy=None,
            val_accuracy=accuracy,
            knn=table,
        )
        summary.write(run_dir)
        _print(table)
        return summary


def numbers_of_neighbours(k: int, train: int) -> list[int]:
    """The config's `k` and the report's, ascending, those above `train` pictures left out.

    Raises DataError where `k` itself is above.
    """
    if k > train:
        raise DataError(f"knn.k is {k}, but there are only {train} training pictures: choose a smaller k")
    return sorted({k, *(other for other in knn.KS if other <= train)})


def _describe(config: RunConfig, data: RunData, writer: RunWriter) -> None:
    """Write down what is compared: ``environment.json``, the start event, a line in the log."""
    where = hardware.describe(0, "cpu")
    record = results.environment(
        PACKAGES,
        device=where,
        seed=config.fit.seed,
        data=data,
        backend=None,
        precision="uint8",
    )
    record.write(writer.folder)
    train, val = len(data.train.ids), len(data.val.ids)
    writer.event("start", device=where, parameters=0, train=train, val=val, classes=len(data.classes), epochs=1)
    print(f"{train} training and {val} val pictures of {len(data.classes)} classes on {where}")


def _labels(data: RunData, k: int, writer: RunWriter, stop_requested: Callable[[], bool]) -> dict[str, np.ndarray]:
    """For each metric the (N, k) labels of each val picture's nearest training pictures."""
    clock = Clock()

    def progress(count: int, total: int) -> None:
        if stop_requested():
            raise StopRequested
        if clock.due(PROGRESS_SECONDS) or count == total:
            writer.event("progress", phase="neighbours", done=count, total=total)

    writer.phase("neighbours")
    if stop_requested():
        raise StopRequested
    assert data.train.y is not None
    indices = knn.neighbours(data.train.x, data.val.x, k, knn.METRICS, progress)
    return {metric: data.train.y[rows] for metric, rows in indices.items()}


def _write_predictions(data: RunData, shares: np.ndarray, writer: RunWriter) -> float:
    """Write val's predicted classes and shares of votes (N, K); returns val_accuracy, 0 to 1."""
    assert data.val.y is not None
    y_pred = shares.argmax(axis=1)
    save_predictions(
        writer.folder,
        ids=data.val.ids,
        y_true=data.val.y,
        y_pred=[y_pred],
        best_epoch=1,
        probabilities=shares,
        classes=data.classes,
    )
    return float((y_pred == data.val.y).mean())


def _write_epoch(loss: float, accuracy: float, seconds: float, speed: float, writer: RunWriter) -> None:
    """The one epoch's event; neighbours have no figures on train and no learning rate."""
    writer.event(
        "epoch",
        epoch=1,
        loss=math.nan,
        accuracy=math.nan,
        val_loss=loss,
        val_accuracy=accuracy,
        learning_rate=math.nan,
        seconds=seconds,
        best=True,
        pictures_per_second=speed,
        eta=0.0,
    )


def _print(table: dict[str, dict[int, float]]) -> None:
    for metric, row in table.items():
        print(f"{metric:10}" + "".join(f"  k={k} {accuracy:.4f}" for k, accuracy in row.items()))
