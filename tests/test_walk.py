"""The walk's numbers against Keras's own layers and against the lessons' NumPy, on tiny networks that nobody trained."""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from make_run import make_run
from networks import small_network
from screens import address, open_page, page_links, sent, texts

from dhc.data.intake import Picture
from dhc.errors import RunError
from dhc.files import gate
from dhc.files.messages import Message
from dhc.jobs.warm import _judged
from dhc.lessons.convolution import products
from dhc.predict.helper import answer
from dhc.runs import rundir
from dhc.teaching.words import labels
from dhc.ui.shell import session
from dhc.ui.walk.asked import PARTS
from dhc.ui.walk.history import Writer

RUN = "20261126-100000-cnn3-000a"
SETTINGS = ("model.name", "model.width", "model.conv_dropout", "model.head", "model.activation")


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
        {"model.name": "cnn9-skip", "model.activation": "prelu"},
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
    by_tensor: dict[int, np.ndarray] = {}
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
        taken = [by_tensor[id(tensor)] for tensor in layer.input] if isinstance(layer.input, list) else before
        check_history(layer, taken, at, answer, float(value))
        by_tensor[id(layer.output)] = before = values
    assert start == len(maps["bytes"])
    assert first == len(maps["units"])


def check_history(layer: Any, before: Any, at: dict[str, int], answer: Message, value: float) -> None:
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
            total = sum(sums) + said["bias"]
            assert (total if said["activation"] == "linear" else max(0, total)) == pytest.approx(value, abs=1e-4)
            assert said["activated"] == pytest.approx(value, abs=1e-4)
        case "PReLU":
            slope = np.ravel(layer.alpha)[at["unit"]]
            assert said["before"] * (slope if said["before"] < 0 else 1) == pytest.approx(value, abs=1e-5)
            assert said["slope"] == pytest.approx(slope)
        case "Add":
            both = [each[at["row"], at["column"], at["unit"]] for each in before]
            assert sorted([said["before"], said["skipped"]]) == pytest.approx(sorted(both), abs=1e-5)
            assert sum(both) == pytest.approx(value, abs=1e-4)
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
    from dhc.explain.walk import dropout_draws, values_of

    folder, model = with_network(tmp_path, tiny_data)
    x = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    draws = ask(folder, x, "draws", draws=30).arrays["draws"]
    assert draws.shape == (30, 3)
    np.testing.assert_allclose(draws.sum(axis=1), 1, atol=1e-5)
    assert draws.std(axis=0).max() > 0
    still = np.asarray(model(x[None], training=False))[0]
    assert np.abs(draws.mean(axis=0) - still).max() < 0.5
    values = values_of(model, x)
    first = next(place for place, layer in enumerate(model.layers) if type(layer).__name__ == "Dropout")
    values[: first - 2] = [np.full_like(each, np.nan) for each in values[: first - 2]]
    behind = dropout_draws(model, values, 100)
    assert np.isfinite(behind).all(), "what stands before the first dropout is not passed again"
    again = ask(folder, x, "draws", draws=100).arrays["draws"]
    np.testing.assert_allclose(behind.mean(axis=0), again.mean(axis=0), atol=0.1)
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


class InProcess:
    """The helper's own answers, given in this process, which has Keras already; what was asked is noted."""

    asked: ClassVar[list[object]] = []

    def ask(self, question: str, arrays: dict[str, np.ndarray] | None = None, **values: object) -> Message:
        self.asked.append(values.get("part"))
        return _judged(answer(Message({"question": question, **values}, arrays or {})))


