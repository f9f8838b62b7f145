"""One picture's way through a network, number by number: every layer's output, and how one number of it came about. Imports Keras.

Our networks are chains of layers, some with a skip; `place` counts them from 0, the input left out. A number's place in its layer is a row, a column
and a unit; of a vector the row and the column are 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from dhc.explain.layers import outputs
from dhc.models import chain

ACTIVATIONS = (keras.layers.ReLU, keras.layers.PReLU)
PASSING = (
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
    *ACTIVATIONS,
)  # layers that change each number by itself


@dataclass(frozen=True, eq=False)
class Number:
    """How one number came about.

    values: plain ones: ``value``, what the layer has there, and by kind of layer ``bias``, ``sum``, ``top``, ``left``, ``gamma`` …
    arrays: of a convolution ``patch`` and ``kernel``, both (k, k, C); of pooling ``patch`` (p, p); of a dense layer ``inputs`` and
    ``weights``, both (N,), and with a softmax ``logits`` (K,); all float32.
    """

    values: Mapping[str, float | int | str]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def values_of(model: keras.Model, x: np.ndarray) -> list[np.ndarray]:
    """Every layer's output for one picture (64, 64, 3) uint8, as float32 (h, w, C); of a vector (1, 1, N)."""
    return [as_maps(_array(values)[0]) for _, values in outputs(model, x[None])]


def as_maps(values: np.ndarray) -> np.ndarray:
    """Maps (h, w, C) as they are; a vector (N,) as N maps of one number."""
    return values if values.ndim == 3 else values.reshape(1, 1, -1)


def dropout_draws(model: keras.Model, values: Sequence[np.ndarray], draws: int) -> np.ndarray:
    """(draws, K) float32: the probabilities for one picture with so many draws of every Dropout; all else as outside training.

    `values` are `values_of` the picture: up to the first Dropout every draw is that, so only what is behind it is passed again.
    """
    layers = model.layers
    first = next((place for place, layer in enumerate(layers) if _drops(layer)), len(layers))

    def repeated(place: int) -> Any:
        inputs = values[place - 1].reshape(layers[place].output.shape[1:])
        return ops.convert_to_tensor(np.repeat(inputs[None], draws, axis=0))

    def drawn(place: int, taken: Any) -> Any:
        return layers[place](taken, training=_drops(layers[place]))

    start = repeated(first - 1)
    waiting = {place: repeated(place) for place in chain.awaited(layers, first) if place < first - 1}
    *_, answers = [start, *chain.outputs(layers, start, drawn, first, waiting)]
    return _array(answers)


def _drops(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Dropout) and layer.rate > 0


def logits(layer: keras.layers.Dense, before: np.ndarray) -> np.ndarray:
    """(K,) float32: what a dense layer gives before its activation, for (1, 1, N)."""
    weights, bias = (_array(each) for each in (layer.kernel, layer.bias))
    return np.asarray(before.reshape(-1) @ weights + bias, np.float32)


