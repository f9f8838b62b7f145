"""Callback replay: goldens by hand, Keras's own callbacks as the oracle over random histories."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhc.analysis.replay import Stop, early_stopping, plateau, replay_history, replay_sentence
from dhc.config import RunConfig
from dhc.figures.replay import replay_chart
from dhc.runs.records import BATCH_COLUMNS, EPOCH_COLUMNS, LR_COLUMNS, History, empty_table

NAN = float("nan")


def history(val_accuracy: list[float], rates: list[float], val_loss: list[float] | None = None) -> History:
    """Epochs 1, 2, … with these figures; the rest is 0."""
    n = len(val_accuracy)
    columns: dict[str, Any] = {name: np.zeros(n) for name in EPOCH_COLUMNS}
    columns |= {"epoch": np.arange(1, n + 1), "val_accuracy": val_accuracy, "learning_rate": rates}
    columns |= {"val_loss": val_loss or [0.0] * n, "best": np.zeros(n, dtype=bool)}
    return History(empty_table(BATCH_COLUMNS), pd.DataFrame(columns), empty_table(LR_COLUMNS))


def test_the_rate_drops_after_patience_epochs_without_a_better_value_and_never_below_its_minimum() -> None:
    rates = plateau([1, 1, 1, 1, 1], learning_rate=1.0, mode="max", factor=0.5, patience=2, min_lr=0.4)
    assert rates == (1.0, 1.0, 0.5, 0.5, float(np.float32(0.4)))


def test_equal_is_not_better_and_min_delta_is_what_better_means() -> None:
    rising = [0.0, 0.05, 0.1, 0.15]
    assert plateau(rising, learning_rate=1.0, mode="max", factor=0.5, patience=1, min_delta=0.2)[-1] == 0.125
    assert plateau(rising, learning_rate=1.0, mode="max", factor=0.5, patience=1, min_delta=0.04)[-1] == 1.0
    assert plateau(rising, learning_rate=1.0, mode="min", factor=0.5, patience=3)[-1] == 0.5


def test_cooldown_puts_the_next_wait_off() -> None:
    waiting = plateau([1] * 6, learning_rate=1.0, mode="max", factor=0.5, patience=1, cooldown=2)
    assert waiting == (1.0, 0.5, 0.5, 0.25, 0.25, 0.125)


def test_early_stopping_ends_after_patience_epochs_and_keeps_the_best() -> None:
    assert early_stopping([0.1, 0.5, 0.4, 0.5, 0.6], patience=2) == Stop(4, 2)
    assert early_stopping([0.1, 0.5, 0.4, 0.5, 0.6], patience=2, restore=False) == Stop(4, 4)
    assert early_stopping([0.1, 0.5, 0.4, 0.5, 0.6], patience=3) == Stop(None, 5)
    assert early_stopping([0.5, 0.6, 0.7], patience=1, min_delta=0.15) == Stop(2, 1)


def test_a_replay_with_the_runs_own_settings_is_exact_and_one_with_less_patience_up_to_its_first_drop() -> None:
    config = RunConfig().with_values({"schedule.patience": 3, "schedule.factor": 0.5, "optimizer.learning_rate": 1e-3})
    half = float(np.float32(np.float32(1e-3) * 0.5))
    ran = history([0.1, 0.5, 0.4, 0.4, 0.4, 0.6], [1e-3] * 5 + [half])
    own = replay_history(ran, config)
    assert own.inexact_from is None
    assert (
        [(drop.epoch, drop.new) for drop in own.drops]
        == [(drop.epoch, drop.new) for drop in own.recorded_drops]
        == [(5, half)]
    )
    assert (own.stop, own.best_epoch) == (Stop(None, 6), 6)
    assert "would have dropped after epoch 5, to 0.0005, as in the run" in replay_sentence(own, config)

    sooner = config.with_values({"schedule.patience": 2, "fit.early_stopping": 3})
    other = replay_history(ran, sooner)
    assert [drop.epoch for drop in other.drops] == [4]
    assert other.inexact_from == 5
    assert other.stop == Stop(5, 2)
    assert replay_sentence(other, sooner) == (
        "With patience 2 and factor 0.5 the learning rate would have dropped after epoch 4, to 0.0005 instead of after epoch 5, "
        "to 0.0005; training would have stopped at epoch 5, keeping epoch 2 (val_accuracy 0.500 instead of 0.600). "
        "Exact up to epoch 4; from then on the learning rate would have been another one, so the rest is only indicative."
    )


def test_without_any_finite_value_the_first_epoch_counts_as_kept_and_no_epoch_is_an_error_in_words() -> None:
    replay = replay_history(history([NAN, NAN], [1e-3] * 2), RunConfig())
    assert (replay.stop, replay.best_epoch) == (Stop(None, 1), None)
    assert "keeping epoch 1" in replay_sentence(replay, RunConfig())
    with pytest.raises(ValueError, match="no finished epoch"):
        replay_history(History.empty(), RunConfig())


def test_the_figure_shades_what_is_only_indicative_and_draws_both_rates() -> None:
    config = RunConfig().with_values({"schedule.patience": 1, "fit.early_stopping": 2})
    figure = replay_chart(replay_history(history([0.1, 0.5, 0.4, 0.4, 0.4, 0.6], [1e-3] * 6), config))
    assert [trace.uid for trace in figure.data] == [
        "val_accuracy",
        "recorded-drops",
        "replayed-drops",
        "kept",
        "recorded-rate",
        "replayed-rate",
    ]
    shaded = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(shape.x0, shape.x1) for shape in shaded] == [(3, 6)]
    assert not [
        shape
        for shape in replay_chart(replay_history(history([0.1], [1e-3]), config)).layout.shapes
        if shape.type == "rect"
    ]


# Like a run's figures: few different values, so that equal ones and runs of equal ones come up, and NaN.
figures = st.lists(
    st.one_of(
        st.integers(0, 12).map(lambda n: n / 12),
        st.sampled_from([0.5, 0.5001, 0.50005, NAN, math.inf, 2.5]),
        st.floats(0, 8, width=32, allow_subnormal=False),
    ),
    min_size=1,
    max_size=40,
)
modes: Any = st.sampled_from(["min", "max"])


def fake_model(learning_rate: float) -> Any:
    """What a callback sees of a model: an optimizer with Keras's own learning rate, and whether to stop."""
    import keras

    return SimpleNamespace(optimizer=keras.optimizers.SGD(learning_rate), stop_training=False)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    figures,
    modes,
    st.floats(0.05, 0.95),
    st.integers(1, 6),
    st.sampled_from([0.0, 1e-4, 0.01]),
    st.integers(0, 3),
    st.sampled_from([0.0, 1e-4, 5e-4]),
)
def test_the_learning_rates_are_those_of_keras(
    values: list[float],
    mode: Literal["min", "max"],
    factor: float,
    patience: int,
    min_delta: float,
    cooldown: int,
    min_lr: float,
) -> None:
    import keras

    numbers: dict[str, Any] = {
        "mode": mode,
        "factor": factor,
        "patience": patience,
        "min_delta": min_delta,
        "cooldown": cooldown,
        "min_lr": min_lr,
    }
    callback = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **numbers)
    callback.set_model(fake_model(1e-3))
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(float(keras.ops.convert_to_numpy(callback.model.optimizer.learning_rate)))
    assert plateau(values, learning_rate=1e-3, **numbers) == tuple(rates)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(figures, modes, st.integers(1, 8), st.sampled_from([0.0, 0.01, 0.2]))
