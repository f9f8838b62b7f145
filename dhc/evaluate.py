"""How a run's best network does on a split: from its stored predictions for val, from the network itself elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from dhc.analysis.confusion import confusion_matrix
from dhc.data.decode import load_pictures
from dhc.data.layout import DataError, open_dataset
from dhc.data.select import first_classes
from dhc.runs.rundir import RunError
from dhc.runs.store import read_config, read_predictions
from dhc.training import hardware


def confusion_of_run(folder: Path, split: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(K, K) int64 counts, rows true and columns predicted, and the K class names.

    Raises RunError or DataError in one sentence: no predictions yet, no network, no labels, no pictures.
    """
    stored = read_predictions(folder)
    k = len(stored.classes)
    if split == "val":
        return confusion_matrix(stored.y_true, stored.predicted, k), stored.classes
    y_true, y_pred = _predict(folder, split, stored.classes)
    return confusion_matrix(y_true, y_pred, k), stored.classes


def _predict(folder: Path, split: str, classes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    config, problem = read_config(folder)
    if config is None:
        raise RunError(f"run {folder.name}: {problem}")
    dataset = open_dataset(Path(config.data.path))
    if dataset.classes[: len(classes)] != classes:
        raise DataError(
            f"{dataset.root} has other classes now than when run {folder.name} was trained: give back its data set"
        )
    pictures = load_pictures(dataset, split, skip_bad=config.data.skip_bad)
    if pictures.y is None:
        raise DataError(
            f"the {split} pictures in {dataset.root} have no labels, so nothing can be scored; `predict` writes a submission"
        )
    pictures = first_classes(pictures, len(classes))
    os.environ.update(hardware.environment(config.device, hardware.resolve(config.device.device)))
    from dhc.explain.predict import load_network, probabilities  # Keras, once the environment is set

    assert pictures.y is not None
    return pictures.y, probabilities(load_network(folder), pictures.x).argmax(axis=1)
