"""What Keras takes its pictures from. Imports Keras.

TensorFlow's pipelines are tuned by a thread that sleeps ever longer, 5 s after 5 s, 10 s after 10 s, and may sleep on when it is told to
end: then an epoch is over only when it wakes. Nothing here needs tuning, so these pipelines go without.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

AHEAD = 2  # batches that are ready before they are asked for


def of_pictures(x: np.ndarray, size: int) -> Any:
    """What `predict` takes for `x` (N, …), in batches of `size`, again and again.

    TensorFlow would copy the array and lay a new pipeline for each pass, which takes longer than to judge some hundred pictures.
    """
    if keras.backend.backend() != "tensorflow":
        return x
    tf = importlib.import_module("tensorflow")
    with tf.device("CPU"):
        return _untuned(tf.data.Dataset.from_tensor_slices(x).batch(size))


def of_batches(batches: keras.utils.PyDataset) -> Any:
    """What `fit` takes for `batches`, each pass through which is an epoch: the same ones in the same order."""
    if keras.backend.backend() != "tensorflow":
        return batches
    tf = importlib.import_module("tensorflow")

    def epoch() -> Iterator[tuple[np.ndarray, ...]]:
        batches.on_epoch_begin()
        for number in range(len(batches)):
            yield batches[number]

    kinds = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])
    with tf.device("CPU"):
        dataset = tf.data.Dataset.from_generator(epoch, output_signature=kinds)
        return _untuned(dataset.apply(tf.data.experimental.assert_cardinality(len(batches))))


def _untuned(dataset: Any) -> Any:
    options = importlib.import_module("tensorflow").data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(AHEAD).with_options(options)
