"""Our one-kernel layers and optimizers against Keras's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhc.config import RunConfig

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


def orthogonalised(matrix: np.ndarray, steps: int = 5) -> np.ndarray:
    """Jordan's quintic applied to the singular values alone, which is what Newton-Schulz computes without taking any."""
    left, values, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    values = values / np.linalg.norm(values)
    for _ in range(steps):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return (left * values) @ right


@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (1, 1, 4, 24), (8, 8)], ids=["tall", "wide", "dense"])
def test_muon_takes_jordans_steps_of_a_flattened_kernel_and_adamws_of_a_bias(shape: tuple[int, ...]) -> None:
    import keras

    from dhc.models import fused
    from dhc.models.muon import Muon

    draw = np.random.default_rng(2)
    start, gradients = draw.normal(size=shape), [1e-6 * draw.normal(size=shape) for _ in range(3)]
    slopes = [draw.normal(size=6) for _ in gradients]
    options: dict[str, Any] = {"weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.8}

    def after(dtype: str) -> list[np.ndarray]:
        kernel, bias = keras.Variable(start, dtype="float32", name="kernel"), keras.Variable(np.ones(6), name="bias")
        ours = Muon(0.01, adam_weight_decay=0.1, hidden=[kernel], dtype=dtype, **options)
        alone, beside = fused.AdamW(0.01, **options), keras.Variable(np.ones(6), name="bias")
        for gradient, slope in zip(gradients, slopes, strict=True):
            ours.apply([keras.ops.cast(value, "float32") for value in (gradient, slope)], [kernel, bias])
            alone.apply([keras.ops.cast(slope, "float32")], [beside])
        averages = [keras.ops.convert_to_numpy(average) for average in ours._model_variables_moving_average]
        np.testing.assert_allclose(averages[1], alone._model_variables_moving_average[0], rtol=1e-6)
        np.testing.assert_allclose(bias, beside, rtol=1e-6)
        return [keras.ops.convert_to_numpy(kernel), averages[0]]

    weights, average, momentum = start, start, np.zeros(shape)
    for number, gradient in enumerate(gradients):
        momentum = 0.95 * momentum + gradient
        matrix = (gradient + 0.95 * momentum).reshape(-1, shape[-1])
        step = orthogonalised(matrix).reshape(shape) * 0.2 * max(matrix.shape) ** 0.5
        weights = weights * (1 - 0.01 * 0.1) - 0.01 * step
        average = weights if number == 0 else 0.8 * average + 0.2 * weights
    for value, reference in zip(after("float32"), (weights, average), strict=True):
        np.testing.assert_allclose(value, reference, atol=1e-5)
    rough = after("bfloat16")[0]
    assert 0 < np.linalg.norm(rough - weights) < 0.1 * np.linalg.norm(weights - start)


def test_muon_has_the_hidden_kernels_but_the_widest_dense_one() -> None:
    from dhc.models.build import compiled_model
    from dhc.models.presets import preset_config

    config = preset_config("tuned").with_values(
        {"model.first_conv": "learned", "model.width": 1 / 32, "fit.batch_size": 10}
    )
    model = compiled_model(config, 5)
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    optimizer = model.optimizer
    taken = [number for number, kernel in enumerate(kernels) if not optimizer._should_use_adamw(kernel)]
    assert taken == [*range(1, 14), 15], (
        "convolutions from the second on; dense ones of 16 × 127 and 127 × 16, not 127 × 127"
    )
    decayed = {v.name for v in model.trainable_variables if optimizer._use_weight_decay(v)}
    assert decayed == {"kernel"}


@pytest.mark.parametrize("name", ["vgg16", "cnn9-skip"])
def test_the_products_of_muon_are_counted_as_the_optimizer_computes_them(name: str) -> None:
    from dhc.models.build import compiled_model
    from dhc.models.cost import cost

    settings = {"optimizer.name": "muon", "model.name": name, "model.width": 1 / 16, "fit.batch_size": 10}
    config = RunConfig().with_values(settings)
    model = compiled_model(config, 5)
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1 and not model.optimizer._should_use_adamw(v)]
    flops = 0
    for kernel in kernels:
        short, long = sorted((int(np.prod(kernel.shape[:-1])), kernel.shape[-1]))
        flops += 5 * (4 * short * short * long + 2 * short**3)
    assert flops
    assert cost(config, 5).update_flops == flops / 10


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_biases_of_batch_normalisation_learn_faster_and_weights_go_back_to_their_average(name: str) -> None:
    """Held against two of Keras's optimizers with rates of their own, and an average that is written out."""
    import keras

    from dhc.models import fused

    draw = np.random.default_rng(3)
    start, gradients = draw.normal(size=(2, 4)), draw.normal(size=(7, 2, 4))
    options = {"SGD": {"momentum": 0.9, "nesterov": True}, "AdamW": {"weight_decay": 0.0}}.get(name, {})

    def variables() -> list[Any]:
        return [
            keras.Variable(row, dtype="float32", name=own) for row, own in zip(start, ("kernel", "beta"), strict=True)
        ]

    ours, weights = getattr(fused, name)(0.01, **options), variables()
    ours.bias_rate = 8.0
    theirs = [getattr(keras.optimizers, name)(rate, **options) for rate in (0.01, 0.08)]
    references = variables()
    for step in gradients.astype(np.float32):
        ours.apply(list(step), weights)
        for optimizer, slope, variable in zip(theirs, step, references, strict=True):
            optimizer.apply([slope], [variable])
    np.testing.assert_allclose(np.array(weights), np.array(references), rtol=1e-4)

    ahead, weights = (
        getattr(fused, name)(0.01, use_ema=True, ema_momentum=0.25, ema_overwrite_frequency=3, **options),
        variables(),
    )
    plain, references = getattr(keras.optimizers, name)(0.01, **options), variables()
    average = np.zeros_like(start)
    for number, step in enumerate(gradients.astype(np.float32)):
        ahead.apply(list(step), weights)
        plain.apply(list(step), references)
        now = np.array(references)
        average = now if number == 0 else average
        if (number + 1) % 3 == 0:
            average = 0.25 * average + 0.75 * now
            for variable, value in zip(references, average, strict=True):
                variable.assign(value)
    np.testing.assert_allclose(np.array(weights), np.array(references), rtol=1e-4)