def number(
    layer: keras.Layer,
    before: np.ndarray,
    after: np.ndarray,
    unit: int,
    row: int,
    column: int,
    skipped: np.ndarray | None = None,
) -> Number:
    """How the number of a layer's output `after` at a place came out of `before`, both (h, w, C).

    `skipped`, of the same shape, is the earlier output that an `Add` adds.
    """
    value = {"value": float(after[row, column, unit])}
    match layer:
        case keras.layers.Conv2D():
            return _of_convolution(layer, before, after, unit, row, column)
        case _ if isinstance(layer, ACTIVATIONS):
            return Number({**value, "before": float(before[row, column, unit]), "slope": slope(layer, unit)})
        case keras.layers.Add():
            assert skipped is not None
            both = {"before": float(before[row, column, unit]), "skipped": float(skipped[row, column, unit])}
            return Number({**value, **both})
        case keras.layers.BatchNormalization():
            return Number({**value, "before": float(before[row, column, unit]), **normalisation(layer, unit)})
        case keras.layers.MaxPooling2D():
            top, left = row * layer.strides[0], column * layer.strides[1]
            patch = before[top : top + layer.pool_size[0], left : left + layer.pool_size[1], unit]
            return Number({**value, "top": top, "left": left}, {"patch": patch})
        case keras.layers.Dense():
            return _of_dense(layer, before, after, unit)
        case keras.layers.GlobalAveragePooling2D():
            return Number({**value, "count": before.shape[0] * before.shape[1]})
        case keras.layers.Rescaling():
            return Number({**value, "before": float(before[row, column, unit]), "scale": float(layer.scale)})
        case keras.layers.Flatten():
            at, channel = divmod(unit, before.shape[2])
            place = {"top": at // before.shape[1], "left": at % before.shape[1], "channel": channel}
            return Number({**value, **place})
        case _:  # Dropout, which passes everything on outside training, and Resizing
            return Number(value)


def then(
    layers: Sequence[keras.Layer], values: Sequence[np.ndarray], place: int, unit: int, row: int, column: int
) -> list[dict[str, float]]:
    """What normalisation, activation, pooling and dropout make of a number, up to the next layer that mixes it with others.

    Of each ``layer``, ``value`` and more.
    """
    steps: list[dict[str, float]] = []
    for number_of_layer in range(place + 1, len(values)):
        layer, after = layers[number_of_layer], values[number_of_layer]
        if isinstance(layer, keras.layers.MaxPooling2D):
            row, column = row // layer.strides[0], column // layer.strides[1]
        elif not isinstance(layer, PASSING):
            break
        if row >= after.shape[0] or column >= after.shape[1]:
            break  # pooling leaves the last row over
        more = normalisation(layer, unit) if isinstance(layer, keras.layers.BatchNormalization) else {}
        more |= {"slope": slope(layer, unit)} if isinstance(layer, ACTIVATIONS) else {}
        steps.append({"layer": number_of_layer, "value": float(after[row, column, unit]), **more})
    return steps


def slope(layer: keras.layers.ReLU | keras.layers.PReLU, unit: int) -> float:
    """What an activation layer multiplies a number below 0 of that unit with."""
    if isinstance(layer, keras.layers.PReLU):
        return float(_array(layer.alpha).reshape(-1)[unit])
    return float(layer.negative_slope)


def normalisation(layer: keras.layers.BatchNormalization, unit: int) -> dict[str, float]:
    """The numbers with which a channel is normalised outside training."""
    names = {"gamma": layer.gamma, "beta": layer.beta, "mean": layer.moving_mean, "variance": layer.moving_variance}
    return {name: float(_array(values)[unit]) for name, values in names.items()} | {"epsilon": float(layer.epsilon)}


def window(layer: keras.layers.Conv2D, before: Sequence[int], after: Sequence[int], row: int, column: int) -> list[int]:
    """The first row and the first column below the kernel, of maps (h, w, C); below 0 where zeros stand around them."""
    starts = []
    for axis, place in enumerate((row, column)):
        stride, extent = layer.strides[axis], layer.kernel_size[axis]
        outside = (
            max(0, (after[axis] - 1) * stride + extent - before[axis]) // 2
            if str(layer.padding).lower() == "same"
            else 0
        )
        starts.append(place * stride - outside)
    return starts


def _of_convolution(
    layer: keras.layers.Conv2D, before: np.ndarray, after: np.ndarray, unit: int, row: int, column: int
) -> Number:
    top, left = window(layer, before.shape, after.shape, row, column)
    height, width = layer.kernel_size
    edge = max(height, width)
    padded = np.pad(before, ((edge, edge), (edge, edge), (0, 0)))
    patch = padded[top + edge : top + edge + height, left + edge : left + edge + width]
    kernel, bias = _array(layer.kernel)[..., unit], float(_array(layer.bias)[unit])
    total = float(np.sum(patch * kernel, dtype=np.float64)) + bias
    values = {"value": float(after[row, column, unit]), "bias": bias, "sum": total, "top": top, "left": left}
    return Number(values | _activated(layer, total), {"patch": patch, "kernel": kernel})


def _of_dense(layer: keras.layers.Dense, before: np.ndarray, after: np.ndarray, unit: int) -> Number:
    inputs, weights, bias = (
        before.reshape(-1),
        _array(layer.kernel[:, unit]),
        float(_array(layer.bias)[unit]),
    )
    total = float(np.sum(inputs * weights, dtype=np.float64)) + bias
    arrays = {"inputs": inputs, "weights": weights}
    values = {"value": float(after[0, 0, unit]), "bias": bias, "sum": total}
    if layer.activation is keras.activations.softmax:
        return Number(values | {"activation": "softmax"}, arrays | {"logits": logits(layer, before)})
    return Number(values | _activated(layer, total), arrays)


def _activated(layer: keras.Layer, total: float) -> dict[str, float | str]:
    """The activation's name, and what it makes of the sum."""
    activated = float(_array(layer.activation(ops.convert_to_tensor(np.float32(total)))))
    return {"activation": str(layer.activation.__name__), "activated": activated}


def _array(values: object) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(values, "float32")))
