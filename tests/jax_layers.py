"""Our layers for JAX against TensorFlow's: run in a process of its own, since what imports JAX must not fork any more."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np
import tensorflow as tf

from dhc.models import xla


def compare_pooling(shape: tuple[int, ...], side: int) -> None:
    """The largest of each square, and its gradient, to the last bit."""
    draw = np.random.default_rng(0)
    x = np.maximum(draw.normal(size=shape), 0).astype(np.float32)  # many equals: the first of them counts
    with tf.GradientTape() as tape:
        source = tf.Variable(x)
        theirs = tf.nn.max_pool2d(source, side, side, "VALID")
        weights = draw.normal(size=theirs.shape).astype(np.float32)
        total = tf.reduce_sum(theirs * weights)
    ours, back = jax.vjp(lambda values: xla.pooled(values, side), x)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(back(weights)[0], tape.gradient(total, source))


def compare_normalization(kind: str) -> None:
    """Maps, averages and gradients, in that dtype against Keras's in float32."""
    draw = np.random.default_rng(0)
    x = draw.normal(0.7, 2, (8, 6, 5, 4)).astype(np.float32)
    gamma, beta = draw.normal(size=(2, 4)).astype(np.float32)
    weights = draw.normal(size=x.shape).astype(np.float32)
    layer = keras.layers.BatchNormalization(momentum=0.0, dtype="float32")
    layer.build(x.shape)
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    with tf.GradientTape() as tape:
        source = tf.Variable(x)
        theirs = layer(source, training=True)
        total = tf.reduce_sum(theirs * weights)
    slopes = tape.gradient(total, [source, layer.gamma.value, layer.beta.value])

    def ours(*values: Any) -> Any:
        y, mean, variance = xla.normalized(values[0].astype(kind), *values[1:], epsilon=layer.epsilon)
        assert y.dtype == kind
        return (y.astype("float32") * weights).sum(), (y.astype("float32"), mean, variance)

    (_, (y, mean, variance)), gradients = jax.value_and_grad(ours, (0, 1, 2), has_aux=True)(x, gamma, beta)
    near = {"rtol": 1e-4, "atol": 1e-4} if kind == "float32" else {"rtol": 0.02, "atol": 0.05}
    pairs = [(y, theirs), (mean, layer.moving_mean), (variance, layer.moving_variance)]
    for one, other in [*pairs, *zip(gradients, slopes, strict=True)]:
        scale = max(1.0, float(np.abs(np.asarray(other)).max()))
        np.testing.assert_allclose(np.asarray(one) / scale, np.asarray(other) / scale, **near)


if __name__ == "__main__":
    for shape, side in (((3, 8, 6, 4), 2), ((2, 7, 9, 3), 2), ((2, 9, 10, 3), 3)):
        compare_pooling(shape, side)
    for kind in ("float32", "bfloat16"):
        compare_normalization(kind)
    print("all are alike")
