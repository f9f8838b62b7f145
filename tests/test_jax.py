"""What is JAX's alone: its layers against TensorFlow's, its executions against Keras's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
TRAININGS = """
import json, keras, numpy as np
from dhc.models import execution, fused
from dhc.training.batches import Batches

def trained(kind, steps):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3), dtype="uint8")
    x = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(inputs))
    x = fused.BatchNormalization()(fused.Conv2D(4, 3)(fused.RandomFlip("horizontal", seed=2)(x)))
    x = keras.layers.Dense(5, "softmax")(fused.Dropout(0.5, seed=3)(keras.layers.Flatten()(x)))
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


def test_pooling_and_normalisation_and_their_gradients_are_tensorflows() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, str(Path(__file__).with_name("jax_layers.py"))]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.stdout.endswith("all are alike\n"), done.stderr[-2000:]
