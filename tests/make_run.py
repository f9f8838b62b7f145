"""Run folders for tests of the reader's side, with figures drawn by a seed.

Every file is as training writes it.

The pictures are real ones of a real data folder; only what "the network" said of them is made up, with the habits of a
real one: it gets better from epoch to epoch, is surer when it is right, and takes look-alikes for each other.
"""

from __future__ import annotations

import functools
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dhc.config import RunConfig
from dhc.data.about import noted_recipe
from dhc.data.layout import fingerprint, open_dataset
from dhc.data.select import class_count
from dhc.files import write
from dhc.runs import rundir
from dhc.runs.contract import PictureSet, Process, UsedPictures, write_exit
from dhc.runs.dynamics import write_epoch
from dhc.runs.epoch_maps import EpochMaps, write_epoch_maps
from dhc.runs.features import Features, network_stamp, write_features
from dhc.runs.histograms import KINDS, Histograms, histograms, write_histograms
from dhc.runs.identity import identify
from dhc.runs.picture_map import PictureMap, write_map
from dhc.runs.predictions import read_predictions

How = Literal["finished", "stopped", "failed", "running"]
LEARNING_RATE = 1e-3


def make_run(
    runs_dir: Path,
    data: Path,
    *,
    epochs: int = 6,
    accuracy: float = 0.75,
    how: How = "finished",
    best_epoch: int | None = None,
    settings: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> Path:
    """Write a run on the data folder `data` into `runs_dir` and return its folder.

    accuracy: of val at the best epoch, 0 to 1 (1.0: no mistake at all). best_epoch: 1-based, default the last. settings:
    dotted names of RunConfig. how="running" names this very process as the one that trains, so the run is alive, and its device busy, as
    long as the test is. device: whose queue it came from.
    """
    config = RunConfig().with_values({"data.path": str(data), "fit.epochs": epochs, **(settings or {})})
    dataset = open_dataset(data)
    classes = dataset.classes[: class_count(dataset, config.data.classes)]
    val = dataset.splits["val"]
    assert val.y is not None
    rows = np.flatnonzero(val.y < len(classes))
    files, y_true = np.array(val.files)[rows], val.y[rows]
    folder = runs_dir / (run_id or rundir.new_id(config.model.name))
    folder.mkdir(parents=True)
    best = best_epoch or epochs
    predicted = learn(y_true, classes, accuracies(epochs, best, accuracy), seed)
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": time.time(), "device": device})
    of_data = {"data_fingerprint": fingerprint(dataset), "data_recipe": dict(noted_recipe(data))}
    rundir.write_json(folder / rundir.ENVIRONMENT, {"device": device, **of_data})
    write_predictions(folder, files, y_true, predicted, best, say(predicted[best - 1], y_true, classes, seed), classes)
    _write_events(folder, (predicted == y_true).mean(axis=1), y_true.size, epochs, best)
    _write_end(folder, how, epochs, best, (predicted == y_true).mean(axis=1).tolist())
    return folder


def accuracies(epochs: int, best: int, accuracy: float) -> np.ndarray:
    """(E,) val accuracies that rise to `accuracy` at the 1-based epoch `best`, then drop a bit."""
    epoch = np.arange(1, epochs + 1)
    rising = accuracy * (1 - 0.8 * np.exp(-3.0 * epoch / best)) / (1 - 0.8 * np.exp(-3.0))
    return np.where(epoch == best, accuracy, np.where(epoch < best, rising, 0.97 * accuracy))


def learn(y_true: np.ndarray, classes: Sequence[str], accuracy: np.ndarray, seed: int) -> np.ndarray:
    """(E, N) int64: easy pictures are learnt first, wrong ones mostly taken for look-alikes."""
    rng = np.random.default_rng(seed)
    difficulty = rng.permutation(y_true.size) / y_true.size
    wrong = np.array([_mistaken(rng, int(y), _look_alikes(classes)) for y in y_true])
    random = (y_true + rng.integers(1, len(classes), (len(accuracy), y_true.size))) % len(classes)
    undecided = rng.random((len(accuracy), y_true.size)) < np.linspace(0.6, 0.0, len(accuracy))[:, None]
    mistakes = np.where(undecided, random, wrong)
    return np.where(difficulty < accuracy[:, None], y_true, mistakes).astype(np.int64)


def say(predicted: np.ndarray, y_true: np.ndarray, classes: Sequence[str], seed: int) -> np.ndarray:
    """(N, K) float32 probabilities whose largest is the predicted class's, larger where right."""
    rng = np.random.default_rng([seed, 1])
    rows = np.arange(len(predicted))
    logits = rng.gumbel(0, 0.6, (len(predicted), len(classes)))
    logits[rows, y_true] += 2.0
    logits[rows, predicted] = (
        logits.max(axis=1) + np.where(predicted == y_true, 2.0, 1.1) * rng.gamma(2.0, 0.8, len(rows)) + 0.01
    )
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def write_predictions(
    folder: Path,
    files: np.ndarray,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    best_epoch: int,
    probabilities: np.ndarray,
    classes: Sequence[str],
) -> None:
    """predictions.npz, replaced as training replaces it."""
    values: dict[str, Any] = {
        "ids": files,
        "y_true": y_true.astype(np.uint16),
        "y_pred": y_pred.astype(np.uint16),
        "best_epoch": np.int64(best_epoch),
        "probabilities": probabilities.astype(np.float32),
        "classes": np.array(classes, dtype=np.str_),
    }
    write.replace(folder / rundir.PREDICTIONS, lambda file: np.savez(file, **values))


def _look_alikes(classes: Sequence[str]) -> dict[int, list[int]]:
    """Per class the others whose names begin with the same word; without any, the next class."""
    word = [name.split(" ")[0] for name in classes]
    same = {i: [j for j in range(len(classes)) if j != i and word[j] == word[i]] for i in range(len(classes))}
    return {i: others or [(i + 1) % len(classes)] for i, others in same.items()}


def _mistaken(rng: np.random.Generator, y: int, look_alikes: Mapping[int, Sequence[int]]) -> int:
    if rng.random() < 0.75:
        return int(rng.choice(look_alikes[y]))
    return int((y + rng.integers(1, len(look_alikes))) % len(look_alikes))


def _write_events(folder: Path, accuracy: np.ndarray, pictures: int, epochs: int, best: int) -> None:
    highest = -1.0
    with rundir.RunWriter(folder) as writer:
        writer.phase("training")
        writer.event(
            "start", device="cpu", parameters=1_000_000, train=10 * pictures, val=pictures, epochs=epochs, patience=22
        )
        for epoch, val_accuracy in enumerate(accuracy.tolist(), start=1):
            loss, best_so_far = 4.6 * (1 - val_accuracy) + 0.1, val_accuracy > highest
            figures = {"loss": loss, "accuracy": val_accuracy, "pictures_per_second": 900.0}
            for part in (0.5, 1.0):
                writer.event("batch", epoch=epoch, position=epoch - 1 + part, **figures)
            figures |= {"val_loss": loss, "val_accuracy": val_accuracy, "learning_rate": LEARNING_RATE, "seconds": 10.0}
            writer.event("epoch", epoch=epoch, **figures, best=best_so_far)
            if best_so_far:
                highest = val_accuracy
                writer.event("checkpoint", epoch=epoch, val_accuracy=val_accuracy)


def _write_end(folder: Path, how: How, epochs: int, best: int, curve: list[float]) -> None:
    if how == "running":
        child = identify(os.getpid())
        Process(child=child, worker=child, host=socket.gethostname()).write(folder)
        return
    figures = {"curve": curve, "accuracy": curve[-1], "val_accuracy": curve[-1]}
    summary = {"epochs": epochs, "best_epoch": best, "best_val_accuracy": curve[best - 1], "seconds": 10.0 * epochs}
    rundir.write_json(folder / rundir.SUMMARY, summary | figures)
    write_exit(folder, how, "made for a test", code=1 if how == "failed" else 0)


def add_health(
    folder: Path, epochs: Sequence[int], layers: Sequence[str] = ("conv 1", "norm 1", "dense 1"), **figures: Any
) -> None:
    """Looks at the layers after these epochs, as training writes them: events, and histograms.

    figures: by name a value for each layer, or a row of them for each epoch; what is not given is that of a sane network.
    """
    rng = np.random.default_rng(0)
    sane = {"update_ratio": 0.002, "gradient_norm": 3.0, "dead_share": 0.1, "mean": 0.1, "std": 0.5}
    rows = {name: np.broadcast_to(figures.get(name, value), (len(epochs), len(layers))) for name, value in sane.items()}
    looks = []
    with rundir.RunWriter(folder) as writer:
        for place, epoch in enumerate(epochs):
            names = {"layers": list(layers)} if not place else {}
            values = {name: row[place].tolist() for name, row in rows.items()}
            writer.event("health", epoch=epoch, **names, **values, mean_largest=0.5, share_certain=0.25)
            samples = {kind: [rng.normal(epoch, 1, 500) for _ in layers] for kind in KINDS}
            looks.append(histograms(layers, epoch, samples))
    write_histograms(folder, functools.reduce(Histograms.joined, looks))


def add_dynamics(folder: Path, data: Path, *, suspect: Sequence[int] = (), epochs: int = 4, seed: int = 0) -> None:
    """What the "network" said of each of the run's training pictures, epoch by epoch; in the rows `suspect` it doubts the label."""
    dataset = open_dataset(data)
    train, val = dataset.splits["train"], dataset.splits["val"]
    assert train.y is not None
    assert val.y is not None
    sets = {
        name: PictureSet(files=list(split.files), labels=np.asarray(split.y).tolist())
        for name, split in (("train", train), ("val", val))
    }
    UsedPictures(classes=list(dataset.classes), **sets).write(folder)
    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        p = rng.uniform(0.3, 0.6, len(train.files)) + 0.3 * epoch / epochs
        p[list(suspect)] = np.linspace(0.01, 0.05, len(suspect))
        write_epoch(folder, epoch, np.stack([p, np.log(p / (1 - p))], axis=1))


def add_map(folder: Path, data: Path) -> Features:
    """Features of made-up values, and a map on which each picture lies at places of its own."""
    predictions = read_predictions(folder)
    labels = np.asarray(open_dataset(data).splits["train"].y)
    count, classes = len(predictions.ids), len(predictions.classes)
    rng = np.random.default_rng(0)
    features = Features(
        val=rng.random((count, 6)).astype(np.float32),
        train=rng.random((len(labels), 6)).astype(np.float32),
        train_rows=np.arange(len(labels)),
        train_true=labels.astype(np.int64),
        train_probabilities=np.eye(classes, dtype=np.float32)[labels],
        best_epoch=predictions.best_epoch,
        stamp=network_stamp(folder),
    )
    write_features(folder, features)
    places = rng.random((count + len(labels), 2)).astype(np.float32)
    places[0], places[1] = (0, 0), (1, 1)
    shares = np.array([0.4, 0.2], np.float32)
    write_map(
        folder,
        PictureMap({"tsne": places, "pca": -places}, shares, 30, count, predictions.best_epoch, features.stamp),
    )
    return features


def add_epoch_maps(folder: Path, features: Features, epochs: Sequence[int] = (2, 4, 6)) -> EpochMaps:
    """Maps after some epochs of every second picture of the run's map, each at places of its own, the classes in turn."""
    rng = np.random.default_rng(1)
    rows = np.arange(0, len(features.val) + len(features.train), 2)
    places = rng.random((2, len(epochs), len(rows), 2)).astype(np.float32)
    maps = EpochMaps(
        epochs=np.array(epochs),
        rows=rows,
        places={"tsne": places[0], "pca": places[1]},
        shares=np.tile(np.array([0.3, 0.1], np.float32), (len(epochs), 1)),
        predicted=np.arange(len(epochs) * len(rows)).reshape(len(epochs), -1) % features.train_probabilities.shape[1],
        confidence=rng.uniform(0.4, 1, (len(epochs), len(rows))).astype(np.float32),
        perplexity=5.0,
        best_epoch=features.best_epoch,
        stamp=features.stamp,
    )
    write_epoch_maps(folder, maps)
    return maps


def write_training(folder: Path, data: Path, *, epochs: int = 6, seed: int = 0) -> None:
    """What a training writes of its own pictures: ``pictures.json`` and ``dynamics/``.

    Some are known from the first epoch on, some in the last ones, some come and go, and every eighth is never recognised.
    """
    dataset = open_dataset(data)
    train = dataset.splits["train"]
    assert train.y is not None
    pictures = PictureSet(files=list(train.files), labels=train.y.tolist())
    UsedPictures(classes=list(dataset.classes), train=pictures).write(folder)
    rng = np.random.default_rng(seed)
    count = len(train.y)
    pace = rng.gamma(2.0, 0.2, count) * np.where(np.arange(count) % 8 == 0, -1, 1)
    for epoch in range(1, epochs + 1):
        margin = -2 + 8 * pace * epoch / epochs + rng.normal(0, 3 * rng.random(count))
        write_epoch(folder, epoch, np.stack([1 / (1 + np.exp(-margin)), margin], axis=1))
