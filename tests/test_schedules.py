"""Planned learning rates against Keras's own callback."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.config import RunConfig
from dhc.models.schedules import planned_rates, plateau_rates, shortest_rate


def test_the_reports_schedule_by_hand() -> None:
    rates = plateau_rates(1e-3, 0.8, 22, 1e-4, 250)
    assert rates[:23] == [1e-3] * 23
    assert rates[23:45] == pytest.approx([8e-4] * 22)
    assert min(rates) == rates[-1] == 1e-4
    assert len(rates) == 250


def test_constant_never_changes() -> None:
    config = RunConfig().with_values({"schedule.name": "constant", "fit.epochs": 4})
    assert planned_rates(config).rates == (1e-3,) * 4


def rates(**changes: object) -> tuple[float, ...]:
    values = {name.replace("_", ".", 1): value for name, value in changes.items()}
    return planned_rates(RunConfig().with_values(values)).rates


def test_exponential_is_a_power_with_a_floor() -> None:
    curve = rates(schedule_name="exponential", schedule_decay_rate=0.5, schedule_min_lr=1e-4, fit_epochs=6)
    assert curve == pytest.approx([1e-3, 5e-4, 2.5e-4, 1.25e-4, 1e-4, 1e-4])


def test_warm_up_rises_evenly_and_then_decays_from_the_top() -> None:
    curve = rates(schedule_name="warmup", schedule_warmup_epochs=3, schedule_decay_rate=0.9, fit_epochs=6)
    assert curve == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 9e-4, 8.1e-4])


def test_a_warm_up_longer_than_the_run_only_rises() -> None:
    curve = rates(schedule_name="cosine", schedule_warmup_epochs=9, fit_epochs=3)
    assert curve == pytest.approx([1e-4, 2e-4, 3e-4])


@given(st.integers(1, 40), st.integers(0, 10), st.floats(0, 1e-3), st.sampled_from(["exponential", "warmup", "cosine"]))
def test_every_timetable_stays_between_its_bounds(epochs: int, warm: int, low: float, name: str) -> None:
    curve = rates(schedule_name=name, schedule_warmup_epochs=warm, schedule_min_lr=low, fit_epochs=epochs)
    assert len(curve) == epochs
    assert max(curve) <= 1e-3 * (1 + 1e-12)
    assert min(curve[warm if name != "exponential" else 0 :], default=1) >= low * (1 - 1e-12)


@pytest.mark.slow
def test_cosine_and_exponential_are_kerass_own() -> None:
    import keras

    cosine = keras.optimizers.schedules.CosineDecay(1e-3, decay_steps=20, alpha=0.1)
    ours = rates(schedule_name="cosine", schedule_warmup_epochs=4, schedule_min_lr=1e-4, fit_epochs=24)
    assert ours[4:] == pytest.approx([float(cosine(step)) for step in range(20)], rel=1e-5)
    decay = keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=1, decay_rate=0.97)
    ours = rates(schedule_name="exponential", schedule_decay_rate=0.97, schedule_min_lr=0.0, fit_epochs=30)
    assert ours == pytest.approx([float(decay(step)) for step in range(30)], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "patience", "min_lr"), [(0.8, 22, 1e-4), (0.5, 3, 1e-4), (0.1, 1, 0.0)])
def test_worst_case_is_what_keras_does_when_nothing_gets_better(factor: float, patience: int, min_lr: float) -> None:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mse")
    callback = keras.callbacks.ReduceLROnPlateau(
        monitor="val_accuracy", mode="max", factor=factor, patience=patience, min_lr=min_lr
    )
    callback.set_model(model)
    callback.on_train_begin()
    rates_of_epochs = []
    for epoch in range(60):
        rates_of_epochs.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_accuracy": 0.5 if epoch == 0 else 0.4})
    assert plateau_rates(1e-3, factor, patience, min_lr, 60) == pytest.approx(rates_of_epochs, rel=1e-5)


@pytest.mark.parametrize("rate", [1e-3, 3e-4, 0.00015, 1.25e-7, 0.1])
def test_a_rate_that_float32_has_rounded_is_as_short_as_it_was(rate: float) -> None:
    assert shortest_rate(np.float32(rate)) == shortest_rate(float(np.float32(rate))) == rate
    assert np.float32(shortest_rate(np.float32(rate))) == np.float32(rate)
