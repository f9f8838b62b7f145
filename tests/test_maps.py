"""Maps of what a network looks at: against tf-keras-vis, finite differences and hand-made networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.slow

GOLDENS = Path(__file__).parent / "goldens" / "maps.json"
PICTURES = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
CLASSES = np.array([3, 0])
LAYER = 1  # of the convolutions: the maps of later ones are all but points here


def chain() -> keras.Model:
    """The report's network of seven convolutions, a sixteenth as wide, for five classes, with weights that do not hang on Keras's own draws."""
    from dhc.config import RunConfig
    from dhc.models.build import network

    model = network(RunConfig().with_values({"model.name": "cnn7", "model.width": 1 / 16}), 5)
    rng = np.random.default_rng(2)
    for variable in model.weights:
        noise = rng.normal(size=variable.shape) / np.sqrt(max(1, np.prod(variable.shape[:-1])))
        variable.assign(np.abs(1 + noise) if "variance" in variable.path or "gamma" in variable.path else 1.5 * noise)
    head = model.layers[-1]  # tf-keras-vis takes exp of the score, which must not overflow
    head.set_weights([weights / 5000 for weights in head.get_weights()])
    return model


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return chain()


def shares(heat: np.ndarray) -> np.ndarray:
    """Each map from 0 to 1, as tf-keras-vis gives it."""
    low, high = heat.min(axis=(1, 2), keepdims=True), heat.max(axis=(1, 2), keepdims=True)
    return (heat - low) / (high - low + 1e-7)


def test_the_maps_are_those_of_tf_keras_vis(model: keras.Model) -> None:
    from dhc.explain import maps

    goldens = {name: np.array(rows) for name, rows in json.loads(GOLDENS.read_text()).items() if name != "origin"}
    made = {
        "grad_cam": shares(maps.grad_cam(model, PICTURES, CLASSES, LAYER))[:, ::8, ::8],
        "grad_cam_pp": shares(maps.grad_cam_pp(model, PICTURES, CLASSES, LAYER))[:, ::8, ::8],
        "saliency": maps.saliency(model, PICTURES, CLASSES, samples=1)[:, ::16, ::16],
    }
    for name, golden in goldens.items():
        assert golden.any(), name
        np.testing.assert_allclose(
            made[name].reshape(golden.shape), golden, rtol=2e-3, atol=2e-4 * golden.max(), err_msg=name
        )


def test_a_slope_is_the_finite_difference_of_the_score(model: keras.Model) -> None:
    from dhc.explain import maps
    from dhc.explain.parts import above, convolutions, gradient

    part = above(model, convolutions(model)[-1])
    values = np.random.default_rng(3).normal(size=(1, *part.input.shape[1:])).astype(np.float32)
    score = maps._score(part, np.array([2]))
    slopes = gradient(score, values)
    step, place = 1e-2, (0, 0, 0, 1)
    up, down = values.copy(), values.copy()
    up[place] += step
    down[place] -= step
    difference = float(np.asarray(score(up))[0] - np.asarray(score(down))[0]) / (2 * step)
    assert slopes[place] == pytest.approx(difference, rel=1e-2, abs=1e-5)


def test_a_slope_beside_a_skip_is_that_of_the_whole_network_asked_at_once() -> None:
    """In the block that is skipped, an earlier output goes past the layer and stays as it is."""
    import keras
    import tensorflow as tf

    from dhc.config import RunConfig
    from dhc.explain.maps import _at
    from dhc.models.build import network

    changes = {"model.name": "cnn9-skip", "model.width": 1 / 64, "model.activation": "prelu"}
    model = network(RunConfig().with_values(changes), 5)
    kernel, bias = model.layers[-1].get_weights()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    for place in (4, 5, 8):  # before the skip begins, within its block, behind it
        both = keras.Model(model.inputs[0], [convolutions[place].output, model.layers[-1].input])
        with tf.GradientTape() as tape:
            maps, features = both(PICTURES, training=False)
            scores = tf.reduce_sum((features @ kernel + bias) * tf.one_hot(CLASSES, 5))
        ours, slopes = _at(model, PICTURES, CLASSES, place)
        np.testing.assert_allclose(ours, maps, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(slopes, tape.gradient(scores, maps), rtol=1e-3, atol=1e-8)


def test_the_scores_before_the_softmax_have_its_probabilities(model: keras.Model) -> None:
    from dhc.explain.parts import above

    scores = np.asarray(above(model)(PICTURES.astype(np.float32), training=False))
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = np.asarray(model(PICTURES, training=False))
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), probabilities, rtol=1e-4, atol=1e-6)


def test_occlusion_is_the_mean_drop_under_each_square(model: keras.Model) -> None:
    """By the definition, in one pixel that only one square covers and in one that four do."""
    from dhc.explain import maps

    heat = maps.occlusion(model, PICTURES[:1], CLASSES[:1], patch=32, stride=16)

    def drop(top: int, left: int) -> float:
        covered = PICTURES[:1].copy()
        covered[:, top : top + 32, left : left + 32] = 128
        before, after = (np.asarray(model(x, training=False))[0, CLASSES[0]] for x in (PICTURES[:1], covered))
        return float(before - after)

    assert heat.shape == (1, 64, 64)
    assert heat[0, 0, 0] == pytest.approx(drop(0, 0), rel=1e-3, abs=1e-7)
    four = [drop(top, left) for top in (0, 16) for left in (0, 16)]
    assert heat[0, 20, 20] == pytest.approx(float(np.mean(four)), rel=1e-3, abs=1e-7)
    both = maps.occlusion(model, np.repeat(PICTURES[:1], 2, axis=0), CLASSES, patch=32, stride=16)
    np.testing.assert_array_equal(both[0], heat[0])
    np.testing.assert_array_equal(both[1], maps.occlusion(model, PICTURES[:1], CLASSES[1:], patch=32, stride=16)[0])


def test_smoothgrad_is_the_mean_size_of_the_slopes_at_noisy_copies(model: keras.Model) -> None:
    """The noise is a share of the picture's own range, as in tf-keras-vis, and sizes are taken before the mean."""
    from dhc.explain import maps
    from dhc.explain.parts import above, gradient

    (heat,) = maps.saliency(model, PICTURES[:1], CLASSES[:1], samples=3, seed=4)
    sigma = maps.NOISE * (float(PICTURES[0].max()) - float(PICTURES[0].min()))
    noise = np.random.default_rng(4).normal(0, sigma, (3, 64, 64, 3)).astype(np.float32)
    score = maps._score(above(model), CLASSES[:1])
    slopes = [gradient(score, PICTURES[:1].astype(np.float32) + one[None])[0] for one in noise]
    np.testing.assert_allclose(heat, np.mean(np.abs(slopes), axis=0).max(axis=-1), rtol=1e-3, atol=1e-4 * heat.max())


