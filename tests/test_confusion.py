"""Confusion matrices: counts by hand, scikit-learn as the oracle, and orders that are permutations with a meaning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dhc.analysis.confusion import ORDERS, class_order, confused_pairs, confusion_matrix, normalize
from dhc.figures.confusion import heatmap

MATRICES = st.integers(1, 7).flatmap(lambda k: hnp.arrays(np.int64, (k, k), elements=st.integers(0, 20)))


def test_counts_rows_true_columns_predicted() -> None:
    matrix = confusion_matrix(np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 0, 2]), 4)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [2, 0, 1, 0], [0, 0, 0, 0]]


@settings(deadline=None)
@given(st.integers(2, 8).flatmap(lambda k: st.tuples(st.just(k), st.lists(st.tuples(*[st.integers(0, k - 1)] * 2)))))
def test_counts_equal_scikit_learns(case: tuple[int, list[tuple[int, int]]]) -> None:
    from sklearn.metrics import confusion_matrix as oracle

    k, pairs = case
    true, predicted = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = oracle(true, predicted, labels=range(k)) if pairs else np.zeros((k, k))
    np.testing.assert_array_equal(confusion_matrix(true, predicted, k), expected)


@pytest.mark.parametrize(
    ("true", "predicted", "sentence"),
    [
        ([0, 1], [0], "2 true classes and 1 predicted"),
        ([0, 3], [0, 1], "true classes run from 0 to 3; with 3 classes they must lie in 0 to 2"),
        ([0, 1], [-1, 1], "predicted classes run from -1 to 1"),
    ],
)
def test_refuses_what_is_not_a_class(true: list[int], predicted: list[int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        confusion_matrix(np.array(true), np.array(predicted), 3)


def test_normalising_by_row_and_by_column() -> None:
    matrix = np.array([[3, 1], [0, 4]])
    assert normalize(matrix, "true").tolist() == [[0.75, 0.25], [0.0, 1.0]]
    assert normalize(matrix, "pred").tolist() == [[1.0, 0.2], [0.0, 0.8]]
    assert normalize(matrix, None).tolist() == [[3.0, 1.0], [0.0, 4.0]]


@settings(deadline=None)
@given(MATRICES)
def test_shares_sum_to_one_where_there_are_pictures_and_to_zero_elsewhere(matrix: np.ndarray) -> None:
    np.testing.assert_allclose(normalize(matrix, "true").sum(axis=1), matrix.sum(axis=1) > 0)
    np.testing.assert_allclose(normalize(matrix, "pred").sum(axis=0), matrix.sum(axis=0) > 0)


@settings(deadline=None)
@given(MATRICES, st.sampled_from(ORDERS))
def test_every_order_is_a_permutation_and_the_same_each_time(matrix: np.ndarray, by: str) -> None:
    order = class_order(matrix, by)  # type: ignore[arg-type]
    assert sorted(order.tolist()) == list(range(len(matrix)))
    np.testing.assert_array_equal(order, class_order(matrix, by))  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("diagonal", [0, 9])
def test_without_confusion_similarity_is_label_order(k: int, diagonal: int) -> None:
    assert class_order(np.eye(k, dtype=np.int64) * diagonal, "similarity").tolist() == list(range(k))


def test_frequency_puts_the_most_pictures_first_and_keeps_equals_in_label_order() -> None:
    matrix = np.array([[1, 0, 0, 1], [0, 5, 0, 0], [0, 0, 2, 0], [0, 0, 0, 9]])
    assert class_order(matrix, "frequency").tolist() == [3, 1, 0, 2]


def test_similarity_puts_confused_classes_side_by_side_and_the_others_last() -> None:
    matrix = np.diag([8, 8, 8, 8, 8])
    matrix[0, 3] = matrix[3, 0] = 4
    matrix[2, 4] = 3
    order = class_order(matrix, "similarity").tolist()
    assert {frozenset(order[:2]), frozenset(order[2:4])} == {frozenset({0, 3}), frozenset({2, 4})}
    assert order[4] == 1


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_similarity_shows_planted_families_as_blocks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    family = rng.permutation(np.repeat(np.arange(8), 3))
    related = family[:, None] == family[None, :]
    matrix = np.where(related, rng.integers(3, 8, (24, 24)), rng.random((24, 24)) < 0.05) + 30 * np.eye(24, dtype=int)
    families = family[class_order(matrix, "similarity")]
    assert int((np.diff(families) != 0).sum()) == 7  # eight blocks


def test_96_classes_are_ordered_each_once_whatever_the_counts() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.poisson(0.3, (96, 96)) + np.diag(rng.integers(4, 36, 96))
    assert sorted(class_order(matrix, "similarity")) == list(range(96))


def test_pairs_are_ranked_by_count_then_share_then_label() -> None:
    matrix = np.array([[9, 2, 0], [1, 1, 2], [2, 0, 6]])
    pairs = confused_pairs(matrix, ["ring", "star", "wave"])
    assert list(pairs.columns) == ["true", "predicted", "count", "share", "i", "j"]
    assert list(pairs.itertuples(index=False, name=None)) == [
        ("star", "wave", 2, 0.5, 1, 2),
        ("wave", "ring", 2, 0.25, 2, 0),
        ("ring", "star", 2, 2 / 11, 0, 1),
        ("star", "ring", 1, 0.25, 1, 0),
    ]


@settings(deadline=None)
@given(MATRICES)
def test_pairs_count_every_mistake_once(matrix: np.ndarray) -> None:
    pairs = confused_pairs(matrix, [f"class {c}" for c in range(len(matrix))])
    assert pairs["count"].sum() == matrix.sum() - np.trace(matrix)
    assert (pairs["i"] != pairs["j"]).all()


def test_pairs_of_a_perfect_network_are_an_empty_table_with_its_columns() -> None:
    pairs = confused_pairs(np.eye(3, dtype=np.int64), ["a", "b", "c"])
    assert len(pairs) == 0
    assert list(pairs.columns) == ["true", "predicted", "count", "share", "i", "j"]


def test_ticks_of_the_colour_scale_stand_apart_on_a_short_scale() -> None:
    for most in (1, 3, 36, 90, 4000):
        counts = np.array([[most, 0], [0, 1]])
        for scale, power in (("sqrt", 0.5), ("linear", 1.0)):
            figure = heatmap(counts, ["a", "b"], np.arange(2), counts=counts, scale=scale)  # type: ignore[arg-type]
            places = np.array([int(text) for text in figure.data[0].colorbar.ticktext]) ** power / most**power
            assert len(places) > 0
            assert np.all(np.diff(places) >= 0.13)
