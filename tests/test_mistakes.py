"""Outcomes and their filters: three pictures by hand, then a thousand for speed and properties."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.mistakes import outcomes, select_rows, top_k
from dhc.runs.records import Predictions


def three_pictures() -> Predictions:
    """After epoch 1 all were called 0; epoch 2, the best, is right on the first, wrong on the others."""
    probabilities = np.array([[0.5, 0.25, 0.25], [0.125, 0.25, 0.625], [0.75, 0.25, 0.0]], dtype=np.float32)
    return Predictions(
        ids=np.array(["val/a.png", "val/b.png", "val/c.png"]),
        y_true=np.array([0, 1, 2]),
        y_pred=np.array([[0, 0, 0], [0, 2, 0]]),
        best_epoch=2,
        probabilities=probabilities,
        classes=("ring", "star", "wave"),
    )


@pytest.fixture(scope="module")
def thousand() -> Predictions:
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, (1000, 96)).astype(np.float32)
    y_true = rng.integers(0, 96, 1000)
    logits[np.arange(1000), y_true] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        ids=np.array([f"val_images/{n:05d}.png" for n in range(1000)]),
        y_true=y_true,
        y_pred=probabilities.argmax(axis=1)[None],
        best_epoch=1,
        probabilities=probabilities,
        classes=tuple(f"class {c}" for c in range(96)),
    )


def test_outcomes_of_three_pictures_by_hand() -> None:
    table = outcomes(three_pictures())
    assert table["index"].tolist() == [0, 1, 2]
    assert table["id"].tolist() == ["val/a.png", "val/b.png", "val/c.png"]
    assert table["true_name"].tolist() == ["ring", "star", "wave"]
    assert table["predicted_name"].tolist() == ["ring", "wave", "ring"]
    assert table["confidence"].tolist() == [0.5, 0.625, 0.75]
    assert table["p_true"].tolist() == [0.5, 0.25, 0.0]
    assert table["correct"].tolist() == [True, False, False]
    # A probability of 0 costs what Keras makes of it, 16.1, not infinity.
    assert table["loss"].tolist() == pytest.approx([math.log(2), math.log(4), -math.log(1e-7)])


def test_the_loss_is_the_one_that_keras_computes_in_float32(thousand: Predictions) -> None:
    p = thousand.probabilities[np.arange(1000), thousand.y_true]
    np.testing.assert_allclose(outcomes(thousand)["loss"], -np.log(np.clip(p, 1e-7, 1)), rtol=1e-5, atol=1e-6)


def test_select_shows_mistakes_most_confident_first() -> None:
    table = outcomes(three_pictures())
    assert select_rows(table)["index"].tolist() == [2, 1]
    assert select_rows(table, descending=False)["index"].tolist() == [1, 2]
    assert select_rows(table, only_mistakes=False, sort="loss")["index"].tolist() == [2, 1, 0]


def test_select_filters_by_class_and_includes_both_bounds_of_confidence() -> None:
    table = outcomes(three_pictures())
    assert select_rows(table, true=1)["index"].tolist() == [1]
    assert select_rows(table, predicted=0)["index"].tolist() == [2]
    assert select_rows(table, predicted=0, only_mistakes=False)["index"].tolist() == [2, 0]
    assert select_rows(table, min_confidence=0.625, max_confidence=0.75)["index"].tolist() == [2, 1]
    assert select_rows(table, min_confidence=0.626)["index"].tolist() == [2]
    assert select_rows(table, max_confidence=0.749)["index"].tolist() == [1]
    assert len(select_rows(table, true=0)) == 0


def test_a_network_that_broke_down_still_shows_its_mistakes() -> None:
    three = three_pictures()
    broken = Predictions(
        three.ids, three.y_true, three.y_pred, 1, np.full((3, 3), np.nan, dtype=np.float32), three.classes
    )
    assert select_rows(outcomes(broken))["index"].tolist() == [1, 2]


def test_each_cell_of_the_matrix_has_exactly_its_pictures(thousand: Predictions) -> None:
    table, matrix = outcomes(thousand), confusion_matrix(thousand.y_true, thousand.predicted, 96)
    filled = np.argwhere(matrix)
    assert len(filled) > 96  # there are mistakes to look at
    for i, j in filled:
        cell = select_rows(table, true=i, predicted=j, only_mistakes=False)
        assert len(cell) == matrix[i, j]
        assert set(cell["true"]) == {i}
        assert set(cell["predicted"]) == {j}


def test_filters_and_sort_hold_for_a_thousand_pictures(thousand: Predictions) -> None:
    table = outcomes(thousand)
    rows = select_rows(table, min_confidence=0.2, max_confidence=0.9, sort="loss")
    assert 0 < len(rows) < len(table)
    assert rows["loss"].is_monotonic_decreasing
    assert not rows["correct"].any()
    assert rows["confidence"].between(0.2, 0.9).all()


def test_top_k_names_the_most_probable_classes_and_keeps_equals_in_label_order() -> None:
    table = top_k(three_pictures(), 0, k=2)
    pd.testing.assert_frame_equal(
        table,
        pd.DataFrame({"name": ["ring", "star"], "probability": [0.5, 0.25]}, index=pd.Index([0, 1], name="class")),
    )
    assert top_k(three_pictures(), 1, k=9)["name"].tolist() == ["wave", "star", "ring"]
