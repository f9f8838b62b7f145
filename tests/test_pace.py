"""The telemetry's arithmetic, by hand."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.training.throughput import Clock, IntervalMean, Pace


def test_means_since_last_asked_by_hand() -> None:
    mean = IntervalMean()
    assert mean.since_last(32, 2.0, 0.25) == (2.0, 0.25)
    # running mean over 64 is 1.5, so the second 32 had 1.0; 0.5 over 64, so 0.75
    assert mean.since_last(64, 1.5, 0.5) == (1.0, 0.75)
    mean.restart()
    assert mean.since_last(8, 3.0, 1.0) == (3.0, 1.0)


@given(st.lists(st.tuples(st.integers(1, 64), st.floats(0, 9), st.floats(0, 1)), min_size=1, max_size=20))
def test_running_means_are_undone(batches: list[tuple[int, float, float]]) -> None:
    mean, count, loss, accuracy = IntervalMean(), 0, 0.0, 0.0
    for size, batch_loss, batch_accuracy in batches:
        loss, accuracy = (
            (old * count + new * size) / (count + size) for old, new in ((loss, batch_loss), (accuracy, batch_accuracy))
        )
        count += size
        assert mean.since_last(count, loss, accuracy) == pytest.approx((batch_loss, batch_accuracy), abs=1e-6)


def test_a_nan_loss_stays_nan() -> None:
    assert math.isnan(IntervalMean().since_last(8, math.nan, 0.5)[0])


def test_the_batch_that_compiles_does_not_count() -> None:
    pace = Pace()
    time.sleep(0.3)
    pace.batch(32)
    assert math.isnan(pace.epoch(32))
    time.sleep(0.05)
    pace.batch(64)
    assert 100 < pace.epoch(64) < 32 / 0.05
    assert pace.lately(64) > 100
    pace.begin()
    time.sleep(0.05)
    pace.batch(32)
    assert pace.epoch(32) < 32 / 0.05


def test_a_clock_says_yes_once_per_interval() -> None:
    clock = Clock()
    assert not clock.due(0.05)
    time.sleep(0.06)
    assert clock.due(0.05)
    assert not clock.due(0.05)