@pytest.mark.slow
def test_the_page_shows_a_number_with_its_history_in_both_languages_and_a_step_leads_to_another(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    monkeypatch.setattr(session, "helper", InProcess)
    folder, _ = with_network(tmp_path, tiny_data)
    at = open_page("walk", run=RUN, picture="1", zoom="unit", layer="conv 2", unit="3", place="4,5")
    assert not at.exception
    scene, stage = sent(at, "walk")
    assert stage["of"] == scene["scene"]
    names = [column["name"] for column in scene["columns"]]
    assert names[:6] == ["augment 1", "augment 2", "resize", "rescale", "conv 1", "norm 1"]
    assert stage["at"] == {"zoom": "unit", "stop": names.index("conv 2"), "unit": 3, "row": 4, "column": 5}
    detail = stage["detail"]
    totals = [channel["total"] for channel in detail["channels"]]
    assert detail["count"] == 8
    assert np.allclose(
        totals, [np.multiply(one["patch"], one["kernel"]).sum() for one in detail["channels"]], atol=1e-4
    )
    assert totals == sorted(totals, key=lambda total: -abs(total))
    first = detail["channels"][0]["unit"] + 1
    assert detail["lines"][0]["label"] == f"Map {first} counts most", "words count from 1, addresses from 0"
    checks = [line["tone"] for line in detail["lines"] if line["tone"]]
    assert checks == ["good"], "the sum is what the map shows"
    for thread in threading.enumerate():
        if thread.name == "walk":
            thread.join(20)
    assert InProcess.asked.count("draws") == PARTS, "dropout's draws are asked while the first picture is looked at"
    at.session_state["dhc_walk_stage"] = {
        "step": {"zoom": "layer", "layer": "dense 3", "unit": 2, "row": 0, "column": 0}
    }
    at.run()
    last = sent(at, "walk")[-1]
    assert (address(at, "layer"), address(at, "zoom"), last["at"]["unit"]) == ("dense 3", "layer", 2)
    assert len(last["detail"]["draws"]) == 3
    assert InProcess.asked.count("draws") == PARTS, "the step that shows them need not ask"
    assert len(last["detail"]["draws"][0]) == 30
    assert "30 draws of all its dropout layers" in last["detail"]["spread"]
    at = open_page("walk", run=RUN, lang="ro", zoom="formula", layer="norm 1", unit="99", place="77,0", picture="x")
    assert not at.exception
    stage = sent(at, "walk")[-1]
    assert stage["comma"]
    assert "Verificat" in [line["label"] for line in stage["detail"]["lines"]]
    assert "," in stage["detail"]["lines"][0]["text"]
    assert len(at.toast) == 3, "unit, place and picture do not exist here"
    at.session_state["dhc_walk_stage"] = {"step": {"zoom": "moon", "layer": ["conv 1"], "unit": "7"}}
    assert not at.run().exception
    at.session_state["dhc_yours"] = Picture("mine.png", np.zeros((64, 64, 3), np.uint8))
    at.query_params["yours"] = "1"
    scene = sent(at.run(), "walk")[0]
    assert at.selectbox("dhc_walk_picture").format_func(-1) == "Imaginea ta mine.png"
    assert set(base64.b64decode(scene["picture"])) == {0}
    assert "Imaginea arată" not in scene["verdict"], "nobody labelled it"
    (folder / rundir.BEST).write_bytes(b"no network, but there")
    at = open_page("walk", run=RUN)
    assert "cannot be used" in texts(at)
    assert "Something of ours" not in texts(at)


@pytest.mark.pages
def test_where_there_is_no_network_to_walk_through_the_page_says_what_to_do(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    assert "No run here has a network" in texts(open_page("walk"))
    assert "Nicio rulare" in texts(open_page("walk", lang="ro"))
    folder = make_run(tmp_path, tiny_data, run_id=RUN, epochs=2, settings={"model.name": "cnn3"})
    (folder / rundir.BEST).write_bytes(b"no network, but there")
    links = page_links(open_page("mistakes", run=RUN, picture="1"))
    assert "picture=1" in links["Walk through the network"]
    knn = make_run(tmp_path, tiny_data, run_id="20261126-100000-knn-000b", settings={"model.name": "knn"})
    assert "has no network: choose another one" in texts(open_page("walk", run=knn.name))
    other = make_run(tmp_path, tiny_data, run_id="20261126-100000-cnn3-000c", settings={"model.name": "cnn3"})
    assert "has no network yet" in texts(open_page("walk", run=other.name))
    (other / "request.json").write_text('{"schema_version": 1, "example": true}', encoding="utf-8")
    at = open_page("walk", run=other.name)
    assert "networks of the example runs were left out" in texts(at)
    at.button("dhc_walk_other").click().run()
    assert address(at, "run") == RUN, "the run that has a network is offered"
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    assert "This view asks no network" in texts(open_page("walk", run=RUN))
    assert "Walk through your own network" in page_links(open_page("lessons", lesson="convolution"))


def test_a_sum_that_is_not_what_the_map_shows_is_marked_and_numbers_are_written_as_the_language_does() -> None:
    english, romanian = (Writer(labels(language, "walk")) for language in ("en", "ro"))
    assert [english.check(2.0, ours).tone for ours in (2.0, 2.001, 2.01, -2.0)] == ["good", "good", "bad", "bad"]
    assert (english.number(-0.25), english.number(-0.0001), romanian.number(1.5)) == ("−0.250", "0.000", "1,500")
    assert english.product(0.5, -0.25) == "0.500·(−0.250)"
    assert romanian.product(np.float32(0.5), np.float32(-0.25)) == "0,500·(−0,250)", "as the maps have them"
    assert english.sum([0.5, -0.25, 1]) == "0.500 − 0.250 + 1.000"