def test_random_weights_give_another_map_of_the_same_shape(model: keras.Model) -> None:
    from dhc.explain import maps

    twin = maps.random_twin(model)
    before = [np.asarray(weights) for weights in model.get_weights()]
    own, random = (maps.saliency(each, PICTURES[:1], CLASSES[:1], samples=2) for each in (model, twin))
    assert own.shape == random.shape == (1, 64, 64)
    assert not np.allclose(shares(own), shares(random))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), (
        "the network is untouched"
    )


def test_a_network_that_computes_in_16_bits_has_the_maps_of_32(model: keras.Model) -> None:
    import keras

    from dhc.explain import maps
    from dhc.explain.parts import in_float32

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        short = chain()
    finally:
        keras.config.set_dtype_policy("float32")
    short.set_weights(model.get_weights())
    whole = in_float32(short)
    assert whole is not short
    assert in_float32(model) is model
    one = PICTURES[:1], CLASSES[:1]
    np.testing.assert_array_equal(maps.saliency(whole, *one, samples=2), maps.saliency(model, *one, samples=2))
    np.testing.assert_array_equal(maps.grad_cam(whole, *one), maps.grad_cam(model, *one))


def test_a_layer_of_one_place_and_a_picture_of_one_colour_have_maps_without_a_gap() -> None:
    import keras

    from dhc.explain import maps
    from dhc.figures.heat import mean_map, overlay

    parts = [keras.Input((64, 64, 3), dtype="uint8"), keras.layers.Rescaling(1 / 255)]
    parts += [keras.layers.Conv2D(3, 3, strides=32, padding="same", activation="relu"), keras.layers.Conv2D(3, 2)]
    model = keras.Sequential([*parts, keras.layers.Flatten(), keras.layers.Dense(4, activation="softmax")])
    model.set_weights([np.abs(weights) + 0.1 for weights in model.get_weights()])
    grey = np.full((2, 64, 64, 3), 128, np.uint8)
    for kind, shape in (("grad_cam", (1, 1)), ("grad_cam_pp", (1, 1)), ("saliency", (64, 64)), ("occlusion", (64, 64))):
        heats = getattr(maps, kind)(model, grey, CLASSES)
        assert heats.shape == (2, *shape)
        assert np.isfinite(heats).all(), kind
        drawn = overlay(grey[0], mean_map(heats, signed=kind == "occlusion"), 0.6)
        assert drawn.shape == (256, 256, 3)


def test_the_mean_map_gives_each_picture_the_same_weight() -> None:
    from dhc.figures.heat import mean_map

    heats = np.array([[[4.0, 1.0]], [[0.0, 0.5]], [[0.0, 0.0]]])
    np.testing.assert_allclose(mean_map(heats), [[1 / 3, 1.25 / 3]])
    np.testing.assert_allclose(mean_map(np.array([[[-4.0, 2.0]]]), signed=True), [[-1.0, 0.5]])
