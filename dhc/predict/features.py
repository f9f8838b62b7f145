"""The features of a run's pictures: what its best network makes of each before its last layer. Keras only in `network`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dhc.config import DeviceConfig, RunConfig
from dhc.data.content import changes
from dhc.data.decode import Pictures
from dhc.data.select import RunData
from dhc.errors import DataError, RunError
from dhc.machine import hardware
from dhc.predict.answers import load_as_trained, refuse_without_network
from dhc.predict.saved import BATCH
from dhc.runs.config_file import require_config
from dhc.runs.contract import PictureSet, UsedPictures
from dhc.runs.features import MOST_TRAINING, Features, network_stamp
from dhc.runs.predictions import read_predictions

SAMPLE = 0x5A  # beside the run's seed: of the draw of the training sample
Progress = Callable[[int, int], None]  # pictures so far, of how many


def features_of_run(folder: Path, progress: Progress = lambda done, total: None) -> Features:
    """The features of the run in `folder`, made now, on the CPU: GPU memory is for trainings.

    Raises RunError or DataError in one sentence: no network, other pictures than those that the run was trained and judged with.
    """
    config = require_config(folder)
    if not config.trains_network:
        raise RunError(
            f"run {folder.name} is of nearest neighbours: it has no network, so its pictures have no features"
        )
    predictions = read_predictions(folder)
    refuse_without_network(folder)
    stamp = network_stamp(folder)  # before it is read: one that is exchanged meanwhile makes these out of date
    data = load_as_trained(folder, config)
    _refuse_other_pictures(folder, data, predictions.ids)
    assert data.train.y is not None
    rows = training_sample(len(data.train.ids), config.fit.seed)
    ask = asker(folder, config, len(predictions.classes))
    total = len(data.val.ids) + len(rows)
    val, _ = ask_in_batches(ask, data.val.x, progress=lambda done: progress(done, total))
    train, answers = ask_in_batches(ask, data.train.x, rows, lambda done: progress(len(val) + done, total))
    return Features(val, train, rows, data.train.y[rows].astype(np.int64), answers, predictions.best_epoch, stamp)


def training_sample(count: int, seed: int) -> np.ndarray:
    """The places of at most MOST_TRAINING of `count` training pictures, (n,) int64, rising; the same ones for a seed."""
    if count <= MOST_TRAINING:
        return np.arange(count)
    return np.sort(np.random.default_rng([seed, SAMPLE]).choice(count, MOST_TRAINING, replace=False))


def asker(folder: Path, config: RunConfig, classes: int, epoch: int = 0) -> Any:
    """From pictures (B, 64, 64, 3) to their features (B, F) and probabilities (B, K): of the best network, or after a kept epoch.

    Raises RunError.
    """
    os.environ.update(hardware.environment(DeviceConfig(device="cpu"), "cpu"))
    from dhc.predict.network import load_network, network_of_epoch, with_features  # Keras, once the environment is set

    model = network_of_epoch(folder, epoch, config, classes) if epoch else load_network(folder, config, classes)
    return with_features(model).predict_on_batch


def ask_in_batches(
    ask: Any, x: np.ndarray, rows: np.ndarray | None = None, progress: Callable[[int], None] = lambda done: None
) -> tuple[np.ndarray, np.ndarray]:
    """The features and probabilities of pictures (N, 64, 64, 3) or of some rows of them, float32. Raises RunError where they are none."""
    from dhc.predict.network import require_probabilities

    rows = np.arange(len(x)) if rows is None else rows
    features, answers = [], []
    for start in range(0, len(rows), BATCH):
        values, chances = ask(np.asarray(x[rows[start : start + BATCH]]))
        features.append(np.asarray(values, np.float32))
        answers.append(require_probabilities(np.asarray(chances, np.float32)))
        progress(min(start + BATCH, len(rows)))
    joined = np.concatenate(features)
    if np.isnan(joined).any():
        raise RunError(
            "its network's features are no numbers, so its weights are damaged: a copy of the run would train it anew"
        )
    return joined, np.concatenate(answers)


def _refuse_other_pictures(folder: Path, data: RunData, judged: np.ndarray) -> None:
    """Raise DataError where the pictures are not those that the run learned from and was judged by, in their order."""
    used = UsedPictures.of(folder)
    for split, noted, pictures in (("training", used.train, data.train), ("val", used.val, data.val)):
        if what := _difference(used, noted, pictures, data.classes):
            raise DataError(
                f"the {split} pictures of run {folder.name} have changed since ({what}): put them back, or start a copy of the run on the new ones"
            )
    if judged.tolist() != data.val.ids.tolist():
        raise DataError(
            f"the val pictures of run {folder.name} are others now, or in another order: put its data set back, or start a copy of the run on the new ones"
        )


def _difference(used: UsedPictures, noted: PictureSet, pictures: Pictures, classes: tuple[str, ...]) -> str:
    """What changed since they were noted, in words; "" where nothing did, or an old run noted nothing."""
    now = dict(zip(pictures.ids.tolist(), (classes[i] for i in np.asarray(pictures.y)), strict=True))
    before = used.labels(noted)
    if not before or list(before.items()) == list(now.items()):
        return ""
    return changes(before, now).text() or "their order"
