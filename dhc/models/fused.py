"""Faster kernels, TensorFlow's above all, for things that Keras computes piecewise. Imports Keras.

Keras normalises a batch with some ten elementwise operations and updates each weight with as many; TensorFlow has one kernel
for each. Dropout, flips and what many filters on small maps learn from take half as long here as there. For JAX, which compiles by
itself, normalisation and pooling are said otherwise (`dhc.models.xla`). All else is Keras's own in all but name. Networks are saved
without these classes, so a saved file needs nothing of ours.
"""

from __future__ import annotations

import importlib
from typing import Any

import keras

PHILOX = 1  # TensorFlow's number of that generator
CONSTANT = 1e-6  # of a map's mean square, and of 1: a variance below that is none, but rounding's
# From so many on, and with four for each place of a map, the product below is the faster: `benchmarks.filters`.
MANY_FILTERS = 128


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """Keras's layer; when training on TensorFlow, (B, H, W, C) goes by ``FusedBatchNormV3``, on JAX in float32 and fewer passes.

    There a batch in which a map is the same all over leaves its moving variance as it was: it says nothing of how the map varies. By
    Keras's rule that would go to 0, and a network that is judged would divide the map by the root of epsilon alone: whatever judging makes
    of it otherwise, by averaged weights or a rounding, would grow 31 times a layer wherever kernels hand the map on. In training the map
    is its beta, however far its value moves.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise (…, C); when training also move the averages, by the biased variance as Keras."""
        backend = keras.backend.backend()
        if not training or len(inputs.shape) != 4 or backend == "torch":
            return super().call(inputs, training=training, mask=mask)
        if backend == "jax":
            xla = importlib.import_module("dhc.models.xla")
            y, mean, variance = xla.normalized(inputs, self.gamma.value, self.beta.value, self.epsilon)
        else:
            y, mean, variance = self._by_one_kernel(inputs)
        is_constant = variance < CONSTANT * (1 + mean * mean)
        seen = keras.ops.where(is_constant, self.moving_variance.value, variance)
        for average, new in ((self.moving_mean, mean), (self.moving_variance, seen)):
            average.assign(average * self.momentum + new * (1 - self.momentum))
        return y

    def _by_one_kernel(self, inputs: Any) -> tuple[Any, Any, Any]:
        """Maps, mean and biased variance by channel, of TensorFlow."""
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
        return out.y, out.batch_mean, out.batch_variance * (count - 1) / count


class MaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """Keras's layer; on JAX the gradient finds its way back through squares side by side without a kernel of its own."""

    def call(self, inputs: Any) -> Any:
        """The largest of each square of maps (B, H, W, C)."""
        side = self.pool_size[0]
        is_plain = self.pool_size == self.strides == (side, side) and self.padding == "valid"
        if keras.backend.backend() != "jax" or not is_plain or self.data_format != "channels_last":
            return super().call(inputs)
        return importlib.import_module("dhc.models.xla").pooled(inputs, side)


