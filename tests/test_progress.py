"""Progress: positions and fractions by hand; patience against Keras's own callback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis import progress
from dhc.analysis.progress import Patience, fraction_done, patience, position, seconds_left, steadied
from dhc.runs.course import Branch, Course
from dhc.runs.records import BATCH_COLUMNS, EPOCH_COLUMNS, LR_COLUMNS, History


def history(
    *,
    val_accuracy: list[float] | None = None,
    learning_rate: list[float] | None = None,
    ends: list[float] | None = None,
    batches: list[tuple[float, float]] | None = None,
    lr_changes: list[tuple[int, float, float]] | None = None,
) -> History:
    """A history of the given epochs (val_accuracy, learning_rate, end times) and batches (t, position)."""
    n = len(val_accuracy or ends or [])
    epochs = pd.DataFrame({name: np.zeros(n, dtype=dtype) for name, dtype in EPOCH_COLUMNS.items()})
    epochs["epoch"] = np.arange(1, n + 1)
    for name, values in (("val_accuracy", val_accuracy), ("learning_rate", learning_rate), ("t", ends)):
        if values is not None:
            epochs[name] = np.asarray(values, dtype=np.float64)
    epochs["seconds"] = epochs["t"].diff().fillna(epochs["t"])
    table = pd.DataFrame({name: np.zeros(len(batches or []), dtype=dtype) for name, dtype in BATCH_COLUMNS.items()})
    table[["t", "position"]] = np.array(batches or [], dtype=np.float64).reshape(-1, 2)
    return History(table, epochs, pd.DataFrame(lr_changes or [], columns=list(LR_COLUMNS)).astype(dict(LR_COLUMNS)))


def waits(val_accuracy: list[float], *, patience_epochs: int, rate: float = 1e-3) -> list[int]:
    return [
        patience(
            history(val_accuracy=val_accuracy[:n], learning_rate=[rate] * n), patience=patience_epochs, min_lr=1e-4
        ).wait
        for n in range(1, len(val_accuracy) + 1)
    ]


def test_patience_counts_epochs_since_the_last_improvement() -> None:
    assert waits([0.5, 0.6, 0.6, 0.55, 0.7, 0.7], patience_epochs=10) == [0, 0, 1, 2, 0, 1]


def test_a_gain_below_a_ten_thousandth_is_none() -> None:
    assert waits([0.5, 0.50005, 0.5002], patience_epochs=10) == [0, 1, 0]


def test_a_drop_starts_the_wait_anew() -> None:
    assert waits([0.5, 0.4, 0.4, 0.4, 0.4], patience_epochs=2) == [0, 1, 0, 1, 0]


def test_at_the_minimum_rate_the_wait_outgrows_the_patience() -> None:
    stuck = history(val_accuracy=[0.5, 0.4, 0.4, 0.4], learning_rate=[1e-4] * 4)
    assert patience(stuck, patience=2, min_lr=1e-4) == Patience(wait=3, patience=2, exhausted=True)


def test_behind_a_junction_the_wait_goes_on_or_counts_from_nothing() -> None:
    whole = history(val_accuracy=[0.5, 0.4, 0.4, 0.45, 0.4], learning_rate=[1e-3] * 5)

    def wait(**branch: str) -> int:
        course = Course(branches=[Branch(epoch=3, **branch)])  # type: ignore[arg-type]
        return patience(whole, patience=9, min_lr=1e-4, course=course).wait

    assert wait() == 4
    assert wait(schedule="restart") == wait(network="best") == 1


def test_a_drop_to_the_minimum_is_known_before_an_epoch_has_run_with_it() -> None:
    dropped = history(val_accuracy=[0.5, 0.4], learning_rate=[2e-4] * 2, lr_changes=[(3, 2e-4, 1e-4)])
    assert patience(dropped, patience=1, min_lr=1e-4) == Patience(wait=0, patience=1, exhausted=True)


def test_before_the_first_epoch_nothing_was_waited_for() -> None:
    assert patience(History.empty(), patience=22, min_lr=1e-4) == Patience(wait=0, patience=22, exhausted=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_patience_is_that_of_keras_at_every_epoch(seed: int) -> None:
    import keras

    rng = np.random.default_rng(seed)
    accuracies = np.round(rng.random(80) ** 0.3 * 0.9, int(rng.integers(1, 6)))
    accuracies[rng.random(80) < 0.05] = np.nan
    epochs_of_patience, factor, min_lr = int(rng.integers(1, 6)), float(rng.uniform(0.3, 0.9)), 1e-4
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    callback = keras.callbacks.ReduceLROnPlateau(
        monitor="val_accuracy", mode="max", factor=factor, patience=epochs_of_patience, min_lr=min_lr
    )
    callback.set_model(model)
    callback.on_train_begin()
    rates: list[float] = []
    for epoch, accuracy in enumerate(accuracies.tolist()):
        rates.append(float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)))
        callback.on_epoch_end(epoch, {"val_accuracy": accuracy})
        so_far = history(val_accuracy=accuracies[: epoch + 1].tolist(), learning_rate=rates)
        assert patience(so_far, patience=epochs_of_patience, min_lr=min_lr).wait == callback.wait
    assert rates[-1] == pytest.approx(min_lr)  # it got there, so the wait at the minimum was compared too


def test_batches_of_an_unfinished_epoch_count_as_done() -> None:
    running = history(ends=[10.0, 20.0], batches=[(21.0, 2.1), (25.0, 2.5)])
    assert position(running) == 2.5
    assert fraction_done(running, 10) == 0.25


def test_a_finished_run_is_done_and_an_empty_one_has_not_begun() -> None:
    assert fraction_done(history(ends=[10.0, 20.0], batches=[(19.0, 1.9)]), 2) == 1.0
    assert fraction_done(History.empty(), 250) == 0.0


def test_the_time_left_is_the_median_of_the_last_epochs_without_the_first() -> None:
    run = history(ends=[100.0, 110.0, 120.0, 160.0, 170.0])  # the first compiles, the fourth was held up
    assert seconds_left(run, 10) == 5 * 10.0
    assert seconds_left(history(ends=[100.0]), 3) == 2 * 100.0
    assert seconds_left(run, 5) == 0.0


def test_before_the_first_epoch_has_ended_its_batches_tell_the_time_left() -> None:
    assert seconds_left(history(batches=[(1000.0, 0.1), (1004.0, 0.5)]), 2) == pytest.approx(1.5 * 10)
    assert seconds_left(history(batches=[(1000.0, 0.1)]), 2) is None
    assert seconds_left(History.empty(), 2) is None


def test_until_the_second_epoch_has_ended_what_the_first_took_to_compile_does_not_count() -> None:
    run = history(ends=[16.0], batches=[(10.0, 0.1), (13.0, 0.6), (15.4, 1.0), (18.0, 1.4)])
    assert seconds_left(run, 5) == pytest.approx(3.6 * 8 / 1.3)
    resumed = history(ends=[16.0], batches=[(10.0, 0.1), (15.4, 1.0), (999.0, 1.4)])
    assert seconds_left(resumed, 5) == pytest.approx(3.6 * 16)


def test_the_epoch_that_runs_is_counted_from_1_and_not_past_the_last() -> None:
    assert [progress.epoch(history(batches=[(0.0, place)]), 3) for place in (0.1, 1.0, 2.9, 3.0)] == [1, 2, 3, 3]


@pytest.mark.slow
@given(st.lists(st.floats(0.01, 10_000), min_size=2, max_size=40), st.integers(1, 6))
def test_the_time_left_never_more_than_doubles_or_halves_from_one_tick_to_the_next(
    durations: list[float], ticks: int
) -> None:
    shown: float | None = None
    total = len(durations) + 1  # one epoch stays to be trained
    for count in range(1, len(durations) + 1):
        estimate = seconds_left(history(ends=list(np.cumsum(durations[:count]))), total)
        assert estimate is not None
        for _ in range(ticks):
            before, shown = shown, steadied(shown, estimate)
            assert before is None or before / 2 <= shown * (1 + 1e-9) <= before * 2 * (1 + 1e-6)


def test_a_new_estimate_is_reached_within_some_ticks_and_an_end_at_once() -> None:
    shown: float = 180.0
    for _ in range(12):  # six seconds
        shown = steadied(shown, 1200.0)
    assert shown == pytest.approx(1200, rel=0.01)
    assert steadied(None, 30.0) == 30.0
    assert steadied(shown, 0.0) == 0.0
