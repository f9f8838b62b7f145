"""Looks at the layers while a tiny network really trains: they change nothing, they see what Keras sees, planted faults are named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import small_network, trained_by_the_loop

from dhc.analysis import coach
from dhc.analysis.ailments import AILMENTS
from dhc.analysis.case import Case
from dhc.analysis.layers import LayerTable, layer_table
from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.dynamics import read_dynamics
from dhc.runs.histograms import read_histograms
from dhc.runs.store import Store

pytestmark = pytest.mark.slow
RULES = coach.read_rules(coach.RULES.read_text(encoding="utf-8"))
OURS = tuple(rule for rule in RULES if rule.look_for in AILMENTS)


@pytest.fixture(scope="module")
def sane(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> tuple[RunConfig, Path, Any]:
    config = small_network(tiny_data).with_values({"fit.epochs": 3})
    return config, *trained_by_the_loop(config, tmp_path_factory.mktemp("runs"))


def table_of(folder: Path) -> LayerTable:
    table = layer_table(Store(folder.parent).history(folder.name))
    assert table is not None
    return table


def fired(folder: Path, config: RunConfig) -> list[str]:
    return [mark.rule for mark in coach.marks(Case(Store(folder.parent).history(folder.name), config, 3), OURS)]


def test_with_and_without_looks_and_the_record_of_its_pictures_a_training_is_the_same_to_the_last_bit(
    sane: tuple[RunConfig, Path, Any], tmp_path: Path
) -> None:
    config, folder, model = sane
    bare_config = config.with_values({"fit.watch_health": False, "fit.watch_pictures": False})
    bare_folder, bare_model = trained_by_the_loop(bare_config, tmp_path)
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "best"]
    histories = [Store(place.parent).history(place.name) for place in (folder, bare_folder)]
    assert histories[0].epochs[columns].equals(histories[1].epochs[columns])
    assert (len(histories[0].softmax), len(histories[1].softmax)) == (3, 0)
    for one, other in zip(model.variables, bare_model.variables, strict=True):  # seeds and moving averages too
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert not (bare_folder / rundir.HEALTH).exists()
    assert not (bare_folder / rundir.DYNAMICS).exists()


def test_the_record_of_the_pictures_is_of_the_very_answers_that_training_counts(
    sane: tuple[RunConfig, Path, Any],
) -> None:
    _, folder, _ = sane
    dynamics, epochs = read_dynamics(folder), Store(folder.parent).history(folder.name).epochs
    assert dynamics is not None
    assert dynamics.epochs.tolist() == epochs["epoch"].tolist()
    assert not np.isnan(dynamics.p).any()
    assert (dynamics.margin > 0).mean(axis=1).tolist() == pytest.approx(epochs["accuracy"].tolist(), abs=1e-6)
    assert (-np.log(dynamics.p)).mean(axis=1).tolist() == pytest.approx(epochs["loss"].tolist(), rel=2e-3)


def test_a_sane_network_is_looked_at_and_no_rule_fires(sane: tuple[RunConfig, Path, Any]) -> None:
    config, folder, _ = sane
    table = table_of(folder)
    assert table.epochs == (1, 2, 3)
    assert table.names[:3] == ("conv 1", "norm 1", "conv 2")
    products = [place for place, name in enumerate(table.names) if not name.startswith("norm")]
    for name in ("update_ratio", "gradient_norm", "std"):
        assert (table.figures[name][products] > 0).all(), name
    assert np.isfinite(table.figures["dead_share"][products[:-1]]).all()
    assert np.isnan(table.figures["dead_share"][-1]).all()  # the softmax
    assert fired(folder, config) == []
    kept = read_histograms(folder)
    assert (kept.layers, kept.epochs) == (table.names, table.epochs)
    assert (kept.counts["weights"].sum(axis=2) > 0).all()


def test_the_figures_are_those_of_kerass_own_network(sane: tuple[RunConfig, Path, Any]) -> None:
    import keras
    import tensorflow as tf

    from dhc.data.select import load_for_run
    from dhc.models.build import build
    from dhc.models.ladder import plan_of
    from dhc.models.plan import RANDOM, Dropout
    from dhc.training.health import FEW, PICTURES, probe_rows

    config, folder, model = sane
    train_set = load_for_run(config.data, config.fit.seed).train
    assert train_set.y is not None
    rows = probe_rows(train_set.y, PICTURES, config.fit.seed)
    x, y = np.asarray(train_set.x[rows]), np.asarray(train_set.y)[rows]
    watched = [layer for layer in model.layers if hasattr(layer, "kernel") or hasattr(layer, "gamma")]
    outputs = keras.Model(model.inputs[0], [layer.output for layer in watched])(x, training=False)
    table = table_of(folder)
    np.testing.assert_allclose(table.figures["mean"][:, -1], [np.mean(out) for out in outputs], rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(table.figures["std"][:, -1], [np.std(out) for out in outputs], rtol=2e-3, atol=1e-4)
    channels = np.asarray(outputs[0]).reshape(-1, outputs[0].shape[-1])
    assert table.figures["dead_share"][0, -1] == pytest.approx((channels.max(axis=0) <= 0).mean(), abs=1e-3)
    # Keras's gradient, in a network that does not drop, normalises by the batch, and may move its averages.
    plan = tuple(layer for layer in plan_of(config, 3) if not isinstance(layer, (Dropout, *RANDOM)))
    still = build(plan, seed=0)
    still.set_weights([np.asarray(weight) for weight in model.weights])
    with tf.GradientTape() as tape:
        answers = still(x[:FEW], training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y[:FEW], answers))
    kernels = [layer for layer in still.layers if layer.trainable_weights]
    gradients = tape.gradient(loss, [layer.trainable_weights for layer in kernels])
    norms = [np.sqrt(sum(float(tf.reduce_sum(part**2)) for part in parts)) for parts in gradients]
    np.testing.assert_allclose(table.figures["gradient_norm"][:, -1], norms, rtol=1e-3, atol=1e-4)


def test_a_network_with_a_skip_and_learned_slopes_is_looked_at_as_keras_computes_it(tiny_data: Path) -> None:
    import keras
    import tensorflow as tf

    from dhc.models.build import compiled_model
    from dhc.training.probe import Probe

    changes = {
        "model.name": "cnn9-skip",
        "model.activation": "prelu",
        "model.first_conv": "whitened",
        "model.dense_dropout": 0.0,
        "augment.where": "off",
    }
    model = compiled_model(small_network(tiny_data).with_values(changes), 3)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (6, 64, 64, 3)).astype(np.uint8), np.array([0, 1, 2, 0, 1, 2])
    probe = Probe(model, x, y, 4)
    shown = probe.look()
    watched = [layer for layer in model.layers if hasattr(layer, "kernel") or hasattr(layer, "gamma")]
    assert len(probe.names) == len(watched) == 19
    assert probe.learns() == [False, *[True] * 18], "whitened filters never change"
    outputs = keras.Model(model.inputs[0], [layer.output for layer in watched])(x, training=False)
    np.testing.assert_allclose(shown.std, [np.std(out) for out in outputs], rtol=2e-3, atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y[:4], model(x[:4], training=True)))
    gradients = tape.gradient(loss, [layer.trainable_weights for layer in watched])
    norms = [np.sqrt(sum(float(tf.reduce_sum(part**2)) for part in parts)) for parts in gradients]
    np.testing.assert_allclose(shown.gradient_norm, norms, rtol=1e-3, atol=1e-4)


def test_a_planted_dead_layer_and_a_planted_exploding_rate_are_found(tmp_path: Path, tiny_data: Path) -> None:
    def kill(model: Any) -> None:
        bias = next(layer for layer in reversed(model.layers) if type(layer).__name__ == "Conv2D").bias
        bias.assign(np.full(bias.shape, -100.0))

    config = small_network(tiny_data)
    folder, _ = trained_by_the_loop(config, tmp_path, kill)
    assert "dead-units" in fired(folder, config)
    assert table_of(folder).figures["dead_share"][table_of(folder).names.index("conv 3")].tolist() == [1, 1]
    config = config.with_values({"optimizer.learning_rate": 3.0})
    folder, _ = trained_by_the_loop(config, tmp_path)
    assert "exploding-loss" in fired(folder, config)


def test_a_process_that_goes_on_keeps_the_histograms_up_to_the_junction(sane: tuple[RunConfig, Path, Any]) -> None:
    from dhc.data.select import load_for_run
    from dhc.training.observers import observers

    config, folder, _ = sane
    before = (folder / rundir.EVENTS).read_bytes()
    with rundir.RunWriter(folder) as writer:
        watching = observers(config, load_for_run(config.data, 0), writer, lambda: False)
        (health,) = [callback for callback in watching.callbacks if type(callback).__name__ == "Health"]
        health.restore({"epoch": 2})
    assert health._histograms.epochs == (1, 2)
    assert (folder / rundir.EVENTS).read_bytes() == before
    assert json.loads(before.splitlines()[-1])["kind"] == "health"


def test_looks_are_as_rare_as_their_cost_asks() -> None:
    import time

    from dhc.training.health import MOST_LOOKS, SHARE, LookPace

    pace, looks = LookPace(), []
    for epoch in range(1, 31):
        pace.begin(epoch, 30)
        if pace.is_due:
            looks.append(epoch)
            with pace.spending():
                time.sleep(0.001)
            pace._spent = 0.065 if pace.looks else 9.0  # seconds of a look; the first one compiles
            pace.end(seconds=1.0)
    every = math.ceil(0.065 / SHARE)
    assert looks == [1, 2, *range(2 + every, 30, every), 30]
    pace, count = LookPace(), 0
    for epoch in range(1, 5001):
        pace.begin(epoch, 5000)
        if pace.is_due:
            count += 1
            pace.end(seconds=1.0)
    assert count <= MOST_LOOKS + 2


def test_the_probes_pictures_are_of_as_many_classes_as_can_be() -> None:
    from dhc.training.health import probe_rows

    y = np.array([0] * 500 + [1] * 3 + [2] * 100)
    rows = probe_rows(y, 64, seed=0)
    assert np.bincount(y[rows]).tolist() == [31, 3, 30] or np.bincount(y[rows]).tolist() == [30, 3, 31]
    assert np.bincount(y[rows[:9]]).tolist() == [3, 3, 3]
    assert len(set(rows.tolist())) == 64
    assert rows.tolist() == probe_rows(y, 64, seed=0).tolist() != probe_rows(y, 64, seed=1).tolist()
    assert sorted(probe_rows(y[:5], 64, seed=0).tolist()) == list(range(5))
