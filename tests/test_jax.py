"""What is JAX's alone: its layers against TensorFlow's, its executions against Keras's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
TRAININGS = """
import json, keras, numpy as np
from dhc.models import execution
from dhc.training.batches import Batches

def trained(kind, steps):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3), dtype="uint8")
    x = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x))
    x = keras.layers.Dense(5, "softmax")(keras.layers.Dropout(0.5, seed=3)(keras.layers.Flatten()(x)))
    model = kind(inputs, x)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"], steps_per_execution=steps)
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (22, 64, 64, 3), dtype=np.uint8)
    ends = []
    seen = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append((batch, float(logs["loss"]))))
    batches = Batches(pictures, draw.integers(0, 5, 22), 4, seed=0)
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False, callbacks=[seen])
    return {"history": history.history, "ends": ends, "weights": [weight.tolist() for weight in model.get_weights()]}

calls = []
loop = execution._loop
execution._loop = lambda step: calls.append(step) or loop(step)
results = [trained(keras.Model, 1)]
results.append(trained(execution.Executions, 4))
assert not calls, "loops on a CPU, where they are slow"
execution.loops_are_fast = lambda: True
results.append(trained(execution.Executions, 4))
assert len(calls) == 1
print(json.dumps(results))
"""


def test_an_execution_in_one_call_trains_as_batch_by_batch() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "jax", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-W", "error::UserWarning:jax", "-c", TRAININGS]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    by_batch, by_keras, by_loop = json.loads(done.stdout.splitlines()[-1])
    for other in (by_keras, by_loop):  # 22 pictures are 5 batches of 4 and one of 2; Keras counts on
        assert [end[0] for end in other["ends"]] == [3, 7, 3, 7]
        for ours, theirs in zip(other["weights"], by_batch["weights"], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
        for name, values in by_batch["history"].items():
            np.testing.assert_allclose(other["history"][name], values, rtol=1e-4)
    losses = dict(enumerate(loss for _, loss in by_batch["ends"]))
    np.testing.assert_allclose([loss for _, loss in by_loop["ends"]], [losses[n] for n in (3, 5, 9, 11)], rtol=1e-4)


@pytest.mark.parametrize(("shape", "side"), [((3, 8, 6, 4), 2), ((2, 7, 9, 3), 2), ((2, 9, 10, 3), 3)])
def test_pooling_and_its_way_back_are_tensorflows(shape: tuple[int, ...], side: int) -> None:
    import jax
    import tensorflow as tf

    from dhc.models import xla

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


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_normalisation_is_kerass(kind: str) -> None:
    import jax
    import keras
    import tensorflow as tf

    from dhc.models import xla

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
