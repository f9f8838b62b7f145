"""The per-class report: four pictures by hand, scikit-learn for everything else."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import classification_report as oracle

from dhc.analysis.report import averages, classification_report, to_csv, to_text

# Zeros are drawn often: classes without pictures, and classes that nothing was called, are where divisions go wrong.
COUNTS = st.one_of(st.just(0), st.integers(0, 40))
MATRICES = st.integers(2, 8).flatmap(lambda k: hnp.arrays(np.int64, (k, k), elements=COUNTS))


def labels(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The true and predicted classes, one each per picture, that count up to the matrix."""
    i, j = np.indices(matrix.shape)
    return np.repeat(i.ravel(), matrix.ravel()), np.repeat(j.ravel(), matrix.ravel())


def names(k: int) -> list[str]:
    return [f"{c} of a longer name"[: 2 + 3 * c] for c in range(k)]


def test_four_pictures_of_two_classes_by_hand() -> None:
    table = classification_report(np.array([[3, 1], [0, 4]]), ["ring", "star"])
    assert list(table.columns) == ["class", "precision", "recall", "f1-score", "support"]
    assert table["class"].tolist() == ["ring", "star"]
    assert table["precision"].tolist() == [1.0, 0.8]
    assert table["recall"].tolist() == [0.75, 1.0]
    assert table["f1-score"].tolist() == pytest.approx([6 / 7, 8 / 9])
    assert table["support"].tolist() == [4, 4]


@settings(deadline=None)
@given(MATRICES.filter(lambda matrix: matrix.sum() > 0))
def test_every_figure_equals_scikit_learns(matrix: np.ndarray) -> None:
    k = len(matrix)
    expected = oracle(*labels(matrix), labels=range(k), target_names=names(k), zero_division=0, output_dict=True)
    ours = classification_report(matrix, names(k)).set_index("class")
    means = averages(matrix).set_index("average")
    for column in ("precision", "recall", "f1-score", "support"):
        theirs = [expected[name][column] for name in names(k)]
        np.testing.assert_allclose(ours[column], theirs, rtol=0, atol=1e-12)
        for mean in ("macro avg", "weighted avg"):
            assert means.loc[mean, column] == pytest.approx(expected[mean][column], rel=0, abs=1e-12)
    assert means.loc["accuracy", "f1-score"] == pytest.approx(expected["accuracy"], rel=0, abs=1e-12)


# Where not one picture is right, scikit-learn prints the supports as floats ("1.0"); ours stay whole numbers.
@settings(deadline=None)
@given(MATRICES.filter(lambda matrix: np.trace(matrix) > 0))
def test_the_text_is_scikit_learns_to_the_letter(matrix: np.ndarray) -> None:
    k = len(matrix)
    expected = oracle(*labels(matrix), labels=range(k), target_names=names(k), zero_division=0)
    assert to_text(matrix, names(k)) == expected


def test_a_run_without_pictures_has_zeros_and_no_warning() -> None:
    matrix = np.zeros((3, 3), dtype=np.int64)
    assert averages(matrix)[["precision", "recall", "f1-score", "support"]].to_numpy().sum() == 0
    assert classification_report(matrix, ["a", "b", "c"])["support"].tolist() == [0, 0, 0]


def test_the_csv_reads_back_to_the_same_figures() -> None:
    rng = np.random.default_rng(0)
    matrix, classes = rng.integers(0, 9, (5, 5)), ["ring, red", 'the "star"', "wave", "eye", "ß"]
    back = pd.read_csv(io.StringIO(to_csv(matrix, classes)))
    assert back["class"].tolist() == [*classes, "accuracy", "macro avg", "weighted avg"]
    expected = classification_report(matrix, classes)
    for column in ("precision", "recall", "f1-score", "support"):
        assert back[column].tolist()[:5] == expected[column].tolist()
        assert back[column].tolist()[5:] == averages(matrix)[column].tolist()
