"""What a convolution sees: the lessons' arithmetic against hand-computed numbers and Keras's own layers."""

from __future__ import annotations

import numpy as np
import pytest

from dhc.lessons import convolution as c
from dhc.lessons import filters as f
from dhc.lessons import neighbours as n
from dhc.lessons import pooling as p

RNG = np.random.default_rng(3)


def test_the_reports_example_has_the_reports_answer() -> None:
    answer = c.convolve(np.array(c.REPORT_INPUT, float), np.array(c.REPORT_KERNEL, float))
    assert answer.tolist() == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]


def test_blur_keeps_a_plain_picture_and_edges_find_nothing_in_it() -> None:
    plain = np.full((6, 6), 90.0)
    assert c.convolve(plain, np.array(c.KERNELS["blur"])) == pytest.approx(plain[1:-1, 1:-1])
    assert c.convolve(plain, np.array(c.KERNELS["sharpen"], float)) == pytest.approx(plain[1:-1, 1:-1])
    assert not c.convolve(plain, np.array(c.KERNELS["edge"], float)).any()


def test_brightness_is_whole_and_white_is_255() -> None:
    picture = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    assert c.brightness(picture).tolist() == [[255, 0, 76]]


def test_what_does_not_fit_is_refused() -> None:
    for side, extent, stride in ((2, 3, 1), (5, 3, 0)):
        with pytest.raises(ValueError, match="does not fit"):
            c.size(side, extent, stride)


def test_corners_are_seen_once_and_the_middle_nine_times_without_padding() -> None:
    assert c.times_seen(4, 3, 1, (0, 0)).tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
    assert c.times_seen(4, 3, 1, (1, 1))[0].tolist() == [4, 6, 6, 4]
    assert c.unseen(8, 3, 3) == 2
    assert c.unseen(8, 3, 1) == 0


@pytest.mark.slow
def test_convolution_and_pooling_are_keras_layers_with_every_stride_and_padding() -> None:
    from keras import layers

    for side, extent in ((8, 3), (9, 5), (7, 2)):
        picture, kernel = RNG.normal(size=(side, side)), RNG.normal(size=(extent, extent))
        for stride in (1, 2, 3):
            for padding in ("valid", "same"):
                layer = layers.Conv2D(1, extent, strides=stride, padding=padding, use_bias=False)
                layer.build((None, side, side, 1))
                layer.set_weights([kernel[:, :, None, None]])
                theirs = np.asarray(layer(picture[None, :, :, None].astype(np.float32)))[0, :, :, 0]
                zeros = c.same_padding(side, extent, stride) if padding == "same" else (0, 0)
                ours = c.convolve(picture, kernel, stride=stride, padding=zeros)
                assert ours.shape == theirs.shape, (side, extent, stride, padding)
                assert ours == pytest.approx(theirs, abs=1e-4)
                assert ours.size == c.size(side + sum(zeros), extent, stride) ** 2
    values = RNG.normal(size=(7, 7))
    for kind, pooled in (("max", layers.MaxPooling2D), ("mean", layers.AveragePooling2D)):
        theirs = np.asarray(pooled(3)(values[None, :, :, None].astype(np.float32)))[0, :, :, 0]
        assert p.pool(values, 3, kind) == pytest.approx(theirs, abs=1e-5)
    theirs = np.asarray(layers.GlobalAveragePooling2D()(values[None, :, :, None].astype(np.float32)))
    assert p.pool(values, 7, "mean") == pytest.approx(theirs, abs=1e-5)
    picture, filters = RNG.normal(size=(7, 6, 3)), RNG.normal(size=(3, 2, 3, 4))
    layer = layers.Conv2D(4, (3, 2), use_bias=False)
    layer.build((None, 7, 6, 3))
    layer.set_weights([filters])
    theirs = np.asarray(layer(picture[None].astype(np.float32)))[0]
    assert f.feature_maps(picture, filters) == pytest.approx(theirs, abs=1e-4)


def test_a_picture_is_made_smaller_by_whole_means() -> None:
    picture = np.array([[1, 3, 10, 10], [5, 7, 10, 11]], float)
    assert c.shrunk(picture, 2).tolist() == [[4, 10]]
    assert c.mean_kernel(2).tolist() == [[0.25, 0.25], [0.25, 0.25]]


def test_each_filter_made_by_hand_finds_what_it_is_named_for() -> None:
    left, top = np.zeros((5, 5, 3)), np.zeros((5, 5, 3))
    left[:, 3:], top[3:] = 1, 1  # dark, then bright
    assert answers(left, "upright") == pytest.approx(1)
    assert answers(left, "level") == 0
    assert answers(top, "level") == pytest.approx(1)
    dot = np.zeros((5, 5, 3))
    dot[2, 2] = 1
    assert answers(dot, "spot") == pytest.approx(1)
    for name, colour in (("red", (1, 0, 0)), ("blue", (0, 0, 1))):
        assert answers(np.ones((5, 5, 3)) * colour, name) == pytest.approx(1)
        assert answers(np.ones((5, 5, 3)), name) == pytest.approx(0)


def answers(picture: np.ndarray, name: str) -> float:
    """The strongest answer of a filter."""
    return float(f.feature_maps(picture, f.FILTERS[name][..., None]).max())


def test_a_window_leaves_its_largest_number_or_its_mean() -> None:
    values = np.array([[1, 2, 5, 0, 9], [3, 6, 0, 3, 9]], float)
    assert p.pool(values, 2, "max").tolist() == [[6, 5]]
    assert p.pool(values, 2, "mean").tolist() == [[3, 2]]


def test_a_shift_within_a_window_changes_the_map_and_not_its_pooled_answer() -> None:
    dot = np.zeros((4, 4))
    dot[0, 0] = 7
    moved = np.roll(dot, 1, axis=1)
    assert p.change(dot, moved) == 1
    assert p.change(p.pool(dot, 2, "max"), p.pool(moved, 2, "max")) == 0
    assert p.shifted(np.array([[1.0, 2.0, 3.0]]), 1).tolist() == [[1, 1, 2]]
    assert p.change(np.zeros(3), np.zeros(3)) == 0
    assert p.strongest_corner(moved, 2, 2) == (0, 0)


def test_distances_are_those_of_scikit_learn() -> None:
    from sklearn.metrics.pairwise import pairwise_distances

    rows = RNG.random((6, 5))
    for name, distance in n.DISTANCES.items():
        assert distance(rows[0], rows) == pytest.approx(pairwise_distances(rows[:1], rows, metric=name)[0], abs=1e-7)
    assert n.euclidean(np.array([1.0, 2.0]), np.array([[4.0, 6.0]])).tolist() == [5]
    assert n.manhattan(np.array([1.0, 2.0]), np.array([[4.0, 6.0]])).tolist() == [7]
    assert n.cosine(np.zeros(2), np.ones((1, 2))).tolist() == [1]


def test_a_striped_picture_moved_by_one_pixel_is_further_from_itself_than_a_grey_one() -> None:
    stripes = np.zeros((4, 6, 3), np.uint8)
    stripes[:, ::2] = 255
    grey = np.full((1, 4, 6, 3), 128, np.uint8)
    from_itself = n.to_itself(stripes, n.euclidean, 2)
    assert from_itself[0] == 0
    assert from_itself[1] > n.euclidean(n.as_rows(stripes[None])[0], n.as_rows(grey))[0]
    assert n.shifted(stripes, 2)[0, :, 0].tolist() == [255, 255, 255, 0, 255, 0]
    assert n.majority(np.array([4, 2, 2, 4, 1])) == 4
