"""The loss along the straight line between two networks, for the helper process. Keras with the first question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dhc.errors import RunError
from dhc.files.messages import Message
from dhc.predict.networks import NETWORKS, PART

MOST_PICTURES, MOST_POINTS = 256, 41


def between(question: Message) -> Message:
    """``loss`` and ``accuracy`` (P,) float32 of networks between those of the runs in ``folder`` and ``other``.

    At each of the ``shares`` (P,) float32 from 0 to 1 every weight is (1 - share) · the first network's + share · the second one's, the
    averages of batch normalisation among them. Judged by the pictures ``x`` (N, 64, 64, 3) uint8 and their classes ``y`` (N,)
    int64. ``epoch`` and ``other_epoch`` are kept epochs, 0 for the best network. Raises RunError for two networks of other layers.
    """
    x, y = question.arrays["x"], question.arrays["y"].astype(np.int64)
    shares = question.arrays["shares"].astype(np.float64)
    assert x.shape[1:] == (64, 64, 3)
    assert x.dtype == np.uint8
    assert 1 <= len(x) == len(y) <= MOST_PICTURES
    assert 1 <= len(shares) <= MOST_POINTS
    values = question.values
    first = NETWORKS.of(Path(values["folder"]), int(values["epoch"])).model
    second = NETWORKS.of(Path(values["other"]), int(values["other_epoch"])).model
    ends = first.get_weights(), second.get_weights()
    if [part.shape for part in ends[0]] != [part.shape for part in ends[1]] or y.max() >= first.output.shape[-1]:
        raise RunError("these two networks have other layers or classes: no straight line leads from one to the other")
    import keras

    twin = keras.models.clone_model(first)  # the two ends keep their weights
    judged = []
    for share in shares.tolist():
        twin.set_weights([(1 - share) * a + share * b for a, b in zip(*ends, strict=True)])
        judged.append(_judged(twin, x, y))
    loss, accuracy = np.array(judged, dtype=np.float32).T
    return Message({}, {"loss": loss, "accuracy": accuracy})


def _judged(model: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The mean cross-entropy and the accuracy."""
    parts = [np.asarray(model.predict_on_batch(x[at : at + PART]), np.float64) for at in range(0, len(x), PART)]
    probabilities = np.concatenate(parts)
    of_true = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.maximum(of_true, 1e-7)).mean()), float((probabilities.argmax(axis=1) == y).mean())
