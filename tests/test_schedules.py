"""Planned learning rates against Keras's own callback."""

from __future__ import annotations

import pytest

from dhc.config import RunConfig
from dhc.models.schedules import planned_rates, plateau_rates


def test_the_reports_schedule_by_hand() -> None:
    rates = plateau_rates(1e-3, 0.8, 22, 1e-4, 250)
    assert rates[:23] == [1e-3] * 23
    assert rates[23:45] == pytest.approx([8e-4] * 22)
    assert min(rates) == rates[-1] == 1e-4
    assert len(rates) == 250


def test_constant_never_changes() -> None:
    config = RunConfig().with_values({"schedule.name": "constant", "fit.epochs": 4})
    assert planned_rates(config).rates == (1e-3,) * 4


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
    seen = []
    for epoch in range(60):
        seen.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_accuracy": 0.5 if epoch == 0 else 0.4})
    assert plateau_rates(1e-3, factor, patience, min_lr, 60) == pytest.approx(seen, rel=1e-5)
