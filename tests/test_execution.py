"""TensorFlow's executions of several batches, against the same batches one by one. JAX's: `test_jax`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def trained(is_sharp: bool, steps: int) -> tuple[list[tuple[int, float]], dict[str, list[float]], list[np.ndarray]]:
    """The last batch of each execution with its loss, the history, the weights: of 22 pictures in batches of 4, the last of 2."""
    import keras

    from dhc.models.execution import Executions
    from dhc.models.pipeline import of_batches
    from dhc.models.sharpness import SharpnessAware
    from dhc.training.batches import Batches

    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64, 64, 3), dtype="uint8")
    x = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(x))
    x = keras.layers.Dense(5, "softmax")(keras.layers.Dropout(0.5, seed=3)(keras.layers.Flatten()(x)))
    model = (SharpnessAware if is_sharp else Executions)(inputs, x)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"], steps_per_execution=steps)
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (22, 64, 64, 3), dtype=np.uint8)
    ends: list[tuple[int, float]] = []

    def seen(batch: int, logs: dict[str, Any]) -> None:
        ends.append((batch, float(logs["loss"])))

    batches = of_batches(Batches(pictures, draw.integers(0, 5, 22), 4, seed=0))
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=seen)
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False, callbacks=[watch])
    return ends, history.history, model.get_weights()


@pytest.mark.parametrize("is_sharp", [False, True], ids=["plain", "sharpness-aware"])
def test_an_execution_in_one_call_trains_as_batch_by_batch_to_the_last_bit(is_sharp: bool) -> None:
    ends, history, weights = trained(is_sharp, 1)
    for steps, last in ((4, (3, 5, 9, 11)), (6, (5, 11)), (1000, (5, 11))):
        others, other_history, other_weights = trained(is_sharp, steps)
        assert [loss for _, loss in others] == [ends[place][1] for place in last]
        assert other_history == history
        for ours, theirs in zip(other_weights, weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
