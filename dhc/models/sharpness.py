"""A network that trains towards flat minima: sharpness-aware minimisation, for TensorFlow. Imports Keras.

Foret 2021, https://arxiv.org/abs/2010.01412: each step takes the gradient not where the weights are, but a little way uphill, where the
loss is about largest nearby. That is two passes a step.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import keras

from dhc.models.execution import Executions


class SharpnessAware(Executions):
    """Keras's model, but for its training step; `radius` is how far uphill the gradient is taken, as a length of all weights."""

    radius = 0.05

    def train_step(self, data: Any) -> Any:
        """One step. Its figures, and the averages of batch normalisation, are those of the weights themselves, not of the place uphill."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        weights = self.trainable_variables
        kept = [*weights, *(v for v in self.non_trainable_variables if v.dtype.startswith("float"))]
        probabilities, loss, gradients = self._pass(x, y, sample_weight)
        self._loss_tracker.update_state(loss, sample_weight=keras.ops.shape(x)[0])
        before = [keras.ops.copy(variable.value) for variable in kept]
        for weight, step in zip(weights, _of_length(gradients, self.radius), strict=True):
            weight.assign_add(step)
        *_, gradients = self._pass(x, y, sample_weight)
        for variable, value in zip(kept, before, strict=True):
            variable.assign(value)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return self.compute_metrics(x, y, probabilities, sample_weight=sample_weight)

    def _pass(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, list[Any]]:
        """What the network answers, the loss, and its gradients, as far scaled as the optimizer wants them for 16 bits."""
        tf = importlib.import_module("tensorflow")
        with tf.GradientTape() as tape:
            answers = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=answers, sample_weight=sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        return answers, loss, tape.gradient(scaled, self.trainable_variables)


def _of_length(gradients: Sequence[Any], radius: float) -> list[Any]:
    """The same direction, of that length; of no length where 16 bits did not hold the gradients."""
    tf = importlib.import_module("tensorflow")
    norm = tf.linalg.global_norm(gradients)
    scale = tf.where(tf.math.is_finite(norm), radius / (norm + 1e-12), 0.0)
    return [tf.math.multiply_no_nan(gradient, scale) for gradient in gradients]
