"""What a network's layers hold: feature maps, filters, what each unit responds to, what each layer takes. Imports Keras.

Our networks are chains of layers, some with a skip; `place` counts them from 0, the input left out. Values are float32, as they are outside training.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from dhc.models import chain

BATCH = 32  # pictures whose feature maps lie in memory at once
UNITS = (keras.layers.Conv2D, keras.layers.Dense)  # layers whose units learn to see something


def outputs(model: keras.Model, x: np.ndarray) -> Iterator[tuple[keras.Layer, Any]]:
    """Each layer with its output for the pictures x, (B, 64, 64, 3) uint8, in order; none of them is held on to."""
    layers = model.layers
    values = chain.outputs(layers, ops.convert_to_tensor(x), lambda place, taken: layers[place](taken, training=False))
    yield from zip(layers[1:], values, strict=True)


def layer_values(model: keras.Model, x: np.ndarray, place: int) -> np.ndarray:
    """The output of the layer at `place` for pictures (B, 64, 64, 3) uint8: maps (B, h, w, C), or (B, C)."""
    for number, (_, values) in enumerate(outputs(model, x)):
        if number == place:
            return _float32(values)
    raise IndexError(place)


def peaks(model: keras.Model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of every unit of the layers `UNITS`, one layer after the other, its largest value in each picture, and where that lies.

    Two arrays (B, units): float32 values, and int64 places ``row · width + column`` in the map, 0 for a dense layer.
    """
    parts = [_peaks(model, x[start : start + BATCH]) for start in range(0, len(x), BATCH)]
    values, places = (np.concatenate(column) for column in zip(*parts, strict=True))
    return values, places


def _peaks(model: keras.Model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    highest, where = [], []
    for layer, values in outputs(model, x):
        if not isinstance(layer, UNITS):
            continue
        flat = ops.reshape(values, (len(x), -1, values.shape[-1]))
        highest.append(_float32(ops.max(flat, axis=1)))
        where.append(ops.convert_to_numpy(ops.argmax(flat, axis=1)).astype(np.int64))
    return np.concatenate(highest, axis=1), np.concatenate(where, axis=1)


def first_filters(model: keras.Model) -> np.ndarray:
    """The filters of the first convolution: (height, width, colours, filters)."""
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    return _float32(first.kernel)


def times(model: keras.Model, x: np.ndarray, repeats: int) -> np.ndarray:
    """(layers,) float32: seconds that each layer takes for the batch x, called by itself; the median of so many calls.

    The first call of each, which prepares it, does not count.
    """
    seconds = []

    def timed(place: int, taken: Any) -> Any:
        spans = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            after = _finished(model.layers[place](taken, training=False))
            spans.append(time.perf_counter() - start)
        seconds.append(float(np.median(spans[1:])))
        return after

    deque(chain.outputs(model.layers, ops.convert_to_tensor(x), timed), maxlen=0)
    return np.array(seconds, np.float32)


def _finished(values: Any) -> Any:
    """The values once they are there: JAX hands them out before."""
    wait = getattr(values, "block_until_ready", None)
    return values if wait is None else wait()


def _float32(values: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(values, "float32")))
