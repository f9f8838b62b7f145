"""Plan → Keras model. Imports Keras: for the writer side only."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers as kl

from dhc.config import RunConfig
from dhc.models import plan as p
from dhc.models.ladder import plan_of


def build(plan: p.Plan, *, seed: int, input_shape: p.Shape = (64, 64, 3), name: str = "network") -> keras.Model:
    """A Keras functional model: input (B, 64, 64, 3) uint8 in 0–255, output (B, K) float32 probabilities.

    Every random layer gets its own seed derived from `seed`, so that two builds behave alike.
    """
    inputs = x = keras.Input(input_shape, dtype="uint8", name="pictures")
    for number, layer in enumerate(plan):
        x = _keras_layer(layer, seed + number)(x)
    return keras.Model(inputs, x, name=name)


def compiled(config: RunConfig, classes: int) -> keras.Model:
    """The config's network, ready for ``fit``: sparse categorical cross-entropy and accuracy, as in the report."""
    keras.utils.set_random_seed(config.fit.seed)
    keras.config.set_dtype_policy(config.device.precision)
    model = build(plan_of(config, classes), seed=config.fit.seed, name=config.model.name)
    optimizer = keras.optimizers.Adam(learning_rate=config.optimizer.learning_rate)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _keras_layer(layer: p.Layer, seed: int) -> Any:
    match layer:
        case p.Rescaling(scale):
            return kl.Rescaling(scale)
        case p.Conv2D(filters, kernel, strides, padding, activation):
            return kl.Conv2D(filters, kernel, strides=strides, padding=padding, activation=activation)
        case p.Dense(units, "softmax"):
            return kl.Dense(units, activation="softmax", dtype="float32")  # probabilities lose too much in 16 bits
        case p.Dense(units, activation):
            return kl.Dense(units, activation=activation)
        case p.BatchNormalization(momentum):
            return kl.BatchNormalization(momentum=momentum)
        case p.MaxPooling2D(pool):
            return kl.MaxPooling2D(pool)
        case p.Dropout(rate):
            return kl.Dropout(rate, seed=seed)
        case p.RandomFlip(mode):
            return kl.RandomFlip(mode, seed=seed)
        case p.RandomRotation(factor):
            return kl.RandomRotation(factor, seed=seed)
        case p.Flatten():
            return kl.Flatten()
        case p.GlobalAveragePooling2D():
            return kl.GlobalAveragePooling2D()
