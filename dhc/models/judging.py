"""The weights of the network that is judged and saved, out of one that was trained. Imports Keras.

While it trains, batch normalisation turns a map that is the same all over, on every picture, into its beta, whatever the map's value. By the
moving averages it would divide by the root of epsilon alone, 0.03: whatever else judging makes of the map, by a rounding, grows 31 times a
layer wherever a kernel hands it on. So the network that is judged takes such a map for its beta, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

CONSTANT = 1e-6  # of a map's mean square, and of 1: a moving variance below that is none, but rounding's


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy a training model's weights into the network of the same plan.

    The averaged ones where the optimizer keeps them.
    """
    running = _averages(source.optimizer)
    for new, old in zip(target.weights, source.weights, strict=True):
        # a copy, since JAX would share the array and give it up when predicting
        new.assign(ops.copy(running.get(id(old), old)))
    _settle(target)


def fill(network: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Let a network have the weights of a training model, in Keras's order."""
    network.set_weights(weights)
    _settle(network)


def gamma_of(gamma: Any, mean: Any, variance: Any) -> Any:
    """The factors (C,) that maps of those moving averages get when judged: 0 where a map was constant, else `gamma`."""
    return ops.where(variance < CONSTANT * (1 + ops.square(mean)), ops.zeros_like(gamma), gamma)


def inner_optimizer(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer itself where a LossScaleOptimizer wraps it, as under mixed_float16."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _averages(optimizer: keras.optimizers.Optimizer) -> dict[int, Any]:
    """id of each trainable variable → its running average; empty without weight averaging."""
    inner = inner_optimizer(optimizer)
    if not inner.use_ema:
        return {}
    return {
        id(variable): average
        for variable, average in zip(inner._trainable_variables, inner._model_variables_moving_average, strict=True)
    }


def _settle(network: keras.Model) -> None:
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(gamma_of(layer.gamma.value, layer.moving_mean.value, layer.moving_variance.value))
