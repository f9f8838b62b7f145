"""A run's answers through its epochs, against scikit-learn, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, recall_score

from dhc.analysis import confusion
from dhc.analysis.epochs import accuracy_by_epoch, recall_by_epoch
from dhc.analysis.mistakes import outcomes, select_rows
from dhc.runs.records import Predictions
from dhc.ui.widgets.film import frame_numbers


def answers(epochs: int, pictures: int, k: int, seed: int, dtype: type = np.uint16) -> Predictions:
    """A run whose best epoch is its second but last, on random answers; the last class has no picture."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(k), pictures).astype(np.float32)
    y_pred = rng.integers(0, k, (epochs, pictures)).astype(dtype)
    best = max(1, epochs - 1)
    y_pred[best - 1] = probabilities.argmax(axis=1)
    ids = np.array([f"{i}.png" for i in range(pictures)])
    return Predictions(
        ids, rng.integers(0, k - 1, pictures), y_pred, best, probabilities, tuple(f"c{i}" for i in range(k))
    )


@pytest.mark.parametrize(("epochs", "pictures", "k"), [(1, 1, 2), (3, 7, 3), (9, 400, 12), (5, 300, 96)])
def test_each_epochs_recall_accuracy_and_matrix_are_those_of_scikit_learn(epochs: int, pictures: int, k: int) -> None:
    run = answers(epochs, pictures, k, seed=k, dtype=np.uint8 if k < 50 else np.uint16)
    recall, accuracy = recall_by_epoch(run), accuracy_by_epoch(run)
    assert recall.shape == (epochs, k)
    support = np.bincount(run.y_true, minlength=k)
    assert np.isnan(recall).tolist() == [(support == 0).tolist()] * epochs
    for epoch in range(1, epochs + 1):
        predicted = run.predicted_after(epoch)
        theirs = recall_score(run.y_true, predicted, labels=range(k), average=None, zero_division=np.nan)
        assert recall[epoch - 1] == pytest.approx(theirs, nan_ok=True)
        assert accuracy[epoch - 1] == pytest.approx(accuracy_score(run.y_true, predicted))
        counts = confusion.confusion_matrix(run.y_true, predicted, k)
        assert (counts == confusion_matrix(run.y_true, predicted, labels=range(k))).all()


def test_the_outcomes_of_an_epoch_are_its_own_and_only_the_best_ones_have_probabilities() -> None:
    run = answers(6, 80, 5, seed=1)
    first, best = outcomes(run, 1), outcomes(run, run.best_epoch)
    assert first["predicted"].tolist() == run.y_pred[0].tolist()
    assert first["correct"].tolist() == (run.y_pred[0] == run.y_true).tolist()
    assert first[["confidence", "p_true", "loss"]].isna().all(axis=None)
    assert not best[["confidence", "p_true", "loss"]].isna().any(axis=None)
    assert best.equals(outcomes(run))
    wrong = select_rows(first)
    assert wrong["index"].tolist() == np.flatnonzero(run.y_pred[0] != run.y_true).tolist()


def test_a_film_of_more_answers_than_a_message_may_hold_leaves_epochs_out_but_not_the_best() -> None:
    assert frame_numbers(30, 27, 1000) == tuple(range(1, 31))
    many = frame_numbers(5000, 4321, 10_000)
    assert len(many) * 10_000 <= 300_000
    assert {1, 4321, 5000} <= set(many)
    assert list(many) == sorted(set(many))
