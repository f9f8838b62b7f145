"""A run's answers for the pictures of a split: stored ones for val, else predicted now."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dhc.analysis.confusion import confusion_matrix
from dhc.config import RunConfig
from dhc.data.content import changes, split_print
from dhc.data.decode import Pictures, load_pictures
from dhc.data.layout import Dataset, open_dataset
from dhc.data.review_effect import marks_of_run
from dhc.data.select import RunData, first_classes, load_for_run
from dhc.errors import DataError, RunError
from dhc.machine import hardware
from dhc.models import knn
from dhc.predict.mirrored import sides
from dhc.runs import rundir
from dhc.runs.config_file import require_config
from dhc.runs.contract import Environment, Request, UsedPictures
from dhc.runs.predictions import read_predictions
from dhc.runs.records import Predictions

Ask = Callable[[np.ndarray], np.ndarray]  # pictures to probabilities


@dataclass(frozen=True, eq=False)
class SplitPredictions:
    """A run's answers for pictures, in the order of their CSV.

    ids             (N,) str, files as in `Split.files`
    y_true          (N,) int64, index into classes; None where there are no labels
    predicted       (N,) int64, index into classes
    probabilities   (N, K) float32; of nearest neighbours their shares of the votes
    classes         K names
    """

    ids: np.ndarray
    y_true: np.ndarray | None
    predicted: np.ndarray
    probabilities: np.ndarray
    classes: tuple[str, ...]


def confusion_of_run(folder: Path, split: str, *, mirror: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """The confusion matrix of a run on a split, (K, K) int64, rows true, and the K class names; `mirror` as in `predict_split`.

    Raises RunError or DataError in one sentence: no predictions yet, no network, no labels, no pictures.
    """
    predictions = predict_split(folder, split, mirror=mirror)
    classes = predictions.classes
    if predictions.y_true is None:
        raise DataError(f"the {split} pictures have no labels, so nothing can be scored; `predict` writes a submission")
    return confusion_matrix(predictions.y_true, predictions.predicted, len(classes)), classes


def predict_split(folder: Path, split: str, *, every: bool = False, mirror: bool = False) -> SplitPredictions:
    """The answers of a run on ``train``, ``val`` or ``test``; those for val are stored, but not those with a `mirror`.

    A run that uses only some of the classes answers for the pictures of those, where there are labels, and pictures
    that cannot be read have no row where its settings leave them out. With `every` there is an answer for each
    picture that the table lists and that can be read, whatever its class. With `mirror` each picture is asked together with its
    mirror image, too. Raises RunError or DataError in one sentence.
    """
    val = read_predictions(folder)
    if split == "val" and not every and not mirror:
        return SplitPredictions(val.ids, val.y_true, val.predicted, val.probabilities, val.classes)
    config = require_config(folder)
    if config.trains_network:
        refuse_without_network(folder)
    dataset = open_dataset(Path(config.data.path))
    count = len(val.classes)
    if dataset.classes[:count] != val.classes:
        raise DataError(
            f"{dataset.root} has other classes now than when run {folder.name} was trained: put its data set back"
        )
    if split == "val" and not every:
        pictures = _val_as_judged(folder, config, val)
    else:
        pictures = _pictures(config, dataset, split, count, every)
    ask = _network(folder, config, count) if config.trains_network else _neighbours(folder, config, count)
    probabilities = np.mean([ask(x) for x in sides(pictures.x, mirror)], axis=0)
    return SplitPredictions(pictures.ids, pictures.y, probabilities.argmax(axis=1), probabilities, val.classes)


def refuse_without_network(folder: Path) -> None:
    """Raise RunError before pictures are opened and Keras is imported, which take a while."""
    if (folder / rundir.BEST).exists():
        return
    request = Request.of(folder)
    why = (
        "the networks of the example runs were left out for their size, so train a run of your own with its settings"
        if request.example
        else f"its network, {rundir.BEST}, is not there: no epoch has ended, or it was deleted"
    )
    raise RunError(f"run {folder.name} cannot answer: {why}")


def _pictures(config: RunConfig, dataset: Dataset, split: str, classes: int, every: bool) -> Pictures:
    """The pictures of a split: of its first classes, or every one that can be read. Raises DataError."""
    pictures = load_pictures(dataset, split, skip_bad=config.data.skip_bad or every)
    return pictures if every or pictures.y is None else first_classes(pictures, classes)


def _val_as_judged(folder: Path, config: RunConfig, val: Predictions) -> Pictures:
    """The val pictures and labels that the run was judged by. Raises DataError where they are others today."""
    pictures = load_as_trained(folder, config).val
    if not (np.array_equal(pictures.ids, val.ids) and np.array_equal(np.asarray(pictures.y), val.y_true)):
        raise DataError(
            f"the val pictures or labels of run {folder.name} have changed since it was judged by them: put them back"
        )
    return pictures


def _network(folder: Path, config: RunConfig, classes: int) -> Ask:
    """What gives the probabilities of the run's best network: (N, K) float32."""
    os.environ.update(hardware.environment(config.device, hardware.resolve(config.device.device)))
    from dhc.predict.network import load_network, probabilities  # Keras, once the environment is set

    return partial(probabilities, load_network(folder, config, classes))


def _neighbours(folder: Path, config: RunConfig, classes: int) -> Ask:
    """What gives the shares of the votes, (N, K) float32, of neighbours among the run's training pictures."""
    data = load_as_trained(folder, config)
    _refuse_other_neighbours(folder, data)
    train, k, metric = first_classes(data.train, classes), config.knn.k, config.knn.metric
    if k > len(train.ids):
        raise DataError(f"run {folder.name} asks {k} neighbours, but there are only {len(train.ids)} pictures now")
    labels = train.y
    assert labels is not None
    return lambda x: knn.vote(labels[knn.neighbours(train.x, x, k, [metric])[metric]], classes)


def load_as_trained(folder: Path, config: RunConfig) -> RunData:
    """A run's pictures as they are today, with the review that it was trained with. Raises DataError."""
    return load_for_run(config.data, config.fit.seed, marks=marks_of_run(folder, config))


def _refuse_other_neighbours(folder: Path, data: RunData) -> None:
    """Raise DataError where the pictures that answer are not those that the run was judged with."""
    noted = Environment.of(folder).data_prints.get("train")
    if not noted or noted == split_print(data.dataset, "train", data.train):
        return
    used = UsedPictures.of(folder)
    now = {str(file): data.classes[i] for file, i in zip(data.train.ids, np.asarray(data.train.y), strict=True)}
    what = changes(used.labels(used.train), now).text() or "what they show"
    raise DataError(
        f"the training pictures of run {folder.name}, which answer for it, have changed since ({what}): "
        "put them back, or start a copy of the run on the new ones"
    )
