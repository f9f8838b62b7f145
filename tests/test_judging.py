"""The network that is judged answers as the one that was trained, where a map was constant all the while."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhc.config import RunConfig

pytestmark = pytest.mark.slow
CONFIG = RunConfig().with_values(
    {
        **{"model.name": "vgg16", "model.width": 1 / 16, "model.initialization": "dirac", "model.bn_momentum": 0.5},
        **{"model.conv_dropout": 0.0, "model.dense_dropout": 0.0, "augment.where": "off"},
    }
)


@pytest.fixture(scope="module")
def trained() -> tuple[Any, np.ndarray, np.ndarray]:
    """A model whose first filter sees nothing, the batch that its averages are of, and what it answers there in training.

    Each layer hands the first map on, and the first average is off by as much as rounding in 16 bits.
    """
    import keras

    from dhc.models.build import compiled_model

    model = compiled_model(CONFIG, 3)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    kernel, bias = (np.array(each) for each in first.get_weights())
    kernel[..., 0], bias[0] = 0, 0.7
    first.set_weights([kernel, bias])
    x = np.random.default_rng(0).integers(0, 256, (64, 64, 64, 3), np.uint8)
    for _ in range(30):
        answers = np.asarray(model(x, training=True))
    average = norms(model)[0].moving_mean
    average.assign(np.asarray(average) - np.eye(1, average.shape[0])[0] / 1000)
    return model, x, answers


def norms(model: Any) -> list[Any]:
    return [layer for layer in model.layers if hasattr(layer, "moving_mean")]


def test_no_rounding_of_a_constant_map_grows_layer_by_layer(trained: tuple[Any, np.ndarray, np.ndarray]) -> None:
    from dhc.models.build import network
    from dhc.models.judging import copy_weights

    model, x, answers = trained
    judged = network(CONFIG, 3)
    judged.set_weights(model.get_weights())
    assert np.abs(np.asarray(judged(x)) - answers).max() > 0.5, "without that, there is nothing to test"
    copy_weights(model, judged)
    np.testing.assert_allclose(np.asarray(judged(x)), answers, atol=2e-3)
    for ours, theirs in zip(norms(judged)[:-1], norms(model), strict=False):
        gammas = np.asarray(theirs.gamma)
        assert gammas.all()
        np.testing.assert_array_equal(np.asarray(ours.gamma), [0, *gammas[1:]])


def test_the_weights_of_a_kept_state_are_settled_the_same_way(trained: tuple[Any, np.ndarray, np.ndarray]) -> None:
    from dhc.models.build import network
    from dhc.models.judging import copy_weights, fill

    model, _, _ = trained
    copied, filled = network(CONFIG, 3), network(CONFIG, 3)
    copy_weights(model, copied)
    fill(filled, model.get_weights())
    for ours, theirs in zip(filled.get_weights(), copied.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_the_probe_sees_is_what_is_judged(trained: tuple[Any, np.ndarray, np.ndarray]) -> None:
    from dhc.models.build import network
    from dhc.models.judging import copy_weights
    from dhc.training.probe import Probe

    model, x, _ = trained
    judged = network(CONFIG, 3)
    copy_weights(model, judged)
    look = Probe(model, x[:8], np.zeros(8, np.int64), 4).look()
    assert np.nanmax(np.abs(look.mean)) < 100
    assert look.mean_largest == pytest.approx(np.asarray(judged(x[:8])).max(axis=1).mean(), abs=1e-4)


def test_a_map_counts_as_constant_by_its_own_size() -> None:
    from dhc.models.judging import gamma_of

    gamma, mean = np.full(4, 2, np.float32), np.array([0, 0, 100, 100], np.float32)
    variance = np.array([9e-7, 1.1e-6, 9e-3, 1.1e-2], np.float32)
    assert np.asarray(gamma_of(gamma, mean, variance)).tolist() == [0, 2, 0, 2]
