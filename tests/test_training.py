"""The real training loop, made tiny: real Keras, real files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import small_network

from dhc.config import RunConfig
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import DataError
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


def test_every_epoch_sees_every_picture_once_in_the_seeds_order() -> None:
    from dhc.training.batches import Batches

    x, y = np.arange(10, dtype=np.uint8)[:, None], np.arange(10)
    batches = Batches(x, y, batch_size=4, seed=7, first_epoch=0)
    orders = []
    for _ in range(2):
        batches.on_epoch_begin()
        orders.append(np.concatenate([batches[i][1] for i in range(len(batches))]).tolist())
    assert [len(batches[i][1]) for i in range(len(batches))] == [4, 4, 2]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]
    later = Batches(x, y, batch_size=4, seed=7, first_epoch=1)
    later.on_epoch_begin()
    assert np.concatenate([later[i][1] for i in range(3)]).tolist() == orders[1]


@pytest.mark.parametrize(("flip", "forms"), [("horizontal", 2), ("vertical", 2), ("horizontal_and_vertical", 4)])
def test_flips_by_turns_show_every_form_of_every_picture_once_before_any_again(flip: str, forms: int) -> None:
    from dhc.config import AugmentConfig
    from dhc.training.batches import Batches

    x = np.random.default_rng(0).integers(0, 256, (60, 4, 6, 3)).astype(np.uint8)
    every = [x, x[:, :, ::-1], x[:, ::-1], x[:, ::-1, ::-1]]
    allowed = {"horizontal": every[:2], "vertical": every[::2]}.get(flip, every)
    augment = AugmentConfig(flip=flip, alternate=True)  # type: ignore[arg-type]

    def epochs(first: int, seed: int = 5) -> list[np.ndarray]:
        """Which form each picture has, epoch by epoch."""
        batches = Batches(x, np.arange(60), 16, seed, first, augment)
        rows = []
        for _ in range(first, 2 * forms):
            batches.on_epoch_begin()
            numbers = np.empty(60, int)
            for part, labels in (batches[i] for i in range(len(batches))):
                is_form = [(part == form[labels]).all(axis=(1, 2, 3)) for form in allowed]
                assert np.sum(is_form, axis=0).tolist() == [1] * len(labels)
                numbers[labels] = np.argmax(is_form, axis=0)
            rows.append(numbers)
        return rows

    shown = epochs(0)
    np.testing.assert_array_equal(shown[:forms], shown[forms:])
    assert (np.sort(shown[:forms], axis=0) == np.arange(forms)[:, None]).all()
    assert np.bincount(shown[0], minlength=forms).min() > 60 / forms / 3, (
        "drawn one by one, so that some have each form"
    )
    np.testing.assert_array_equal(shown[3:], epochs(3))  # as a run that goes on there
    assert (shown[0] != epochs(0, seed=6)[0]).any()


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
    with pytest.raises(NonFiniteLossError, match=r"the loss became nan at epoch 1, batch \d"):
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


def test_classes_and_fraction_cut_what_is_trained_on_and_never_val(tiny_data: Path) -> None:
    from dhc.data.select import load_for_run

    whole = RunConfig().with_values({"data.path": str(tiny_data)})
    half = whole.with_values({"data.classes": 2, "data.train_fraction": 0.5})
    all_data, cut = load_for_run(whole.data, seed=0), load_for_run(half.data, seed=0)
    assert cut.classes == all_data.classes[:2]
    assert cut.val.y is not None
    assert all_data.val.y is not None
    assert len(cut.val.y) == int((all_data.val.y < 2).sum())
    for label in (0, 1):
        assert cut.train.y is not None
        assert all_data.train.y is not None
        assert (cut.train.y == label).sum() == round(0.5 * int((all_data.train.y == label).sum()))
    assert load_for_run(half.data, seed=0).train.ids.tolist() == cut.train.ids.tolist()
    assert load_for_run(half.data, seed=1).train.ids.tolist() != cut.train.ids.tolist()


def test_one_class_is_refused_and_more_than_there_are_means_all(tiny_data: Path) -> None:
    from dhc.data.select import load_for_run

    config = RunConfig().with_values({"data.path": str(tiny_data)})
    assert len(load_for_run(config.with_values({"data.classes": 99}).data, seed=0).classes) == 3
    with pytest.raises(DataError, match="one class leaves nothing to tell apart"):
        load_for_run(config.with_values({"data.classes": 1}).data, seed=0)


def test_the_reports_any_angle_rotation_is_kerass_factor_one_half() -> None:
    """RandomRotation(3) meant ±3 full turns; an angle uniform over ±3 turns is uniform over the circle, as ±1/2 turn is."""
    draw = np.random.default_rng(0)
    three_turns = np.mod(draw.uniform(-3, 3, 200_000), 1.0)
    half_turn = np.mod(draw.uniform(-0.5, 0.5, 200_000), 1.0)
    counts = [np.histogram(angles, bins=36, range=(0, 1))[0] / 200_000 for angles in (three_turns, half_turn)]
    np.testing.assert_allclose(counts[0], counts[1], atol=0.003)
    import keras

    with pytest.raises(ValueError, match="factor"):
        keras.layers.RandomRotation(3)
    assert keras.layers.RandomRotation(0.5)


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
    assert history.batches["position"].iloc[-1] == pytest.approx(config.fit.epochs)
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
