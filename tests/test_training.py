"""The real training loop, made tiny: real Keras, real files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from networks import small_network

from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.models.presets import preset_config
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions
from dhc.runs.store import Store

pytestmark = pytest.mark.slow


def train(config: RunConfig, runs_dir: Path) -> Path:
    from dhc.training.loop import train_and_evaluate

    folder = rundir.create(runs_dir, config.model.name)
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    train_and_evaluate(config, folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> tuple[RunConfig, Path]:
    config = small_network(tiny_data).with_values(
        {
            "fit.epochs": 3,
            "schedule.patience": 1,
            "schedule.factor": 0.5,
        }
    )
    return config, train(config, tmp_path_factory.mktemp("runs"))


def test_a_run_tells_of_every_epoch_and_ends_with_its_summary(trained: tuple[RunConfig, Path]) -> None:
    config, folder = trained
    history = Store(folder.parent).history(folder.name)
    assert history.epochs["epoch"].tolist() == [1, 2, 3]
    assert np.isfinite(history.epochs.drop(columns="best").to_numpy(dtype=float)).all()
    assert (history.batches["position"] <= 3.0).all()
    assert history.batches["position"].is_monotonic_increasing
    summary = rundir.read_json(folder / rundir.SUMMARY)
    assert summary is not None
    assert summary["epochs"] == config.fit.epochs
    assert summary["best_epoch"] == history.best_epoch
    assert summary["best_val_accuracy"] == pytest.approx(history.epochs["val_accuracy"].max(), abs=1e-6)


def test_batches_that_are_done_at_once_are_counted_as_far_as_the_epoch_has_them(
    tmp_path: Path, tiny_data: Path
) -> None:
    config = small_network(tiny_data).with_values({"fit.epochs": 1, "device.steps_per_execution": 1000})
    folder = train(config, tmp_path)
    events = map(json.loads, (folder / rundir.EVENTS).read_text("utf-8").splitlines())
    pictures = len(load_pictures(open_dataset(tiny_data), "train").ids)
    seen = [(event["step"], event["position"]) for event in events if event["kind"] == "batch"]
    assert seen == [(-(-pictures // config.fit.batch_size), 1.0)]


def test_an_epochs_few_last_pictures_make_no_spike_in_the_curve_of_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dhc.training.telemetry import BatchEvents, Throughput

    is_due = iter([*[False] * 7, True, *[False] * 2, *[False] * 3, True, *[False] * 6])
    monkeypatch.setattr("dhc.training.throughput.Clock.due", lambda clock, seconds: next(is_due))
    throughput = Throughput(78, 8, 2, SimpleNamespace(seconds=0.0))  # type: ignore[arg-type]
    folder = rundir.create(tmp_path, "vgg16")
    with rundir.RunWriter(folder) as writer:
        observers = (throughput, BatchEvents(writer, throughput))
        for epoch in range(2):
            for observer in observers:
                observer.on_epoch_begin(epoch)
            for batch in range(10):
                for observer in observers:
                    observer.on_train_batch_end(batch, {"loss": 1.0, "accuracy": 0.5})
    events = map(json.loads, (folder / rundir.EVENTS).read_text("utf-8").splitlines())
    steps = [(event["epoch"], event["step"]) for event in events if event["kind"] == "batch"]
    assert steps == [(1, 8), (2, 4), (2, 10)], "14 pictures after 64 are too few, 46 after 32 are not"


def test_where_a_batch_may_take_very_long_each_one_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from dhc.machine import hardware
    from dhc.training.loop import _batch_seconds

    config = preset_config("quick")
    assert _batch_seconds(config, 96, "float32") < 0.4
    assert _batch_seconds(config, 96, "mixed_float16") == math.inf
    assert _batch_seconds(config.with_values({"device.backend": "jax"}), 96, "float32") == math.inf
    for is_native in (True, False):
        monkeypatch.setattr(hardware, "cpu_multiplies_bfloat16", lambda known=is_native: known)
        assert math.isfinite(_batch_seconds(config, 96, "mixed_bfloat16")) is is_native


def test_the_kept_network_makes_the_kept_predictions(trained: tuple[RunConfig, Path], tiny_data: Path) -> None:
    from dhc.predict.network import load_network, probabilities

    config, folder = trained
    predictions = read_predictions(folder)
    val = load_pictures(open_dataset(tiny_data), "val")
    assert predictions.ids.tolist() == val.ids.tolist()
    assert predictions.y_true.tolist() == list(val.y if val.y is not None else [])
    network = load_network(folder, config, len(predictions.classes))
    np.testing.assert_allclose(probabilities(network, val.x), predictions.probabilities, atol=1e-5)
    assert predictions.probabilities.argmax(axis=1).tolist() == predictions.predicted.tolist()


def test_val_figures_are_kerass_own(trained: tuple[RunConfig, Path], tiny_data: Path) -> None:
    import keras

    from dhc.predict.network import load_network

    config, folder = trained
    model = load_network(folder, config, 3)
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    val = load_pictures(open_dataset(tiny_data), "val")
    loss, accuracy = model.evaluate(np.asarray(val.x), val.y, verbose=0)
    history = Store(folder.parent).history(folder.name)
    best = history.epochs[history.epochs["epoch"] == history.best_epoch].iloc[0]
    assert best["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert best["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert keras.backend.backend() == "tensorflow"


def test_predictions_of_every_epoch_give_its_val_accuracy(trained: tuple[RunConfig, Path]) -> None:
    _, folder = trained
    predictions = read_predictions(folder)
    shares = (predictions.y_pred == predictions.y_true).mean(axis=1)
    assert shares == pytest.approx(
        Store(folder.parent).history(folder.name).epochs["val_accuracy"].to_numpy(), abs=1e-6
    )


def test_a_drop_of_the_rate_is_written_for_the_epoch_that_runs_at_it(trained: tuple[RunConfig, Path]) -> None:
    _, folder = trained
    history = Store(folder.parent).history(folder.name)
    rates = dict(zip(history.epochs["epoch"], history.epochs["learning_rate"], strict=True))
    for change in history.lr_changes.itertuples():
        assert change.new == pytest.approx(change.old * 0.5, rel=1e-5)
        if change.epoch in rates:
            assert rates[change.epoch] == pytest.approx(change.new)
    changed = [epoch for epoch in (2, 3) if rates[epoch] != rates[epoch - 1]]
    assert [epoch for epoch in history.lr_changes["epoch"] if epoch <= 3] == changed


def test_the_environment_says_what_made_the_figures(trained: tuple[RunConfig, Path]) -> None:
    _, folder = trained
    environment = rundir.read_json(folder / rundir.ENVIRONMENT)
    assert environment is not None
    assert environment["versions"]["keras"]
    assert environment["device"].startswith("CPU")
    assert len(environment["data_fingerprint"]) == 16


@pytest.mark.parametrize(
    "changes",
    [
        {
            "model.name": "cnn9-skip",
            "model.activation": "prelu",
            "optimizer.name": "adamw",
            "optimizer.ema_momentum": 0.5,
            "fit.label_smoothing": 0.5,
            "schedule.name": "cosine",
            "schedule.warmup_epochs": 2,
            "fit.epochs": 5,
        },
        {
            "optimizer.name": "sgd",
            "optimizer.bias_rate": 8.0,
            "optimizer.ema_momentum": 0.5,
            "optimizer.lookahead": 2,
            "augment.alternate": True,
            "schedule.name": "exponential",
            "augment.zoom": 0.2,
            "augment.shear": 0.1,
            "augment.translation": 0.1,
            "device.steps_per_execution": 2,
        },
        {
            "schedule.monitor": "val_loss",
            "schedule.patience": 1,
            "augment.erasing": 1.0,
            "augment.cutmix": 1.0,
            "device.precision": "mixed_float16",
            "optimizer.ema_momentum": 0.5,
        },
        {
            **{"model.name": "vgg16", "model.initialization": "dirac", "model.first_conv": "whitened"},
            **{"device.precision": "mixed_bfloat16", "schedule.name": "warmup"},
        },
        {"model.name": "cnn3", "device.jit": "on", "augment.where": "off", "optimizer.name": "muon"},
        {"model.name": "cnn7", "augment.where": "features"},
    ],
    ids=lambda changes: ",".join(f"{name}={value}" for name, value in changes.items())[:60],
)
def test_every_way_of_training_tells_all_epochs_as_drawn_and_keeps_the_network_that_it_judged(
    changes: dict[str, object], tiny_config: RunConfig, tmp_path: Path
) -> None:
    """The timetable of the rate that was drawn is the one that was trained, and val_loss is never smoothed."""
    from dhc.models.schedules import planned_rates
    from dhc.predict.network import load_network, probabilities

    config = tiny_config.with_values({"fit.watch_health": False, **changes})
    folder = train(config, tmp_path)
    history = Store(tmp_path).history(folder.name)
    assert history.epochs["epoch"].tolist() == list(range(1, config.fit.epochs + 1))
    assert np.isfinite(history.epochs[["loss", "val_loss", "learning_rate"]].to_numpy()).all()
    assert history.batches["position"].iloc[-1] > config.fit.epochs - 1
    if config.schedule.name != "plateau":
        assert history.epochs["learning_rate"].tolist() == pytest.approx(planned_rates(config).rates, rel=1e-6)
        assert history.lr_changes.empty  # marks on the curve are for drops that nobody planned
    predictions = read_predictions(folder)
    val = load_pictures(open_dataset(Path(config.data.path)), "val")
    loaded = load_network(folder, config, len(predictions.classes))
    assert not [layer for layer in loaded.layers if type(layer).__module__.startswith("dhc")]
    mixed = "mixed" in config.device.precision
    np.testing.assert_allclose(probabilities(loaded, val.x), predictions.probabilities, atol=2e-2 if mixed else 1e-5)
    answers = predictions.probabilities[np.arange(len(predictions.y_true)), predictions.y_true]
    loss = history.epochs["val_loss"].iloc[predictions.best_epoch - 1]
    assert mixed or loss == pytest.approx(-np.log(answers).mean(), rel=1e-4)