def test_the_end_and_the_kept_epoch_are_those_of_keras(
    values: list[float], mode: Literal["min", "max"], patience: int, min_delta: float
) -> None:
    import keras

    callback = keras.callbacks.EarlyStopping("val_accuracy", mode=mode, patience=patience, min_delta=min_delta)
    callback.set_model(fake_model(1e-3))
    callback.on_train_begin()
    last_epoch = None
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"val_accuracy": value})
        if callback.model.stop_training:
            last_epoch = epoch + 1
            break
    ours = early_stopping(values, mode=mode, patience=patience, min_delta=min_delta)
    assert ours == Stop(last_epoch, callback.best_epoch + 1)


@pytest.mark.slow
@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_what_is_replayed_is_the_callback_that_training_uses(monitor: str) -> None:
    import keras

    from dhc.training.patience import plateau

    changes = {"schedule.monitor": monitor, "schedule.patience": 2, "schedule.min_delta": 0.05, "schedule.factor": 0.3}
    config = RunConfig().with_values(changes)
    values = [0.5, 0.52, 0.54, 0.6, 0.4, 0.38, 0.1, 0.12, 0.3, 0.31, 0.32]
    callback = plateau(config)
    assert callback is not None
    callback.set_model(fake_model(config.optimizer.learning_rate))
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        rates.append(float(keras.ops.convert_to_numpy(callback.model.optimizer.learning_rate)))
        callback.on_epoch_end(epoch, {monitor: value})
    replay = replay_history(history(values, rates, val_loss=values), config)
    assert replay.rates == tuple(rates)
    assert replay.inexact_from is None
    assert len(set(rates)) > 2
