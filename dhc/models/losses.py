"""What a training step minimises, and how often it is right, for plain labels and for mixed ones. Imports Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dhc.config import RunConfig
from dhc.models.mixing import mixes

Loss = Callable[[Any, Any], Any]


def loss_of(config: RunConfig, classes: int) -> str | Loss:
    """The crossentropy with the config's labels: smoothed, mixed, or as they are."""
    smoothing = config.fit.label_smoothing
    if not (smoothing or mixes(config.augment)):
        return "sparse_categorical_crossentropy"

    def loss(y: Any, probabilities: Any) -> Any:
        labels = _shares(y, classes) if mixes(config.augment) else ops.one_hot(ops.reshape(y, (-1,)), classes)
        return keras.losses.categorical_crossentropy(labels, probabilities, label_smoothing=smoothing)

    return loss


def accuracy_of(config: RunConfig) -> keras.metrics.Metric:
    """The share of right answers; of a mixed picture both classes are right, each by its share."""
    if mixes(config.augment):
        return keras.metrics.MeanMetricWrapper(_mixed_accuracy, name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy("accuracy")


def _shares(y: Any, classes: int) -> Any:
    """(B, K): the shares of the classes in mixed labels (B, 3), see `dhc.models.mixing`."""
    own, other = (ops.one_hot(ops.cast(y[:, column], "int32"), classes) for column in (0, 1))
    share = ops.expand_dims(y[:, 2], -1)
    return share * own + (1 - share) * other


def _mixed_accuracy(y: Any, probabilities: Any) -> Any:
    answers = ops.cast(ops.argmax(probabilities, axis=-1), y.dtype)
    own, other = (ops.cast(ops.equal(answers, y[:, column]), "float32") for column in (0, 1))
    return y[:, 2] * own + (1 - y[:, 2]) * other
