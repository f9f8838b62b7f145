"""A network layer by layer: sizes against Keras, receptive fields against lit pixels and by hand, maps and units, kept epochs."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from click.testing import CliRunner
from make_run import make_run
from networks import small_network

from dhc.analysis.maps import order_of, silent, tops
from dhc.analysis.network import KINDS, network_layers
from dhc.analysis.units import NINE, none_yet, with_more
from dhc.cli import cli
from dhc.config import RunConfig, fields
from dhc.data.decode import load_pictures
from dhc.data.layout import open_dataset
from dhc.errors import RunError
from dhc.files.archive import DamagedError
from dhc.files.messages import Message
from dhc.models import plan
from dhc.models.ladder import NETWORKS, RUNGS, plan_of
from dhc.models.presets import preset_config
from dhc.predict.kept import wanted
from dhc.runs import rundir
from dhc.runs.epoch_maps import read_epoch_maps
from dhc.runs.features import read_features


def test_the_fields_of_vgg16_are_those_counted_by_hand() -> None:
    """Each 3×3 adds two steps, each pooling one, and doubles the step."""
    layers = {layer.name: layer for layer in network_layers(plan_of(preset_config("report"), 96))}
    seen = [(layer.field.size, layer.field.step) for layer in layers.values() if layer.kind in ("conv", "pool")]
    sizes = [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]
    steps = [1, 1, 2, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 32]
    assert seen == list(zip(sizes, steps, strict=True))
    assert (layers["conv 8"].seen, layers["conv 9"].seen) == (60, 64), "no more than the picture"
    assert sum(layer.parameters for layer in layers.values()) == 35_514_947
    assert layers["conv 2"].flops == 2 * 9 * 64 * 64 * 62 * 62, "a multiply–add counts 2"


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_keras_has_the_same_layers_and_the_pixels_that_move_a_unit_are_those_of_its_field(name: str) -> None:
    """With weights above 0 and no bias a unit is 0 on a black picture, and above on one with a white column that it sees, and no other."""
    from dhc.explain.layers import outputs
    from dhc.models.build import network

    config = RunConfig().with_values({"model.name": name, "model.width": 1 / 32})
    layers, model = network_layers(plan_of(config, 3)), network(config, 3)
    assert model.count_params() == sum(layer.parameters for layer in layers)
    assert [tuple(layer.output.shape[1:]) for layer in model.layers[1:]] == [layer.shape for layer in layers]
    model.set_weights([np.abs(values) for values in model.get_weights()])
    columns = np.zeros((64, 64, 64, 3), np.uint8)
    columns[np.arange(64), :, np.arange(64)] = 255
    for layer, (_, values) in zip(layers[:-1], outputs(model, columns), strict=False):  # the softmax is never 0
        of_row = np.asarray(values)[:, layer.shape[0] // 2] if layer.has_maps else np.asarray(values)[:, None]
        moved = (of_row > 0).any(axis=-1)  # column by unit
        ends = [(int(seen[0]), int(seen[-1]) + 1) for seen in map(np.flatnonzero, moved.T)]
        if layer.kind != "flatten":  # whose values see a place each
            assert ends == list(layer.field.spans), layer.name
            assert moved.sum() == sum(end - start for start, end in ends), "without a gap"


def test_every_layer_that_a_plan_can_have_has_a_name() -> None:
    assert set(KINDS) == set(get_args(plan.Layer)) - set(plan.RANDOM)


def test_a_step_of_the_ladder_has_a_network_but_for_the_neighbours() -> None:
    for step, rung in RUNGS.items():
        layers = network_layers(plan_of(rung.config(), 96)) if step != "knn" else ()
        assert len({layer.name for layer in layers}) == len(layers)
        assert not layers or layers[-1].shape == (96,)


def test_maps_are_ordered_by_their_largest_value_and_scaled_by_themselves_or_together() -> None:
    maps = np.zeros((2, 2, 3), np.float32)
    maps[0, 1, 0], maps[1, 1, 2], maps[0, 0, 2] = 1, 4, -8
    assert order_of(maps, "strength").tolist() == [2, 0, 1]
    assert order_of(maps, "place").tolist() == [0, 1, 2]
    assert tops(maps, common=False).tolist() == [1, 0, 8]
    assert tops(maps, common=True).tolist() == [8, 8, 8]
    assert silent(maps) == 1


def test_the_nine_strongest_of_many_batches_are_those_of_all_at_once_and_equals_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    peaks = np.maximum(rng.integers(-20, 9, (50, 4)), 0).astype(np.float32)
    peaks[:, 3] = 0
    places, strongest = rng.integers(0, 99, (50, 4)), none_yet(4)
    for start in range(0, 50, 7):
        part = slice(start, start + 7)
        strongest = with_more(strongest, np.arange(50)[part], peaks[part], places[part])
    for unit in range(4):
        rows = sorted(range(50), key=lambda row: (-peaks[row, unit], row))[:NINE]
        expected = [(row, float(peaks[row, unit]), int(places[row, unit])) for row in rows if peaks[row, unit] > 0]
        assert strongest.of(unit) == expected
    assert strongest.dead.tolist() == [3]
    assert with_more(none_yet(1), np.array([5]), np.array([[2.0]]), np.array([[0]])).of(0) == [(5, 2.0, 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "changes"),
    [
        ("float32", {}),
        (
            "mixed_float16",
            {
                **{"optimizer.ema_momentum": 0.9, "model.name": "cnn3-linear"},
                **{"model.activation": "prelu", "model.first_conv": "whitened"},
            },
        ),
    ],
)
def test_a_kept_state_gives_the_network_that_was_judged_and_others_are_refused(
    precision: str, changes: dict[str, object], tmp_path: Path, tiny_data: Path
) -> None:
    from dhc.models.build import compiled_model, copy_weights
    from dhc.predict.network import untrained
    from dhc.predict.networks import Networks
    from dhc.predict.walk import Walks
    from dhc.training.resume import state_variables

    settings = {"model.name": "cnn3-dropout", "model.width": 1 / 32, "fit.seed": 3, **changes}
    folder = make_run(tmp_path, tiny_data, epochs=3, best_epoch=2, settings=settings)
    config = RunConfig().with_values({"data.path": str(tiny_data), "fit.epochs": 3, **settings})
    model, judged = compiled_model(config, 3, precision=precision), untrained(config, 3)
    variables, rng = state_variables(model), np.random.default_rng(0)
    for variable in variables:
        if str(variable.dtype).startswith("float"):
            variable.assign(rng.random(variable.shape))
    copy_weights(model, judged)
    judged.save(folder / rundir.BEST)
    place = folder / rundir.STATES / "epoch-00002"
    place.mkdir(parents=True)
    for name in (rundir.BEST, rundir.PREDICTIONS):
        (place / name).hardlink_to(folder / name)
    record = {"epoch": 2, "seconds": 1.0, "best": 0.5, "best_epoch": 2, "speeds": [1.0] * 2, "curve": [0.5] * 2}
    record |= {"rate": 0.1, "counters": []}
    values = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
    np.savez(place / "state.npz", told=np.array(json.dumps(record)), **values)
    _has_maps_by_epoch(folder, place, record, values)
    kept = Networks().of(folder, 2).model
    for ours, theirs in zip(kept.get_weights(), judged.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    walks, picture = Walks(), np.full((64, 64, 3), 100, np.uint8)
    walked, outputs = walks.of(folder, 2, picture)
    for ours, theirs in zip(walked.get_weights(), judged.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(outputs[-1].ravel(), np.asarray(judged(picture[None]))[0], atol=1e-5)
    early = Walks()
    assert not early.read(folder, 2), "whoever asks early does not wait"
    ended = time.monotonic() + 60
    while not early.read(folder, 2) and time.monotonic() < ended:
        time.sleep(0.01)
    aside = (place / rundir.BEST).rename(tmp_path / "aside.keras")
    np.testing.assert_allclose(
        early.of(folder, 2, picture)[1][-1], outputs[-1], atol=1e-6
    )  # out of what was read early
    with pytest.raises(RunError, match="is not there"):
        Walks().of(folder, 2, picture)
    aside.rename(place / rundir.BEST)
    for ask in (lambda: Networks().of(folder, 9), lambda: walks.of(folder, 9, picture)):
        with pytest.raises(RunError, match=r"the state of epoch 9.* is not there"):
            ask()
    np.savez(
        place / "state.npz",
        told=np.array(json.dumps(record)),
        **{f"v{n}": v.ravel() for n, v in enumerate(values.values())},
    )
    with pytest.raises(RunError, match=r"holds the variables of another network.*choose another epoch"):
        Networks().of(folder, 2)
    (place / rundir.BEST).unlink()
    (place / rundir.BEST).write_bytes(b"no network")
    with pytest.raises(RunError, match=r"of its best\.keras: it is damaged.*choose another epoch"):
        Networks().of(folder, 2)


def _has_maps_by_epoch(folder: Path, place: Path, record: dict[str, object], values: dict[str, np.ndarray]) -> None:
    """Of a second state that holds the same network after another epoch, and of a third that is damaged."""
    later = place.with_name("epoch-00003")
    shutil.copytree(place, later)
    record = {**record, "epoch": 3, "speeds": [1.0] * 3, "curve": [0.5] * 3}
    np.savez(later / "state.npz", told=np.array(json.dumps(record)), **values)
    shutil.copytree(place, place.with_name("epoch-00001"))
    result = CliRunner().invoke(cli, ["features", folder.name, "--runs", str(folder.parent), "--json"])
    assert "the state of epoch 1 of run" in result.stderr
    assert json.loads(result.stdout)["epochs"] == [2, 3]
    features = read_features(folder)
    assert features is not None
    maps = read_epoch_maps(folder, features)
    assert maps is not None
    assert maps.rows.tolist() == list(range(9 + 24))
    for number in range(2):
        np.testing.assert_array_equal(maps.predicted[number, 9:], features.train_probabilities.argmax(axis=1))
    np.testing.assert_allclose(maps.confidence[1, 9:], features.train_probabilities.max(axis=1), atol=2e-3)
    np.testing.assert_allclose(maps.places["pca"][0], maps.places["pca"][1], atol=1e-5)


def test_a_state_without_the_averages_that_were_judged_is_refused() -> None:
    config = RunConfig().with_values({"model.name": "cnn3-linear", "model.width": 1 / 32})
    from dhc.analysis.network import judged
    from dhc.predict.kept import weight_shapes

    plan = judged(plan_of(config, 3))
    specs = [(shape, "float32") for shape, _ in weight_shapes(plan)]
    assert wanted(specs, plan, averaged=False) == list(range(len(specs)))
    with pytest.raises(DamagedError):
        wanted(specs, plan, averaged=True)
    seeds = [((2,), "uint32"), *specs, ((), "int64"), ((), "float32"), *specs]
    assert wanted(seeds, plan, averaged=True) == list(range(len(specs) + 3, 2 * len(specs) + 3))


@pytest.mark.slow
def test_the_helpers_answers_are_those_of_the_network_and_its_filters(tmp_path: Path, tiny_data: Path) -> None:
    from dhc.models.build import network
    from dhc.predict.helper import answer

    config = small_network(tiny_data)
    settings = {name: config.get(name) for name in ("model.name", "model.width", "model.conv_dropout")}
    folder = make_run(tmp_path, tiny_data, epochs=2, settings=settings)
    model = network(config, 3)
    model.save(folder / rundir.BEST)
    x = np.asarray(load_pictures(open_dataset(tiny_data), "val").x[:3])
    layers = network_layers(plan_of(config, 3))
    about = {"folder": str(folder), "epoch": 0}

    def asked(question: str, arrays: dict[str, np.ndarray] | None = None, **values: object) -> Message:
        return answer(Message({"question": question, **about, **values}, arrays or {}))

    last = asked("layer_maps", {"x": x[:1]}, place=len(layers) - 1).arrays["values"]
    np.testing.assert_allclose(last, np.asarray(model(x[:1], training=False))[0], rtol=1e-3)
    conv = layers[2]
    assert conv.name == "conv 1"
    maps = asked("layer_maps", {"x": x[:1]}, place=conv.place).arrays["values"]
    assert maps.shape == conv.shape
    peaks = asked("unit_peaks", {"x": x}).arrays
    assert peaks["peaks"].shape == (3, sum(layer.shape[-1] for layer in layers if layer.has_units))
    np.testing.assert_allclose(peaks["peaks"][0, : conv.shape[-1]], maps.max(axis=(0, 1)), rtol=1e-4, atol=1e-5)
    place = np.unravel_index(peaks["places"][0, 1], conv.shape[:2])
    assert maps[..., 1][place] == pytest.approx(maps[..., 1].max(), abs=1e-5)
    np.testing.assert_array_equal(
        asked("first_filters").arrays["filters"], model.layers[conv.place + 1].get_weights()[0]
    )
    flat = {field.name: config.get(field.name) for field in fields()}
    seconds = asked("layer_times", settings=flat, classes=3).arrays["seconds"]
    assert seconds.shape == (len(layers),)
    assert (seconds > 0).all()
    assert "fewer layers" in str(asked("layer_maps", {"x": x[:1]}, place=99).values["refusal"])


def test_the_command_prints_the_table_and_its_json(tmp_path: Path, tiny_data: Path) -> None:
    folder = make_run(tmp_path, tiny_data, settings={"model.name": "cnn3"})
    done = CliRunner().invoke(cli, ["network", folder.name, "--runs", str(tmp_path)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].split() == ["layer", "output", "parameters", "FLOPs", "sees"]
    assert lines[3].split()[:2] == ["conv", "1"]
    assert len({len(line) for line in lines[:-1]}) == 1, "columns stand in line"
    record = json.loads(CliRunner().invoke(cli, ["network", folder.name, "--runs", str(tmp_path), "--json"]).output)
    assert record["parameters"] == sum(layer["parameters"] for layer in record["layers"])
    assert record["layers"][2]["field"] == 6
    for nonsense in ("abc", -5, True, 10**12, None):
        with (folder / rundir.EVENTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"t": 1.0, "kind": "start", "classes": nonsense}) + "\n")
        assert CliRunner().invoke(cli, ["network", folder.name, "--runs", str(tmp_path)]).exit_code == 0
    neighbours = make_run(tmp_path, tiny_data, settings={"model.name": "knn"})
    refused = CliRunner().invoke(cli, ["network", neighbours.name, "--runs", str(tmp_path)])
    assert isinstance(refused.exception, RunError)
    assert "has no network" in str(refused.exception)
