"""The one drawing of all moves, against Keras's layers one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhc.models import plan as p

pytestmark = pytest.mark.slow

SIDE = (64, 64)
NUMBERS = np.array([[0.1, 0.8], [0.45, 0.3], [0.9, 0.5]], np.float32)  # as drawn for three pictures
DRAWN = 2 * NUMBERS - 1


def coefficients(*changes: Any) -> np.ndarray:
    import keras

    from dhc.models.affine import RandomAffine

    layer = RandomAffine(changes, 0)
    return np.asarray(layer.coefficients([keras.ops.convert_to_tensor(NUMBERS)] * len(changes), *SIDE))


def of_keras(change: Any) -> np.ndarray:
    """The matrices of Keras's own layer, by the same numbers."""
    import keras

    layers, first = keras.layers, DRAWN[:, 0]
    none = np.zeros(3, np.float32)
    match change:
        case p.RandomRotation(factor):
            layer = layers.RandomRotation(factor)
            turn = {"angle": first * factor * 360, "translate_x": none, "translate_y": none, "scale": none + 1}
            more = {"shear_x": none, "shear_y": none, "center_x": 0.5, "center_y": 0.5}
            return np.asarray(layer._compute_affine_matrix(**turn, **more, height=64, width=64))
        case p.RandomZoom(factor):
            zooms = 1 + factor * np.stack([first, first], axis=1)
            return np.asarray(layers.RandomZoom(factor)._get_zoom_matrix(zooms, 64, 64))
        case p.RandomShear(factor):
            slants = factor * np.stack([first, none], axis=1)
            return np.asarray(layers.RandomShear(factor, 0.0)._get_shear_matrix(slants))
        case p.RandomTranslation(factor):
            return np.asarray(layers.RandomTranslation(factor, factor)._get_translation_matrix(-64 * factor * DRAWN))
    raise AssertionError(change)


@pytest.mark.parametrize("kind", [p.RandomRotation, p.RandomZoom, p.RandomShear, p.RandomTranslation])
def test_each_move_is_kerass_by_the_same_numbers(kind: type) -> None:
    np.testing.assert_allclose(coefficients(kind(0.2)), of_keras(kind(0.2)), rtol=1e-4, atol=1e-4)


def test_moves_follow_one_another_as_the_layers_would() -> None:
    changes = [p.RandomRotation(0.1), p.RandomZoom(0.2), p.RandomShear(0.15), p.RandomTranslation(0.1)]
    whole = np.tile(np.eye(3), (3, 1, 1))
    for change in changes:
        whole = whole @ np.concatenate([of_keras(change), np.ones((3, 1))], axis=1).reshape(3, 3, 3)
    np.testing.assert_allclose(coefficients(*changes), whole.reshape(3, 9)[:, :8], rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flips_are_exact_and_both_go_together_as_in_keras(mode: Any) -> None:
    import keras

    from dhc.models.affine import RandomAffine

    pictures = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    ours = np.asarray(RandomAffine([p.RandomFlip(mode), p.RandomZoom(0.0)], 3)(pictures, training=True))
    theirs = np.asarray(keras.layers.RandomFlip(mode, seed=1)(pictures, training=True))
    axes = tuple(axis for axis, word in ((1, "vertical"), (2, "horizontal")) if word in mode)
    forms = {0: pictures, 1: np.flip(pictures, axes)}
    for made in (ours, theirs):
        matches = [(np.abs(made - form).max(axis=(1, 2, 3)) < 0.01) for form in forms.values()]
        assert (matches[0] ^ matches[1]).all()
        assert 8 < matches[1].sum() < 32


def test_training_networks_draw_once_judged_ones_not_at_all_and_the_seed_decides() -> None:
    from dhc.models.augment import on_input
    from dhc.models.build import build
    from dhc.models.presets import preset_config

    augment = preset_config("tuned").augment

    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    kinds = [type(layer).__name__ for layer in build(on_input(augment), seed=0, fast=True).layers]
    assert kinds == ["InputLayer", "RandomAffine"]
    draws = [np.asarray(build(on_input(augment), seed=seed, fast=True)(pictures, training=True)) for seed in (0, 0, 1)]
    assert (draws[0] == draws[1]).all()
    assert not (draws[0] == draws[2]).all()
    assert (np.asarray(build(on_input(augment), seed=0, fast=True)(pictures, training=False)) == pictures).all()
