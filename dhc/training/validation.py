"""Evaluating each epoch on val, and keeping the best network. Imports Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dhc.files import write
from dhc.models.build import copy_weights
from dhc.models.pipeline import of_pictures
from dhc.runs import rundir
from dhc.runs.predictions import save_predictions
from dhc.training.outcomes import NonFiniteAnswersError
from dhc.training.results import cross_entropy

VAL_BATCH = 128  # pictures


class Validation(keras.callbacks.Callback):  # type: ignore[misc]
    """Evaluates each epoch on val in one pass: val_loss, val_accuracy, each picture's class.

    Takes the place of fit's ``validation_data``, which would cost a second pass for the predictions. What is evaluated is
    `network`, which gets the model's weights (averaged ones, if the optimizer keeps averages); `callbacks` watch the pass.
    `predictions` grows by one (N,) uint16 array an epoch; `probabilities` is the last epoch's (N, K) float32; `seconds` is
    how long the last pass took.
    """

    def __init__(
        self,
        network: keras.Model,
        x: np.ndarray,
        y: np.ndarray,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self._x, self._y = of_pictures(x, VAL_BATCH), y
        self._options = {"batch_size": VAL_BATCH, "verbose": 0, "callbacks": list(callbacks)}
        self.predictions: list[np.ndarray] = []
        self.probabilities = np.empty((0, 0), np.float32)
        self.seconds = 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Predict val and put val_loss and val_accuracy into the logs. Raises NonFiniteAnswersError."""
        start = time.perf_counter()
        copy_weights(self.model, self.network)
        self.probabilities = np.asarray(self.network.predict(self._x, **self._options), np.float32)
        if not np.isfinite(self.probabilities).all():
            raise NonFiniteAnswersError(epoch + 1)
        self.predictions.append(self.probabilities.argmax(axis=1).astype(np.uint16))
        logs["val_loss"] = cross_entropy(self._y, self.probabilities)
        logs["val_accuracy"] = float((self.predictions[-1] == self._y).mean())
        self.seconds = time.perf_counter() - start

    def state(self) -> dict[str, Any]:
        """Nothing: the predictions are in a file of their own, which is saved beside the state."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up ``y_pred`` (E, N) as far as the state's ``epoch``."""
        self.predictions = list(state["y_pred"][: int(state["epoch"])])


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the network and val's predictions of the best val_accuracy; the earlier wins ties."""

    def __init__(
        self, folder: Path, validation: Validation, ids: np.ndarray, y: np.ndarray, classes: tuple[str, ...]
    ) -> None:
        super().__init__()
        self._folder, self._validation = folder, validation
        self._constants: dict[str, Any] = {"ids": ids, "y_true": y, "classes": classes}
        self._probabilities = np.empty((0, 0), np.float32)
        self.best = -math.inf
        self.best_epoch = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Put ``best`` into the logs, save the network where it is true, the predictions always."""
        logs["best"] = logs["val_accuracy"] > self.best
        if logs["best"]:
            self.best, self.best_epoch = logs["val_accuracy"], epoch + 1
            self._probabilities = self._validation.probabilities
            save_network(self._validation.network, self._folder / rundir.BEST)
        self._save_predictions()

    def state(self) -> dict[str, Any]:
        """The best val_accuracy, 0 to 1, and its epoch, from 1."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier process's best, whose ``probabilities`` are (N, K)."""
        self.best, self.best_epoch = float(state["best"]), int(state["best_epoch"])
        self._probabilities = state["probabilities"]

    def _save_predictions(self) -> None:
        save_predictions(
            self._folder,
            y_pred=self._validation.predictions,
            best_epoch=self.best_epoch,
            probabilities=self._probabilities,
            **self._constants,
        )


def save_network(network: keras.Model, path: Path) -> None:
    """Save a network, replacing `path` atomically."""
    with write.draft(path) as place:  # removed where this fails: half a network would keep a full disk full
        network.save(place)
