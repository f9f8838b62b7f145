"""Whether a network is right as often as it says, against hand-computed figures and scikit-learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from dhc.analysis.significance import wilson
from dhc.analysis.sureness import (
    Sureness,
    at_threshold,
    coverage_curve,
    ece_interval,
    fit_temperature,
    highest_aim,
    reliability,
    scale,
    sureness,
)
from dhc.runs.records import Predictions


def answers(confidences: list[float], right: list[int]) -> Sureness:
    return Sureness(np.array(confidences), np.array(right, dtype=bool), 0.0)


def predictions(n: int = 400, classes: int = 5, sharpness: float = 1.0, seed: int = 0) -> Predictions:
    """Answers of a perfectly calibrated network, their logits then multiplied by `sharpness`."""
    rng = np.random.default_rng(seed)
    true_probabilities = rng.dirichlet(np.full(classes, 0.4), size=n)
    y_true = np.array([rng.choice(classes, p=row) for row in true_probabilities])
    probabilities = scale(true_probabilities, 1 / sharpness).astype(np.float32)
    predicted = probabilities.argmax(axis=1)[None]
    names = tuple(f"c{k}" for k in range(classes))
    return Predictions(np.array([f"{i}" for i in range(n)]), y_true, predicted, 1, probabilities, names)


def test_the_calibration_error_is_that_computed_by_hand() -> None:
    # Bins of 1/15: 0.62 and 0.64 lie in (0.6, 0.667], 0.95 and 1.0 in (0.933, 1].
    record = answers([0.62, 0.64, 0.95, 1.0], [1, 0, 1, 1])
    assert record.ece == pytest.approx((abs(1.26 - 1) + abs(1.95 - 2)) / 4)
    assert record.overconfidence == pytest.approx(3.21 / 4 - 0.75)
    first, second = reliability(record)
    assert (first.low, first.high, first.count, first.confidence, first.accuracy) == pytest.approx(
        (0.6, 2 / 3, 2, 0.63, 0.5)
    )
    assert (second.count, second.accuracy, second.interval) == (2, 1.0, wilson(1.0, 2))


def test_log_loss_is_scikit_learns() -> None:
    record = predictions()
    probabilities = record.probabilities.astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = log_loss(record.y_true, probabilities, labels=range(5))
    assert sureness(record).log_loss == pytest.approx(expected, rel=1e-6)


@given(st.floats(0.1, 10), st.integers(0, 100))
def test_a_temperature_keeps_the_answers_and_undoes_itself(temperature: float, seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(4), size=20)
    warmer = scale(probabilities, temperature)
    assert warmer.sum(axis=1) == pytest.approx(1)
    assert (warmer.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scale(warmer, 1 / temperature) == pytest.approx(probabilities, abs=1e-6)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_a_network_too_sure_is_found(sharpness: float) -> None:
    fit = fit_temperature(predictions(4000, sharpness=sharpness))
    assert fit is not None
    assert fit.value == pytest.approx(sharpness, rel=0.12)
    assert fit.after.log_loss <= fit.before.log_loss + 0.005
    assert (fit.before.right == fit.after.right).all()
    if sharpness != 1:
        assert fit.after.ece < fit.before.ece


def test_probabilities_written_in_four_digits_have_nearly_the_same_temperature_and_log_loss() -> None:
    exact = predictions(2000, classes=40, sharpness=2.0)
    rounded = replace(exact, probabilities=np.round(exact.probabilities, 4))
    assert (rounded.probabilities == 0).mean() > 0.25
    first, second = fit_temperature(exact), fit_temperature(rounded)
    assert first is not None
    assert second is not None
    assert second.value == pytest.approx(first.value, rel=0.25), "not ten times as high"
    assert sureness(rounded).log_loss == pytest.approx(sureness(exact).log_loss, rel=0.1)
    assert sureness(rounded).ece == pytest.approx(sureness(exact).ece, abs=0.002)


def test_few_pictures_fit_no_temperature_and_none_is_refused() -> None:
    assert fit_temperature(predictions(39)) is None
    with pytest.raises(ValueError, match="at least one"):
        sureness(predictions(0))


def test_one_class_alone_has_no_temperature_and_a_log_loss_of_zero() -> None:
    one = predictions(classes=1)
    assert fit_temperature(one) is None
    assert f"{sureness(one).log_loss:.3f}" == "0.000"


def test_the_interval_holds_the_error_and_narrows_with_more_pictures() -> None:
    many, few = sureness(predictions(4000, sharpness=3)), sureness(predictions(200, sharpness=3))
    low, high = ece_interval(many)
    assert low < many.ece < high
    assert high - low < np.diff(ece_interval(few))[0]
    assert ece_interval(many) == ece_interval(many)


def test_the_bootstrap_of_the_ece_is_that_of_drawn_samples() -> None:
    record = sureness(predictions(60, sharpness=3))
    drawn = np.random.default_rng(1).integers(60, size=(2000, 60))
    eces = [Sureness(record.confidences[rows], record.right[rows], 0.0).ece for rows in drawn]
    assert ece_interval(record) == pytest.approx(tuple(np.quantile(eces, [0.025, 0.975])), abs=0.015)


def test_accuracy_against_share_answered() -> None:
    shares, accuracies = coverage_curve(answers([0.9, 0.5, 0.9, 0.3], [1, 0, 0, 1]))
    assert list(shares) == [0.5, 0.75, 1.0]
    assert accuracies == pytest.approx([0.5, 1 / 3, 0.5])


def test_a_threshold_catches_mistakes_and_loses_right_answers() -> None:
    record = answers([0.9, 0.5, 0.9, 0.3], [1, 0, 0, 1])
    choice = at_threshold(record, 0.6)
    assert (choice.share, choice.accuracy, choice.caught, choice.lost) == (0.5, 0.5, 1, 1)
    assert at_threshold(record, 0.95).accuracy is None
    assert at_threshold(record, 0.0).share == 1


def test_label_smoothing_aims_below_one() -> None:
    assert highest_aim(0.1, 10) == pytest.approx(0.91)
    assert highest_aim(0.0, 10) == 1
