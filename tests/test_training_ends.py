"""How a training ends before its last epoch: real Keras, real files, and what was trained stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.runs.store import Store

pytestmark = pytest.mark.slow


def test_a_stop_request_ends_training_at_the_next_batch_and_keeps_finished_epochs_the_graph_traced_once(
    tiny_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that the first batch has to create would have its graph traced twice, which costs every start seconds."""
    import keras

    from dhc.training.loop import train_and_evaluate
    from dhc.training.outcomes import StopRequested

    folder = rundir.create(tmp_path, "vgg16")
    write = rundir.RunWriter.event

    def write_and_ask_to_stop(self: rundir.RunWriter, kind: str, **values: object) -> None:
        write(self, kind, **values)
        if kind == "epoch":
            (folder / rundir.STOP).touch()

    monkeypatch.setattr(rundir.RunWriter, "event", write_and_ask_to_stop)
    traces = []
    original = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda *batch: traces.append(1) or original(*batch))
    with pytest.raises(StopRequested):
        train_and_evaluate(tiny_config.with_values({"fit.epochs": 50}), folder)
    assert Store(tmp_path).history(folder.name).epochs["epoch"].tolist() == [1]
    assert (folder / rundir.BEST).is_file()
    assert len(read_predictions(folder).y_pred) == 1
    assert len(traces) == 1


def test_a_loss_that_becomes_nan_ends_the_run_with_epoch_and_batch(
    tiny_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    from dhc.training import loop
    from dhc.training.outcomes import NonFiniteLossError

    build = loop.compiled_model

    def poisoned(config: RunConfig, classes: int, **more: Any) -> keras.Model:
        model = build(config, classes, **more)
        weights = model.get_weights()
        weights[-1][:] = np.nan  # the output's bias: ReLU would turn a NaN before it into 0
        model.set_weights(weights)
        return model

    monkeypatch.setattr(loop, "compiled_model", poisoned)
    folder = rundir.create(tmp_path, "vgg16")
    with pytest.raises(NonFiniteLossError, match=r"the loss became nan at epoch 1, by batch \d"):
        loop.train_and_evaluate(tiny_config, folder)
    lines = (folder / rundir.EVENTS).read_text().splitlines()
    assert "nan" not in " ".join(lines).lower()
    assert not np.isfinite(Store(tmp_path).history(folder.name).batches["loss"].iloc[-1])  # which batch it was, is told


def test_answers_that_become_nan_end_the_run_and_what_was_before_stays(
    tiny_config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dhc.training import loop, validation
    from dhc.training.outcomes import NonFiniteAnswersError, explain

    copied: list[Any] = []

    def spoilt(source: Any, target: Any) -> None:
        copy_weights(source, target)
        copied.append(target)
        if len(copied) == 2:
            target.set_weights([*target.get_weights()[:-1], np.full_like(target.get_weights()[-1], np.nan)])

    copy_weights = validation.copy_weights
    monkeypatch.setattr(validation, "copy_weights", spoilt)
    folder = rundir.create(tmp_path, "vgg16")
    with pytest.raises(NonFiniteAnswersError, match="answers for val became nan at epoch 2") as caught:
        loop.train_and_evaluate(tiny_config.with_values({"fit.epochs": 3}), folder)
    assert explain(caught.value, folder).where == {"epoch": 2}
    assert read_predictions(folder).y_pred.shape[0] == 1
    assert (folder / rundir.BEST).is_file()


def test_early_stopping_ends_a_run_and_says_so(tiny_config: RunConfig, tmp_path: Path) -> None:
    from dhc.training.__main__ import run

    config = tiny_config.with_values(
        {"fit.early_stopping": 2, "fit.epochs": 60, "optimizer.learning_rate": 1e-4, "fit.watch_health": False}
    )
    folder = rundir.create(tmp_path, config.model.name)
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    assert run(folder) == 0
    info = Store(tmp_path).run(folder.name)
    assert info.epochs_done < 60
    assert info.best_epoch == info.epochs_done - 2
    assert info.status.reason == "stopped early: no better val_accuracy in 2 epochs"
