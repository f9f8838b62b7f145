"""Nearest neighbours: scikit-learn's answers, ties in the order of the training pictures, and a knn run end to end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from dhc.models import knn


def pictures(rng: np.random.Generator, n: int, side: int = 8) -> np.ndarray:
    return rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("metric", knn.METRICS)
def test_answers_and_shares_are_scikit_learns(metric: str) -> None:
    """Where the k-th and the next distance differ; where not, scikit-learn's choice hangs on its threads and chunks."""
    rng = np.random.default_rng(0)
    train, x, y = pictures(rng, 300), pictures(rng, 80), rng.integers(0, 7, 300)
    labels = y[knn.neighbours(train, x, 11, [metric])[metric]]
    flat = x.reshape(80, -1).astype(float)
    for k in (1, *knn.KS):
        theirs = KNeighborsClassifier(k, metric=metric).fit(train.reshape(300, -1).astype(float), y)
        distances, _ = theirs.kneighbors(flat, k + 1)
        clear = distances[:, k - 1] < distances[:, k]
        assert clear.sum() >= 75
        ours = knn.vote(labels[clear, :k], 7)
        assert (ours.argmax(axis=1) == theirs.predict(flat[clear])).all()
        np.testing.assert_allclose(ours, theirs.predict_proba(flat[clear]), atol=1e-7)


@st.composite
def few_values(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Pictures of so few different pixels that many distances are equal, with their labels and a k."""
    n, q = draw(st.integers(2, 30)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    high = draw(st.integers(1, 3))
    train, x = (rng.integers(0, high + 1, (m, 2, 1, 3), dtype=np.uint8) * 85 for m in (n, q))
    return train, x, rng.integers(0, 4, n), draw(st.integers(1, n))


@settings(max_examples=150, deadline=None)
@given(few_values(), st.sampled_from(["euclidean", "manhattan"]), st.integers(1, 9), st.integers(1, 9))
def test_of_equal_distances_the_earlier_training_picture_is_nearer(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, int], metric: str, rows: int, queries: int
) -> None:
    """Also when the pictures are compared a few at a time; the votes are scikit-learn's on distances that name the order."""
    train, x, y, k = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn, "ROWS", rows)
        patch.setattr(knn, "QUERIES", queries)
        found = knn.neighbours(train, x, k, [metric])[metric]
    apart = x.reshape(len(x), 1, -1).astype(np.int64) - train.reshape(1, len(train), -1)
    distances = (np.abs(apart) if metric == "manhattan" else apart**2).sum(axis=2)
    assert (found == np.argsort(distances, axis=1, kind="stable")[:, :k]).all()
    without_ties = distances * len(train) + np.arange(len(train))
    theirs = KNeighborsClassifier(k, metric="precomputed").fit(np.zeros((len(train), len(train))), y)
    assert (knn.vote(y[found], 4).argmax(axis=1) == theirs.predict(without_ties)).all()


@settings(max_examples=100, deadline=None)
@given(few_values())
def test_cosine_neighbours_are_as_near_as_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    """Directions are often the same here, and rounding decides which of them comes first: the distances must agree."""
    train, x, y, k = case
    theirs = KNeighborsClassifier(k, metric="cosine").fit(train.reshape(len(train), -1).astype(float), y)
    distances, _ = theirs.kneighbors(x.reshape(len(x), -1).astype(float))
    everything, names = theirs.kneighbors(x.reshape(len(x), -1).astype(float), len(train))
    by_row = np.take_along_axis(everything, np.argsort(names, axis=1), axis=1)
    found = knn.neighbours(train, x, k, ["cosine"])["cosine"]
    np.testing.assert_allclose(np.take_along_axis(by_row, found, axis=1), distances, atol=1e-12)


def test_black_and_white_pictures_stay_exact() -> None:
    """The largest sums that there are: 64×64×3 differences of 255, one of them a single step smaller."""
    white, black = np.full((1, 64, 64, 3), 255, np.uint8), np.zeros((1, 64, 64, 3), np.uint8)
    almost = white.copy()
    almost[0, 63, 63, 2] = 254
    train = np.concatenate([white, almost, black])
    for metric in ("euclidean", "manhattan"):
        assert knn.neighbours(train, black, 3, [metric])[metric].tolist() == [[2, 1, 0]]
        assert knn.neighbours(train, white, 3, [metric])[metric].tolist() == [[0, 1, 2]]
    assert knn.neighbours(train, white, 3, ["cosine"])["cosine"].tolist() == [[0, 1, 2]]


def test_votes_are_counted_and_the_lowest_of_equal_classes_wins() -> None:
    shares = knn.vote(np.array([[2, 0, 2], [2, 1, 0]]), 3)
    np.testing.assert_allclose(shares, [[1 / 3, 0, 2 / 3], [1 / 3, 1 / 3, 1 / 3]], atol=1e-7)
    assert shares.argmax(axis=1).tolist() == [2, 0]


def test_the_table_holds_every_metric_and_k() -> None:
    labels = {"euclidean": np.array([[0, 1, 1], [1, 0, 0]])}
    assert knn.accuracies(labels, np.array([1, 1]), 2, [1, 3]) == {"euclidean": {1: 0.5, 3: 0.5}}


def test_more_neighbours_than_pictures_are_refused() -> None:
    train = np.zeros((4, 2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="5 neighbours cannot be found among 4 training pictures"):
        knn.neighbours(train, train, 5, ["manhattan"])


def test_progress_counts_every_comparison_once() -> None:
    told: list[tuple[int, int]] = []
    train = np.zeros((knn.ROWS + 1, 1, 1, 3), np.uint8)
    knn.neighbours(train, train[:3], 2, knn.METRICS, lambda done, total: told.append((done, total)))
    assert told == [(3 * knn.ROWS, 3 * (knn.ROWS + 1)), (3 * (knn.ROWS + 1), 3 * (knn.ROWS + 1))]
