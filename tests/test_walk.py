"""The walk's numbers against Keras's own layers and against the lessons' NumPy, on tiny networks that nobody trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import make_run
from networks import small_network

from dhc.errors import RunError
from dhc.files.messages import Message
from dhc.lessons.convolution import products
from dhc.runs import rundir

RUN = "20261126-100000-cnn3-000a"
SETTINGS = ("model.name", "model.width", "model.conv_dropout", "model.head")


def with_network(folder: Path, data: Path, **settings: Any) -> tuple[Path, Any]:
    """A run made by hand, and the network in it: random weights, moved a little where they begin as 0 or 1."""
    from dhc.models.build import network

    config = small_network(data).with_values(settings)
    run = make_run(folder, data, run_id=RUN, settings={name: config.get(name) for name in SETTINGS})
    model, rng = network(config, 3), np.random.default_rng(1)
    model.set_weights([weight + rng.normal(0, 0.03, weight.shape) for weight in model.get_weights()])
    model.save(run / rundir.BEST)
    return run, model


def ask(folder: Path, x: np.ndarray, part: str, **values: int) -> Message:
    from dhc.predict.walk import walk

    return walk(Message({"question": "walk", "folder": str(folder), "epoch": 0, "part": part, **values}, {"x": x}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"model.name": "cnn3-dropout"},
        {"model.name": "cnn7", "model.width": 1 / 64},
    ],
    ids=lambda settings: settings["model.name"],
)
def test_every_layer_and_every_number_is_what_keras_gives(
    tmp_path: Path, tiny_data: Path, settings: dict[str, Any]
) -> None:
    import keras

    folder, model = with_network(tmp_path, tiny_data, **settings)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    every = keras.Model(model.inputs[0], [layer.output for layer in model.layers[1:]])
    outputs = [np.asarray(values)[0] for values in every(x[None], training=False)]
    maps = ask(folder, x, "maps").arrays
    np.testing.assert_allclose(maps["probabilities"], outputs[-1], atol=1e-6)
    np.testing.assert_allclose(np.exp(maps["logits"]) / np.exp(maps["logits"]).sum(), outputs[-1], atol=1e-6)
    start = first = 0
    before = x.astype(np.float32)
    for place, (layer, values) in enumerate(zip(model.layers[1:], outputs, strict=True)):
        values = values if values.ndim == 3 else values[None, None]
        height, width, units = values.shape
        count = int(maps["counts"][place])
        chosen, steps = maps["units"][first : first + count], maps["steps"][first : first + count]
        assert count == min(units, 512)
        size = count * height * width
        levels = maps["bytes"][start : start + size].reshape(count, height, width).astype(float) - 128
        shown = (levels * steps[:, None, None]).transpose(1, 2, 0)
        assert np.all(np.abs(shown - values[..., chosen]) <= 0.51 * steps + 1e-7), layer.name
        start, first = start + size, first + count
        at = {"row": int(rng.integers(height)), "column": int(rng.integers(width)), "unit": int(rng.integers(units))}
        answer = ask(folder, x, "number", layer=place, **at)
        value = values[at["row"], at["column"], at["unit"]]
        assert answer.values["value"] == pytest.approx(value, abs=1e-5)
        check_history(layer, before, at, answer, float(value))
        before = values
    assert start == len(maps["bytes"])
    assert first == len(maps["units"])


def check_history(layer: Any, before: np.ndarray, at: dict[str, int], answer: Message, value: float) -> None:
    """What the answer says of how the number came about gives that number, by the lessons' and NumPy's arithmetic."""
    said, arrays = answer.values, answer.arrays
    match type(layer).__name__:
        case "Conv2D":
            side = arrays["kernel"].shape[0]
            padded = np.pad(before, ((side, side), (side, side), (0, 0))).astype(float)
            sums = [
                products(padded[..., unit], arrays["kernel"][..., unit], said["top"] + side, said["left"] + side).sum()
                for unit in range(before.shape[-1])
            ]
            np.testing.assert_allclose(sums, (arrays["patch"] * arrays["kernel"]).sum(axis=(0, 1)), atol=1e-4)
            assert max(0, sum(sums) + said["bias"]) == pytest.approx(value, abs=1e-4)
            assert said["activated"] == pytest.approx(value, abs=1e-4)
        case "Dense" if said["activation"] == "softmax":
            assert arrays["logits"][at["unit"]] == pytest.approx(said["sum"], abs=1e-4)
        case "Dense":
            assert float(arrays["inputs"] @ arrays["weights"]) + said["bias"] == pytest.approx(said["sum"], abs=1e-4)
            assert max(0, said["sum"]) == pytest.approx(value, abs=1e-4)
        case "BatchNormalization":
            spread = np.sqrt(said["variance"] + said["epsilon"])
            assert said["gamma"] * (said["before"] - said["mean"]) / spread + said["beta"] == pytest.approx(
                value, abs=1e-4
            )
        case "MaxPooling2D":
            assert arrays["patch"].max() == pytest.approx(value)
        case "GlobalAveragePooling2D":
            assert before[..., at["unit"]].mean() == pytest.approx(value, abs=1e-5)
        case "Rescaling":
            assert said["before"] * said["scale"] == pytest.approx(value)
        case "Flatten":
            assert before[said["top"], said["left"], said["channel"]] == pytest.approx(value)
        case name:
            assert name in ("Dropout", "Resizing")


@pytest.mark.slow
def test_dropout_draws_spread_normalisation_stays_and_what_is_not_there_is_refused(
    tmp_path: Path, tiny_data: Path
) -> None:
    folder, model = with_network(tmp_path, tiny_data)
    x = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    draws = ask(folder, x, "draws", draws=30).arrays["draws"]
    assert draws.shape == (30, 3)
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-5)
    assert draws.std(axis=0).max() > 0
    still = np.asarray(model(x[None], training=False))[0]
    assert np.abs(draws.mean(axis=0) - still).max() < 0.5
    then = ask(folder, x, "number", layer=2, unit=1, row=29, column=29).values["then"]
    assert [step["layer"] for step in then] == [3, 4, 5], "norm, pool and dropout follow the first convolution"
    for wrong in ({"layer": 99}, {"row": 30}, {"unit": 8}, {"unit": -1}):
        with pytest.raises(RunError, match="choose"):
            ask(folder, x, "number", **({"layer": 2, "unit": 0, "row": 0, "column": 0} | wrong))
    model.set_weights([weight * 1e20 for weight in model.get_weights()])
    model.save(folder / rundir.BEST)
    with pytest.raises(RunError, match="no finite numbers"):
        ask(folder, x, "maps")
    (folder / rundir.BEST).unlink()
    with pytest.raises(RunError, match="no network"):
        ask(folder, x, "maps")
