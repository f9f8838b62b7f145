"""Faster TensorFlow kernels for two things that Keras computes piecewise. Imports Keras.
Keras normalises a batch with some ten elementwise operations and updates each weight with as many; TensorFlow has one kernel
for each. Elsewhere (JAX and PyTorch compile or fuse by themselves) both classes are Keras's own in all but name. Networks are
saved without them, so a saved file needs nothing of ours.
"""

from __future__ import annotations

import importlib
from typing import Any

import keras


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer; when training on TensorFlow, (B, H, W, C) goes by ``FusedBatchNormV3``."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise (…, C); when training also move the averages, by the biased variance as Keras."""
        if not training or len(inputs.shape) != 4 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        tf = importlib.import_module("tensorflow")
        out = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) / inputs.shape[-1], "float32")
        biased = out.batch_variance * (count - 1) / count
        for average, new in ((self.moving_mean, out.batch_mean), (self.moving_variance, biased)):
            average.assign(average * self.momentum + new * (1 - self.momentum))
        return out.y


def _handle(variable: Any) -> Any:
    """Of TensorFlow's own variable, which Keras's wraps."""
    return getattr(variable, "_value", variable).handle


def adam_step(
    optimizer: Any,
    gradient: Any,
    variable: Any,
    learning_rate: Any,
    moments: tuple[Any, Any],
    betas: tuple[float, float],
) -> bool:
    """Adam's update of one variable and its two moments in one kernel, by Keras's formula; whether there is one for it."""
    if keras.backend.backend() != "tensorflow" or variable.dtype != "float32":
        return False
    tf = importlib.import_module("tensorflow")
    step = tf.cast(optimizer.iterations + 1, "float32")
    tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(moments[0]),
        v=_handle(moments[1]),
        beta1_power=tf.pow(betas[0], step),
        beta2_power=tf.pow(betas[1], step),
        lr=tf.cast(learning_rate, "float32"),
        beta1=betas[0],
        beta2=betas[1],
        epsilon=optimizer.epsilon,
        grad=gradient,
    )
    return True


class _OneKernel:
    """Adam's update in one kernel; mixed into Keras's Adam and AdamW, whose other parts stay."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable: Keras's formula, Keras's moments."""
        number = self._get_variable_index(variable)
        moments = (self._momentums[number], self._velocities[number])
        if not adam_step(self, gradient, variable, learning_rate, moments, (self.beta_1, self.beta_2)):
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]


class LookAhead:
    """Weights that go back to their average every `ema_overwrite_frequency` steps, which takes them in only then.

    Keras's average takes them in at each step, which holds them back far more.
    """

    def _update_model_variables_moving_average(self: Any, variables: Any) -> None:
        if not self.ema_overwrite_frequency:
            super()._update_model_variables_moving_average(variables)  # type: ignore[misc]
            return
        is_due = keras.ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
        kept = keras.ops.where(is_due, self.ema_momentum, 1.0)
        kept = keras.ops.where(keras.ops.equal(self.iterations, 0), 0.0, kept)
        for variable, average in zip(variables, self._model_variables_moving_average, strict=True):
            share = keras.ops.cast(kept, variable.dtype)
            average.assign(share * average + (1 - share) * variable)


class FasterBiases:
    """Biases of batch normalisation that learn at `bias_rate` times the rate of the rest; their decay, if any, stays."""

    bias_rate = 1.0

    def _backend_update_step(self: Any, gradients: Any, variables: Any, learning_rate: Any) -> None:
        update = super()._backend_update_step  # type: ignore[misc]
        if self.bias_rate == 1:
            update(gradients, variables, learning_rate)
            return
        for is_bias, rate in ((False, learning_rate), (True, learning_rate * self.bias_rate)):
            chosen = [pair for pair in zip(gradients, variables, strict=True) if (pair[1].name == "beta") == is_bias]
            if chosen:
                update(*map(list, zip(*chosen, strict=True)), rate)


class Adam(LookAhead, FasterBiases, _OneKernel, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam."""


class AdamW(LookAhead, FasterBiases, _OneKernel, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW."""


class SGD(LookAhead, FasterBiases, keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD."""
