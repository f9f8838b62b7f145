"""Our one-kernel layers and optimizers against Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shape", [(32, 8, 8, 16), (8, 2, 2, 4), (4, 1, 1, 8), (16, 12)])
def test_batch_normalisation_equals_kerass_forward_backward_and_in_its_averages(shape: tuple[int, ...]) -> None:
    import keras
    import tensorflow as tf

    from dhc.models import fused

    draw = np.random.default_rng(0)
    x = tf.Variable(draw.normal(0.7, 2, shape).astype(np.float32))
    weights = tf.constant(draw.normal(size=shape).astype(np.float32))
    results = []
    for kind in (fused.BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(momentum=0.9)
        layer.build(shape)
        with tf.GradientTape() as tape:
            out = layer(x, training=True)
            loss = tf.reduce_sum(out * weights)
        gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
        averages = [keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance)]
        judged = layer(x, training=False)
        results.append([out.numpy(), judged.numpy(), *[g.numpy() for g in gradients], *averages])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=3e-4)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
def test_optimizers_take_kerass_steps(name: str) -> None:
    import keras

    from dhc.models import fused

    def after(steps: int, kind: Any) -> list[np.ndarray]:
        more = {"weight_decay": 0.1} if name == "AdamW" else {}
        optimizer = kind(learning_rate=0.01, use_ema=True, ema_momentum=0.8, **more)
        variables = [
            keras.Variable(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)),
            keras.Variable(np.ones(2, np.float32)),
        ]
        draw = np.random.default_rng(1)
        for _ in range(steps):
            optimizer.apply(
                [keras.ops.convert_to_tensor(draw.normal(size=v.shape).astype(np.float32)) for v in variables],
                variables,
            )
        return [keras.ops.convert_to_numpy(v) for v in (*variables, *optimizer._model_variables_moving_average)]

    for ours, theirs in zip(after(25, getattr(fused, name)), after(25, getattr(keras.optimizers, name)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
