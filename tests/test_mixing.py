"""Mixup and CutMix against what a person computes by hand: pictures, labels, loss, accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from dhc.config import AugmentConfig, RunConfig
from dhc.models.mixing import mixed, mixes

CLASSES = 5
GREYS = np.arange(0, 240, 24, dtype=np.uint8)  # one for each picture, which it is all over
X, Y = np.broadcast_to(GREYS[:, None, None, None], (10, 16, 24, 3)), np.arange(10) % CLASSES


def batches(count: int, **augment: float) -> list[tuple[np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(3)
    return [mixed(X, Y, AugmentConfig(**augment), draw) for _ in range(count)]  # type: ignore[arg-type]


def test_mixup_blends_pictures_as_it_blends_labels_and_each_keeps_the_larger_share() -> None:
    shares = []
    for x, y in batches(40, mixup=0.4):
        assert (x.dtype, y.dtype) == (np.uint8, np.float32)
        np.testing.assert_array_equal(y[:, 0], Y)
        share = y[:, 2:]
        blends = share * GREYS[:, None] + (1 - share) * GREYS[None]  # of each picture with every one
        of_class = np.where(Y[None] == y[:, 1:2], np.abs(blends - x[:, 0, 0, :1]), np.inf)
        assert of_class.min(axis=1).max() <= 0.5, "to the nearest whole number"
        assert (x == x[:, :1, :1]).all()
        shares += y[:, 2].tolist()
    expected = np.random.default_rng(0).beta(0.4, 0.4, 100_000)
    assert np.mean(shares) == pytest.approx(np.maximum(expected, 1 - expected).mean(), abs=0.03)
    assert min(shares) >= 0.5


def test_cutmix_puts_a_box_of_the_other_picture_and_labels_by_its_area() -> None:
    areas = []
    for x, y in batches(20, cutmix=1.0):
        for picture, (own, other, share), grey in zip(x[..., 0], y, GREYS, strict=True):
            inside = picture != grey
            rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            if not len(rows):
                continue  # mixed with itself, or a box of no area
            box = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert len(np.unique(box)) == 1
            assert GREYS.tolist().index(box[0, 0]) % CLASSES == other
            assert own == GREYS.tolist().index(grey) % CLASSES
            assert share == pytest.approx(1 - box.size / picture.size, abs=1e-6)
            areas.append(box.size / picture.size)
    assert 0 < min(areas) < 0.05
    assert 0.3 < max(areas) <= 0.5


def test_with_both_each_batch_is_mixed_in_one_way_and_without_nothing_is() -> None:
    is_blend = [bool((x == x[:, :1, :1]).all()) for x, _ in batches(60, mixup=1.0, cutmix=1.0)]
    assert 15 < sum(is_blend) < 45
    assert not mixes(AugmentConfig())
    assert not mixes(AugmentConfig(where="features", mixup=1.0))


@pytest.mark.slow
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_accuracy_and_what_is_followed_are_those_of_mixed_labels(smoothing: float) -> None:
    import keras

    from dhc.models.losses import accuracy_of, loss_of
    from dhc.training.dynamics import Answers

    config = RunConfig().with_values({"augment.mixup": 1.0, "fit.label_smoothing": smoothing})
    probabilities = np.random.default_rng(1).dirichlet(np.ones(CLASSES), 4).astype(np.float32)
    y = np.array([[0, 1, 0.75], [2, 2, 0.5], [4, 0, 1], [1, 3, 0.625]], np.float32)
    labels = np.zeros((4, CLASSES))
    for row, (own, other, share) in zip(labels, y, strict=True):
        row[int(own)] += share
        row[int(other)] += 1 - share
    answers = probabilities.argmax(axis=1)
    model = keras.Sequential([keras.layers.Input((CLASSES,)), keras.layers.Rescaling(1.0)])
    followed = Answers(4)
    model.compile(loss=loss_of(config, CLASSES), metrics=[accuracy_of(config), followed])
    figures = model.evaluate(probabilities, y, verbose=0, return_dict=True)
    smoothed = (1 - smoothing) * labels + smoothing / CLASSES
    assert figures["loss"] == pytest.approx(-(smoothed * np.log(probabilities)).sum(axis=1).mean(), rel=1e-5)
    assert figures["accuracy"] == pytest.approx(labels[np.arange(4), answers].mean())
    np.testing.assert_allclose(followed.values()[:, 0], probabilities[np.arange(4), y[:, 0].astype(int)])