def test_a_sharpness_aware_step_takes_the_gradient_uphill_and_leaves_all_else_where_it_is() -> None:
    """A layer of softmax, whose gradient is written out; batch normalisation before it keeps the averages of one pass."""
    import keras

    from dhc.models.sharpness import SharpnessAware

    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(12, 5)).astype(np.float32), draw.integers(3, size=12)

    def softmax(weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
        powers = np.exp(z @ weights + bias)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def slopes(weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        error = (softmax(weights, bias) - np.eye(3)[y]) / len(y)
        return z.T @ error, error.sum(axis=0)

    inputs = keras.Input((5,))
    normal = keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9)
    dense = keras.layers.Dense(3, activation="softmax")
    model = SharpnessAware(inputs, dense(normal(inputs)))
    model.radius = 0.5
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    z = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + normal.epsilon)
    weights, bias = (keras.ops.convert_to_numpy(v).astype(float) for v in (dense.kernel, dense.bias))
    before = softmax(weights, bias)
    uphill = slopes(weights, bias)
    length = np.sqrt(sum((slope**2).sum() for slope in uphill))
    steepest = slopes(*(value + 0.5 * slope / length for value, slope in zip((weights, bias), uphill, strict=True)))
    figures = model.train_on_batch(x, y, return_dict=True)
    for variable, value, slope in zip((dense.kernel, dense.bias), (weights, bias), steepest, strict=True):
        np.testing.assert_allclose(variable, value - 0.1 * slope, rtol=1e-4, atol=1e-6)
    assert figures["loss"] == pytest.approx(-np.log(before[np.arange(12), y]).mean(), rel=1e-5)
    assert figures["accuracy"] == pytest.approx((before.argmax(axis=1) == y).mean())
    np.testing.assert_allclose(normal.moving_mean, 0.1 * x.mean(axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rate", [0.2, 0.6])
def test_dropout_loses_its_share_scales_the_rest_and_its_gradient_takes_the_same_places(rate: float) -> None:
    import tensorflow as tf

    from dhc.models import fused

    x = tf.Variable(tf.ones((50, 7, 7, 41)))  # an odd count: the last four values are drawn together
    layer, twin = (fused.Dropout(rate, seed=5) for _ in range(2))
    with tf.GradientTape() as tape:
        out = layer(x, training=True)
    values, slopes = out.numpy(), tape.gradient(out, x).numpy()
    assert (values == 0).mean() == pytest.approx(rate, abs=0.006)
    assert np.unique(values[values > 0]) == pytest.approx([1 / (1 - rate)], rel=1e-6)
    assert (slopes == values).all()
    assert (twin(x, training=True).numpy() == values).all()
    again = layer(x, training=True).numpy()
    assert ((again == 0) & (values == 0)).mean() == pytest.approx(rate**2, abs=0.008)
    assert (layer(x, training=False).numpy() == 1).all()


@pytest.mark.parametrize("mode", ["vertical", "horizontal_and_vertical"])
def test_flips_and_their_gradients_are_kerass_by_the_same_seed(mode: str) -> None:
    import keras
    import tensorflow as tf

    from dhc.models import fused

    draw = np.random.default_rng(0)
    x, weights = (tf.Variable(draw.normal(size=(16, 5, 4, 3)).astype(np.float32)) for _ in range(2))
    results = []
    for kind in (fused.RandomFlip, keras.layers.RandomFlip):
        with tf.GradientTape() as tape:
            out = kind(mode, seed=3)(x, training=True)
            loss = tf.reduce_sum(out * weights)
        results.append((out.numpy(), tape.gradient(loss, x).numpy()))
    for ours, theirs in zip(*results, strict=True):
        assert (ours == theirs).all()
    assert not (results[0][0] == x.numpy()).all()


@pytest.mark.parametrize(("side", "kernel", "filters"), [(4, 3, 128), (2, 5, 128), (1, 3, 128), (6, 3, 144)])
def test_many_filters_on_a_small_map_learn_what_kerass_learn(side: int, kernel: int, filters: int) -> None:
    import keras
    import tensorflow as tf

    from dhc.models import fused

    draw = np.random.default_rng(0)
    x = tf.Variable(draw.normal(size=(6, side, side, 20)).astype(np.float32))
    weights = draw.normal(size=(6, side, side, filters)).astype(np.float32)
    values = [draw.normal(size=(kernel, kernel, 20, filters)), draw.normal(size=filters)]
    results, products = [], []
    for kind, precision in ((fused.Conv2D, "mixed_bfloat16"), (keras.layers.Conv2D, "float32")):
        layer = kind(filters, kernel, padding="same", dtype=precision)
        layer.build(x.shape)
        layer.set_weights(values)

        @tf.function
        def step(layer: Any = layer) -> list[Any]:
            with tf.GradientTape() as tape:
                out = tf.cast(layer(x), "float32")
                loss = tf.reduce_sum(out * weights)
            return [out, *tape.gradient(loss, [x, layer.kernel.value])]

        results.append([value.numpy() for value in step()])
        products.append([node.type for node in step.get_concrete_function().graph.get_operations()].count("MatMul"))
    assert products == [1, 0]
    for ours, theirs in zip(*results, strict=True):
        assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()  # 8 bits of mantissa


@pytest.mark.parametrize("alive", [0, 20], ids=["from the start", "later"])
def test_no_rounding_of_a_constant_map_grows_layer_by_layer_in_judging(alive: int) -> None:
    """A filter that comes to see nothing, kernels that hand its map on, and an average off by a rounding in 16 bits."""
    import keras
    import tensorflow as tf

    from dhc.models.build import compiled_model, copy_weights, network

    settings = {
        "model.width": 1 / 16,
        "model.initialization": "dirac",
        "model.bn_momentum": 0.8,
        "augment.where": "off",
    }
    config = RunConfig().with_values({**settings, "model.conv_dropout": 0.0, "model.dense_dropout": 0.0})
    model, judged = compiled_model(config, 3), network(config, 3)
    first, average = (
        next(layer for layer in model.layers if isinstance(layer, kind))
        for kind in (keras.layers.Conv2D, keras.layers.BatchNormalization)
    )
    x = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), np.uint8)
    train = tf.function(lambda: model(x, training=True))
    for number in range(alive + 80):
        if number == alive:
            kernel, bias = (np.array(each) for each in first.get_weights())
            kernel[..., 0], bias[0] = 0, 0.7
            first.set_weights([kernel, bias])
        answers = np.asarray(train())
    average.moving_mean.assign(np.asarray(average.moving_mean) - np.eye(1, average.moving_mean.shape[0])[0] / 1000)
    copy_weights(model, judged)
    assert np.abs(np.asarray(judged(x)) - answers).max() < 0.15
    for layer in judged.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            variance = np.asarray(layer.moving_variance)
            layer.moving_variance.assign(np.where(np.arange(len(variance)) == 0, 0, variance))
    assert np.abs(np.asarray(judged(x)) - answers).max() > 0.5, "as by Keras's rule"


def test_a_batch_says_nothing_of_the_variance_of_a_map_that_is_the_same_all_over() -> None:
    from dhc.models import fused

    layer = fused.BatchNormalization(momentum=0.8)
    layer.build((None, 4, 4, 3))
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype(np.float32)
    x[..., 1], x[..., 2] = 0.7, 500 + x[..., 2] / 10  # the last varies by 0.1, of 500 no more than rounding
    y = np.asarray(layer(x, training=True))
    assert np.abs(y[..., 1]).max() < 1e-4
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    np.testing.assert_allclose(mean, 0.2 * x.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(variance, [0.8 + 0.2 * x[..., 0].var(), 1, 1], rtol=1e-5)