class Conv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Keras's layer; on TensorFlow small maps of many filters get these filters' gradient as one matrix product.

    In 16 bits, on a CPU: there oneDNN spends longer on bringing such a gradient into order than on computing it.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Maps (B, H, W, filters) of (B, H, W, C)."""
        convolve = super().convolution_op
        if not self._has_many_filters(inputs.shape):
            return convolve(inputs, kernel)
        tf = importlib.import_module("tensorflow")

        def there_and_back(x: Any, filters: Any) -> Any:
            def back(slope: Any) -> tuple[Any, Any]:
                sizes = {"input_sizes": tf.shape(x), "strides": [1, 1, 1, 1], "padding": "SAME"}
                above = tf.raw_ops.Conv2DBackpropInput(filter=filters, out_backprop=slope, **sizes)
                return above, self.filters_gradient(x, slope)

            return convolve(x, filters), back

        return tf.custom_gradient(there_and_back)(inputs, keras.ops.convert_to_tensor(kernel))

    def filters_gradient(self, x: Any, slope: Any) -> Any:
        """Of filters that made (B, H, W, filters) of `x` (B, H, W, C), whose slope is given: (rows, columns, C, filters)."""
        tf = importlib.import_module("tensorflow")
        (rows, columns), (height, width, maps) = self.kernel_size, x.shape[1:]
        padded = tf.pad(x, [[0, 0], [rows // 2] * 2, [columns // 2] * 2, [0, 0]])
        seen = [padded[:, r : r + height, c : c + width] for r in range(rows) for c in range(columns)]
        places = tf.reshape(tf.concat(seen, -1), (-1, rows * columns * maps))
        product = tf.matmul(places, tf.reshape(slope, (-1, self.filters)), transpose_a=True)
        return tf.reshape(product, (rows, columns, maps, self.filters))

    def _has_many_filters(self, shape: Any) -> bool:
        is_plain = self.strides == self.dilation_rate == (1, 1) and self.padding == "same" and self.groups == 1
        is_odd = all(side % 2 for side in self.kernel_size)
        if self.compute_dtype != "bfloat16" or self.data_format != "channels_last" or not (is_plain and is_odd):
            return False
        if keras.backend.backend() != "tensorflow" or self.filters < max(MANY_FILTERS, 4 * shape[1] * shape[2]):
            return False
        return not importlib.import_module("tensorflow").config.list_physical_devices("GPU")


class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """Keras's layer; on TensorFlow 16 random bits decide each value, drawn 64 at a time, by the same seeds."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Values (B, …), a share of `rate` of them 0 and the others the larger when training."""
        if not training or self.rate == 0 or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training)
        tf = importlib.import_module("tensorflow")
        count = tf.size(inputs)
        key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=tf.cast(self.seed_generator.next(), "int32"))
        draw = {"key": key, "counter": counter, "alg": PHILOX, "dtype": "uint64"}
        words = tf.raw_ops.StatelessRandomUniformFullIntV2(shape=[(count + 3) // 4], **draw)
        numbers = tf.reshape(tf.reshape(tf.bitcast(words, "int16"), [-1])[:count], tf.shape(inputs))
        lost = min(round(self.rate * 2**16), 2**16 - 1)
        mask = tf.cast(numbers >= tf.constant(lost - 2**15, "int16"), inputs.dtype)
        return inputs * (mask * tf.cast(1 / (1 - self.rate), inputs.dtype))


class RandomFlip(keras.layers.RandomFlip):  # type: ignore[misc]
    """Keras's layer; on TensorFlow a gradient is flipped as the pictures were, which is what undoes it."""

    def _flip_inputs(self, inputs: Any, transformation: Any) -> Any:
        flip = super()._flip_inputs
        if keras.backend.backend() != "tensorflow":
            return flip(inputs, transformation)
        tf = importlib.import_module("tensorflow")

        def there_and_back(x: Any) -> Any:
            return flip(x, transformation), lambda slope: flip(slope, transformation)

        return tf.custom_gradient(there_and_back)(inputs)


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


class Averages:
    """The running average of the weights, by Keras's formula in two passes instead of four; every `ema_overwrite_frequency` steps.

    With that, the weights go back to their average, which takes them in only then (Zhang et al., 2019): look-ahead. Keras's average
    takes them in at each step, which holds them back far more.
    """

    def _update_model_variables_moving_average(self: Any, variables: Any) -> None:
        momentum = self.ema_momentum
        if self.ema_overwrite_frequency:
            is_due = keras.ops.equal((self.iterations + 1) % self.ema_overwrite_frequency, 0)
            momentum = keras.ops.where(is_due, momentum, 1.0)
        momentum = keras.ops.where(keras.ops.equal(self.iterations, 0), 0.0, momentum)
        for variable, average in zip(variables, self._model_variables_moving_average, strict=True):
            _approach(average, variable, 1 - momentum)


def _approach(average: Any, variable: Any, share: Any) -> None:
    """Move the average by so much of its way to the variable."""
    way = average - variable
    if keras.backend.backend() != "tensorflow":
        average.assign(average - keras.ops.cast(share, variable.dtype) * way)
        return
    tf = importlib.import_module("tensorflow")
    tf.raw_ops.ResourceApplyGradientDescent(var=_handle(average), alpha=tf.cast(share, way.dtype), delta=way)


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


class Adam(Averages, FasterBiases, _OneKernel, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras's Adam."""


class AdamW(Averages, FasterBiases, _OneKernel, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras's AdamW."""


class SGD(Averages, FasterBiases, keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD."""
