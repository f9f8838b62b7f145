"""What a run says of the pictures of a split: stored answers for val, its network or its neighbours asked anew elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dhc.analysis.confusion import confusion_matrix
from dhc.config import RunConfig
from dhc.data.decode import Pictures, load_pictures
from dhc.data.layout import Dataset, open_dataset
from dhc.data.select import first_classes, load_for_run
from dhc.errors import DataError, RunError
from dhc.machine import hardware
from dhc.models import knn
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Request
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions


@dataclass(frozen=True, eq=False)
class SplitPredictions:
    """What a run says of pictures, in the order of their CSV.

    ``ids``: (N,) str, files as in ``Split.files``. ``y_true``: (N,) int64, None where there are no labels. ``predicted``: (N,)
    int64, index into ``classes``. ``probabilities``: (N, K) float32; of nearest neighbours, their shares of the votes.
    """

    ids: np.ndarray
    y_true: np.ndarray | None
    predicted: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]


def confusion_of_run(folder: Path, split: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(K, K) int64 counts, rows true and columns predicted, and the K class names.

    Raises RunError or DataError in one sentence: no predictions yet, no network, no labels, no pictures.
    """
    found = predict_split(folder, split)
    if found.y_true is None:
        raise DataError(f"the {split} pictures have no labels, so nothing can be scored; `predict` writes a submission")
    return confusion_matrix(found.y_true, found.predicted, len(found.classes)), found.classes


def predict_split(folder: Path, split: str, *, every: bool = False) -> SplitPredictions:
    """The answers of the run in `folder` on ``train``, ``val`` or ``test``; for val the stored ones.

    A run that uses only some of the classes answers for the pictures of those, where there are labels, and pictures that
    cannot be read have no row where its settings leave them out. With `every` there is an answer for each picture that the
    CSV lists, whatever its class, or a DataError that names the pictures that cannot be read. Raises RunError or DataError
    in one sentence.
    """
    stored = read_predictions(folder)
    if split == "val" and not every:
        return SplitPredictions(stored.ids, stored.y_true, stored.predicted, stored.probabilities, stored.classes)
    config, problem = read_config(folder)
    if config is None:
        raise RunError(f"run {folder.name}: {problem}")
    if config.trains_network:
        _refuse_without_network(folder)
    dataset = open_dataset(Path(config.data.path))
    if dataset.classes[: len(stored.classes)] != stored.classes:
        raise DataError(
            f"{dataset.root} has other classes now than when run {folder.name} was trained: give back its data set"
        )
    pictures = _pictures(config, dataset, split, stored, every)
    probabilities = (_network if config.trains_network else _neighbours)(folder, config, pictures, stored)
    return SplitPredictions(pictures.ids, pictures.y, probabilities.argmax(axis=1), probabilities, stored.classes)


def _refuse_without_network(folder: Path) -> None:
    """Before any picture is opened and Keras imported, which takes a while."""
    if (folder / rundir.BEST).exists():
        return
    request = Request.read(folder) or Request()
    why = (
        "the networks of the example runs were left out for their size, so train a run of your own with its settings"
        if request.example
        else f"its network, {rundir.BEST}, is not there: no epoch has ended, or it was deleted"
    )
    raise RunError(f"run {folder.name} cannot be asked: {why}")


def _pictures(config: RunConfig, dataset: Dataset, split: str, stored: Predictions, every: bool) -> Pictures:
    pictures = load_pictures(dataset, split, skip_bad=config.data.skip_bad or every)
    if every and pictures.bad:
        names = ", ".join(bad.file for bad in pictures.bad[:5])
        more = f" and {len(pictures.bad) - 5:,} more" if len(pictures.bad) > 5 else ""
        raise DataError(f"each {split} picture needs an answer, but these cannot be read: {names}{more}; mend them")
    return pictures if every or pictures.y is None else first_classes(pictures, len(stored.classes))


def _network(folder: Path, config: RunConfig, pictures: Pictures, stored: Predictions) -> np.ndarray:
    """(N, K) float32 probabilities of the run's best network."""
    os.environ.update(hardware.environment(config.device, hardware.resolve(config.device.device)))
    from dhc.predict.network import load_network, probabilities  # Keras, once the environment is set

    return probabilities(load_network(folder), pictures.x)


def _neighbours(folder: Path, config: RunConfig, pictures: Pictures, stored: Predictions) -> np.ndarray:
    """(N, K) float32 shares of the votes of each picture's neighbours among the training pictures that the run used."""
    data = load_for_run(config.data, config.fit.seed)
    k, metric = config.knn.k, config.knn.metric
    if k > len(data.train.ids):
        raise DataError(f"run {folder.name} asks {k} neighbours, but there are only {len(data.train.ids)} pictures now")
    assert data.train.y is not None
    rows = knn.neighbours(data.train.x, pictures.x, k, [metric])[metric]
    return knn.vote(data.train.y[rows], len(stored.classes))
