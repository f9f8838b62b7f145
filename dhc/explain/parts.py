"""A trained network cut in two at a layer, with the scores before the softmax at its end. Imports Keras.

Our networks are chains of layers, so a part is a chain as well, which takes along what a skip leads past the cut; a score before the softmax says what speaks for a class, where a
probability also says what speaks against the others (Simonyan et al., 2014, section 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from dhc.models import chain

BATCH = 64  # pictures at once


def convolutions(model: keras.Model) -> list[str]:
    """The names of the convolutions, in order: layers that a map can be made of."""
    return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def in_float32(model: keras.Model) -> keras.Model:
    """The same network computing in 32 bits: slopes at the pixels, a 255th of those behind them, are lost in 16."""
    if all(layer.compute_dtype == "float32" for layer in model.layers[1:]):  # the first one takes pictures as they are
        return model

    def in_32_bits(layer: keras.layers.Layer) -> keras.layers.Layer:
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    twin = keras.models.clone_model(model, clone_function=in_32_bits)
    twin.set_weights(model.get_weights())
    return twin


def below(model: keras.Model, layer: str) -> keras.Model:
    """From the pictures, (B, 64, 64, 3), to a layer's values, (B, h, w, C); to a list of them and of those that skips lead past it."""
    layers = list(model.layers)
    place = layers.index(model.get_layer(layer))
    return keras.Model(model.inputs[0], [layers[each].output for each in (place, *chain.awaited(layers, place))])


def above(model: keras.Model, layer: str | None = None) -> keras.Model:
    """From a layer's values, or from the pictures as float32, to the scores: (B, K) before the softmax.

    Where skips lead past the layer, from a list: its values and those, as `below` gives them. The layers are the model's own, so
    their weights are, too.
    """
    layers = list(model.layers)
    place = 0 if layer is None else layers.index(model.get_layer(layer))
    ends = (place, *chain.awaited(layers, place))
    inputs = [keras.Input(layers[each].output.shape[1:], dtype="float32") for each in ends]
    waiting = dict(zip(ends, inputs, strict=True))
    *_, scores = chain.outputs(
        layers,
        inputs[0],
        lambda at, taken: _linear(layers[at], taken) if at == len(layers) - 1 else layers[at](taken),
        place + 1,
        waiting,
    )
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], scores)


def _linear(head: keras.layers.Dense, x: Any) -> Any:
    """The head without its softmax, in float32."""
    linear = keras.layers.Dense(head.units, dtype="float32")
    outputs = linear(x)
    linear.set_weights(head.get_weights())
    return outputs


def gradient(score: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The gradient at `x`, (B, …), of the sum of its scores (B,), as `x`; `score` is of Keras tensors.

    Each row's score depends on its own row alone, so the sum's gradient is each one's own.
    """
    match keras.backend.backend():
        case "tensorflow":
            return _by_tensorflow(score, x)
        case "jax":
            import jax

            return np.asarray(jax.grad(lambda point: score(point).sum())(jax.numpy.asarray(x)))
        case _:
            return _by_torch(score, x)


def _by_tensorflow(score: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    point = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(point)
        values = score(point)
    return np.asarray(tape.gradient(values, point))


def _by_torch(score: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    import torch

    point = keras.ops.convert_to_tensor(x).requires_grad_(True)  # on the device that Keras computes on
    (slope,) = torch.autograd.grad(score(point).sum(), point)
    return np.asarray(keras.ops.convert_to_numpy(slope))
