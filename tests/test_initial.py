"""First weights after airbench94: convolutions that pass their maps on, and a first one that whitens patches, against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhc.config import RunConfig

pytestmark = pytest.mark.slow


def started(**changes: Any) -> tuple[Any, list[Any]]:
    """A compiled network of random weights, and its convolutions."""
    import keras

    from dhc.models.build import compiled_model

    model = compiled_model(RunConfig().with_values(changes), 3)
    return model, [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize(
    "changes",
    [{"model.name": "cnn7", "model.width": 1 / 8}, {"model.name": "cnn9-skip", "model.width": 1 / 4}],
    ids=lambda changes: changes["model.name"],
)
def test_a_convolution_begins_by_passing_its_maps_on_through_its_first_filters(changes: dict[str, Any]) -> None:
    _, drawn = started(**changes)
    _, passing = started(**changes, **{"model.initialization": "dirac"})
    np.testing.assert_array_equal(drawn[0].kernel, passing[0].kernel)
    for layer, other in zip(passing[1:], drawn[1:], strict=True):
        maps, filters = layer.kernel.shape[2:]
        x = np.random.default_rng(0).random((2, 6, 6, maps)).astype(np.float32)  # above 0, so that a ReLU passes it
        edge = (layer.kernel_size[0] - 1) // 2 if layer.padding == "valid" else 0
        there = x[:, edge : 6 - edge : layer.strides[0], edge : 6 - edge : layer.strides[1]]
        np.testing.assert_allclose(np.asarray(layer(x))[..., :maps], there, rtol=1e-6)
        np.testing.assert_array_equal(layer.kernel[..., maps:filters], other.kernel[..., maps:filters])


def test_the_first_convolution_sees_patches_along_the_directions_in_which_they_vary() -> None:
    """Against NumPy's covariance of all patches, cut out one shift after the other; and it stays so while the biases learn."""
    from dhc.models.initial import EPSILON, whiten

    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (40, 17, 17, 3)).repeat(4, axis=1).repeat(4, axis=2)[:, :64, :64].astype(np.uint8)
    changes = {"model.name": "cnn5", "model.first_conv": "whitened", "augment.where": "off"}
    model, (first, *_) = started(**changes)
    drawn = np.asarray(first.kernel).copy()
    whiten(model, pictures, seed=0)
    shifts = [pictures[:, i : i + 62, j : j + 62] / 255 for i in range(3) for j in range(3)]
    patches = np.stack(shifts, axis=3).reshape(-1, 27)
    covariance = np.cov(patches, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    kernel = np.asarray(first.kernel).reshape(27, 64)
    scale = 1 / np.sqrt(values[::-1] + EPSILON * np.trace(covariance) / 27)
    overlap = np.abs(kernel[:, :27].T @ vectors[:, ::-1])  # of unit vectors it would be 1 where they are the same
    np.testing.assert_allclose(np.diag(overlap), scale, rtol=1e-3)
    np.testing.assert_array_equal(kernel[:, 27:54], -kernel[:, :27])
    np.testing.assert_array_equal(np.asarray(first.kernel)[..., 54:], drawn[..., 54:])
    seen = patches @ kernel[:, :27] + np.asarray(first.bias)[:27]
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-3)
    expected = np.diag(values[::-1] * scale**2)  # about 1, but for directions that hardly vary
    np.testing.assert_allclose(np.cov(seen, rowvar=False), expected, atol=1e-3)
    before = np.asarray(first.bias).copy()
    model.fit(pictures[:4], np.array([0, 1, 2, 0]), verbose=0)
    np.testing.assert_array_equal(np.asarray(first.kernel).reshape(27, 64), kernel)
    assert (np.asarray(first.bias) != before).any()


def test_the_pictures_are_drawn_by_the_seed_and_no_more_than_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    from dhc.models import initial

    monkeypatch.setattr(initial, "PICTURES", 5)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3)).astype(np.uint8)
    model, (first, *_) = started(**{"model.name": "cnn3", "model.width": 1 / 2})
    kernels = []
    for seed in (3, 3, 4):
        initial.whiten(model, pictures, seed)
        kernels.append(np.asarray(first.kernel).copy())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])
