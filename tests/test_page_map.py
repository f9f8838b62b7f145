"""The Map screen, run without a browser on run folders made by hand: its states, its address, its gallery, its neighbours."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import add_epoch_maps, add_map, make_run
from screens import address, click, open_page, page_links, sent, texts
from streamlit.testing.v1 import AppTest

from dhc.analysis.nearest import nearest_by_features
from dhc.data.layout import open_dataset
from dhc.files import gate
from dhc.runs import rundir
from dhc.runs.features import write_features
from dhc.runs.picture_map import PictureMap, write_map
from dhc.runs.predictions import read_predictions
from dhc.ui.widgets.scatter import enclosed

pytestmark = pytest.mark.pages

RUN, BARE, NEIGHBOURS, EXAMPLE = (
    f"20261126-100000-{name}" for name in ("vgg16-00a1", "vgg16-00a2", "knn-00a3", "vgg16-00a4")
)
POINTS, GRID = "dhc_map_points", "dhc_map_grid"


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    for run_id in (RUN, BARE, EXAMPLE):
        folder = make_run(runs, tiny_data, run_id=run_id, accuracy=0.6)
        if run_id != EXAMPLE:
            (folder / rundir.BEST).write_bytes(b"a network")
    rundir.write_json(runs / EXAMPLE / rundir.REQUEST, {"queued_at": 0, "example": True})
    make_run(runs, tiny_data, run_id=NEIGHBOURS, epochs=1, settings={"model.name": "knn"})
    add_map(runs / RUN, tiny_data)
    return runs


@pytest.fixture
def runs(all_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(all_runs))
    return all_runs


def numbers(text: str, dtype: type[np.generic]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


def drawn(at: AppTest) -> dict[str, Any]:
    (points,) = sent(at, "scatter")
    return points


def test_every_picture_is_a_point_coloured_as_the_address_says_and_has_its_picture(runs: Path) -> None:
    predictions = read_predictions(runs / RUN)
    at = open_page("map", run=RUN, colour="right", split="val")
    points = drawn(at)
    assert not at.exception
    entries = [points["styles"][number]["entry"] for number in numbers(points["style"], np.uint16)]
    wrong = predictions.y_true != predictions.probabilities.argmax(axis=1)
    assert entries == wrong.astype(int).tolist()
    assert [entry["count"] for entry in points["legend"]] == [int((~wrong).sum()), int(wrong.sum())]
    assert {points["styles"][entry]["shape"] for entry in range(2)} == {"dot", "cross"}, "not by colour alone"
    at = open_page("map", run=RUN)
    points = drawn(at)
    x = numbers(points["x"], np.float32)
    assert len(x) == 9 + 24
    assert (x[0], x[1]) == (0, pytest.approx(10_000, rel=1e-3))
    (atlas,) = sent(at, "atlas")
    assert atlas["name"] == points["atlas"]
    assert numbers(points["tiles"], np.uint32).tolist() == list(range(33))
    assert sum(entry["count"] for entry in points["legend"]) == 33
    assert {name["text"] for name in points["names"]} == set(predictions.classes)
    at = open_page("map", run=RUN, map="pca", colour="confidence", split="train")
    assert len(numbers(drawn(at)["x"], np.float32)) == 24
    assert "its two axes show 60% of the spread" in texts(at)


def test_a_line_and_a_click_lead_to_the_gallery_and_on_to_the_large_picture(runs: Path, tiny_data: Path) -> None:
    at = open_page("map", run=RUN, colour="right")
    points = drawn(at)
    x, y = (numbers(points[name], np.float32) for name in ("x", "y"))
    at.session_state[POINTS] = {"area": [[0, 0], [5000, 0], [5000, 10_000], [0, 10_000]]}
    at.run()
    assert address(at, "area") == "0_0.5000_0.5000_10000.0_10000"
    inside = enclosed(x, y, [(0, 0), (5000, 0), (5000, 10_000), (0, 10_000)])
    assert inside.sum() == (x < 5000).sum() > 3
    assert f"**{inside.sum()} pictures**" in texts(at)
    at = open_page("map", run=RUN, area=address(at, "area") or "")
    tiles = sent(at, "gallery")[0]["tiles"]
    assert len(tiles) == min(24, inside.sum())
    assert [tile["tone"] for tile in tiles] == sorted(tile["tone"] for tile in tiles), "the wrong ones first"
    at.button(key="dhc_map_clear").click().run()
    assert address(at, "area") is None

    at.session_state[POINTS] = {"pick": 4}
    at.run()
    assert address(at, "near") == "4"
    first, *others = [tile["tooltip"] for tile in sent(at, "gallery")[0]["tiles"]]
    assert first.startswith("val: true ")
    assert len(others) == 23
    at = click(at, GRID, 0)
    assert address(at, "picture") == "4"
    at = open_page("map", run=RUN, near="4", picture="4")
    assert "This picture on Mistakes" in page_links(at)
    assert "Nearest training pictures of" in texts(at)
    at = open_page("map", run=RUN, near="4", picture="20")
    assert "a training picture" in texts(at)


def test_a_click_on_the_legend_chooses_a_class_and_the_others_turn_grey(runs: Path) -> None:
    classes = read_predictions(runs / RUN).classes
    at = open_page("map", run=RUN)
    at.session_state[POINTS] = {"entry": 1}
    at.run()
    assert address(at, "classes") == classes[1]
    legend = drawn(at)["legend"]
    assert [entry["label"] for entry in legend if entry["chosen"]] == [classes[1]]
    assert len({entry["color"] for entry in legend}) == 2, "the chosen one's, and grey"
    assert sum(entry["count"] for entry in legend) == 33
    assert [name["text"] for name in drawn(at)["names"]] == [classes[1]]
    legend = drawn(open_page("map", run=RUN, colour="right", classes=classes[1]))["legend"]
    assert [entry["label"] for entry in legend] == ["right", "wrong", "other classes"]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"area": "1_2.3_4"},
        {"area": "a_b.c_d.e_f"},
        {"area": "9999999_1.2_3.4_5"},
        {"near": "33"},
        {"map": "umap"},
        {"colour": "mood"},
        {"split": "test"},
        {"picture": "-1"},
        {"view": "none"},
    ],
)
def test_what_makes_no_sense_in_the_address_counts_as_not_there(runs: Path, nonsense: dict[str, str]) -> None:
    at = open_page("map", run=RUN, **nonsense)
    assert not at.exception
    assert len(numbers(drawn(at)["x"], np.float32)) == 33
    assert all(address(at, name) is None for name in nonsense)


def test_without_a_map_there_is_a_button_or_a_reason(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("map", run=BARE)
    assert [button.label for button in at.button if button.key == "dhc_map_make"] == ["Make the map"]
    assert "compares pixels and has no network" in texts(open_page("map", run=NEIGHBOURS))
    assert "networks of the example runs were left out" in texts(open_page("map", run=EXAMPLE))
    monkeypatch.setattr(gate._Gate, "shut", True)
    at = open_page("map", run=BARE)
    assert not [button for button in at.button if button.key == "dhc_map_make"]
    assert "open the full dashboard to make it" in texts(at)


def test_a_map_of_an_earlier_network_or_a_damaged_one_is_said_and_can_be_made_again(
    runs: Path, tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    folder = Path(shutil.copytree(runs / RUN, tmp_path / RUN))
    features = add_map(folder, tiny_data)
    write_features(folder, dataclasses.replace(features, best_epoch=2))
    (folder / rundir.BEST).write_bytes(b"another network")
    at = open_page("map", run=RUN)
    assert "of an earlier network, of epoch 2; the best one now is that of epoch 6" in texts(at)
    assert [button.label for button in at.button if button.key == "dhc_map_make"] == ["Make the map again"]
    (folder / rundir.FEATURES).write_bytes(b"damaged")
    at = open_page("map", run=RUN)
    assert "features.npz of run" in texts(at)
    assert "damaged or was edited" in texts(at)
    assert [button for button in at.button if button.key == "dhc_map_make"]


def test_after_a_kept_epoch_the_map_is_of_what_the_network_made_of_them_then_and_stands_still(
    runs: Path, tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    folder = Path(shutil.copytree(runs / RUN, tmp_path / RUN))
    at = open_page("map", run=RUN)
    assert "With *Keep a state every* on Train, a run has a map after each of those epochs" in texts(at)
    assert not [box for box in at.select_slider if box.key == "dhc_map_epoch"]
    for epoch in (2, 6):
        (folder / rundir.STATES / f"epoch-{epoch:05d}").mkdir(parents=True)
    at = open_page("map", run=RUN)
    assert "States of 2 epochs were kept" in texts(at)
    assert [button.label for button in at.button if button.key == "dhc_map_epoch_make"] == ["Make maps by epoch"]

    features = add_map(folder, tiny_data)
    maps = add_epoch_maps(folder, features)
    at = open_page("map", run=RUN, epoch="4", colour="right", near="4")
    assert not [button for button in at.button if button.key == "dhc_map_epoch_make"]
    points = drawn(at)
    true = np.concatenate([read_predictions(folder).y_true, features.train_true])[maps.rows]
    wrong = true != maps.predicted[1]
    assert [entry["count"] for entry in points["legend"]] == [int((~wrong).sum()), int(wrong.sum())]
    assert numbers(points["tiles"], np.uint32).tolist() == maps.rows.tolist()
    assert "17 pictures after epoch 4: t-SNE of perplexity 5" in texts(at)
    whole = maps.places["tsne"].reshape(-1, 2)
    expected = (maps.places["tsne"][1] - whole.min(axis=0)) * (10_000 / np.ptp(whole, axis=0).max())
    np.testing.assert_allclose(numbers(points["x"], np.float32), expected[:, 0], atol=0.1)

    at.get_by_key("dhc_map_epoch").set_value("6").run()
    assert (address(at, "epoch"), address(at, "near")) == ("6", "4"), "the same picture is followed"
    assert drawn(at)["frame"] == points["frame"], "its zoom stays"
    at.get_by_key("dhc_map_epoch").set_value("best").run()
    assert address(at, "epoch") is None
    assert len(numbers(drawn(at)["x"], np.float32)) == 33
    at = open_page("map", run=RUN, epoch="5")
    assert address(at, "epoch") is None, "of which there is no map"
    (folder / rundir.EPOCH_MAPS).write_bytes(b"damaged")
    at = open_page("map", run=RUN)
    assert "The maps by epoch cannot be read" in texts(at)
    assert len(numbers(drawn(at)["x"], np.float32)) == 33


def test_a_map_whose_pictures_are_gone_is_still_a_map(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(runs / RUN, tmp_path / RUN))
    config = json.loads((folder / rundir.CONFIG).read_text())
    config["data"]["path"] = str(tmp_path / "gone")
    (folder / rundir.CONFIG).write_text(json.dumps(config))
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("DHC_DATA_DIR", str(tmp_path))
    for picture in ("2", "20"):
        at = open_page("map", run=RUN, near="3", picture=picture)
        assert not at.exception
        assert len(numbers(drawn(at)["x"], np.float32)) == 33
        assert "Of epoch 6's network" in texts(at)
        assert "Something of ours broke" not in texts(at)


def test_training_pictures_are_those_that_the_run_learned_from_not_those_that_stand_in_their_place_today(
    runs: Path, tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a review left the first one out, or where one is not in the data set any more."""
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path))
    folder = Path(shutil.copytree(runs / RUN, tmp_path / RUN))
    train = open_dataset(tiny_data).splits["train"]
    assert train.y is not None
    used = {"files": [*train.files[1:-1], "gone.png"], "labels": train.y[1:].tolist()}
    classes = list(read_predictions(folder).classes)
    rundir.write_json(folder / rundir.PICTURES, {"classes": classes, "train": used})
    features = add_map(folder, tiny_data)
    rows = np.arange(len(train.files) - 1)
    write_features(
        folder,
        dataclasses.replace(
            features,
            train=features.train[1:],
            train_rows=rows,
            train_true=features.train_true[1:],
            train_probabilities=features.train_probabilities[1:],
        ),
    )
    places = np.random.default_rng(0).random((9 + len(rows), 2)).astype(np.float32)
    shares, epoch = np.array([0.4, 0.2], np.float32), features.best_epoch
    write_map(folder, PictureMap({"tsne": places, "pca": places}, shares, 30, 9, epoch, features.stamp))
    said = texts(open_page("map", run=RUN, picture="9"))
    assert f"{train.files[1]} · a training picture" in said
    assert train.files[0] not in said
    at = open_page("map", run=RUN, picture=str(9 + len(rows) - 1))
    assert not at.exception
    assert "a training picture that is gone" in texts(at)
    strips = [e.proto.body for e in open_page("mistakes", run=RUN, show="all", picture="3").get("html")]
    assert not [strip for strip in strips if f"training picture {train.files[0]}" in strip]


def test_another_map_takes_away_the_line_that_was_drawn_on_the_first(runs: Path) -> None:
    at = open_page("map", run=RUN, area="0_0.5000_0.5000_10000.0_10000")
    at.get_by_key("dhc_map_map").set_value("pca").run()
    assert address(at, "map") == "pca"
    assert address(at, "area") is None


def test_the_large_picture_on_mistakes_compares_by_features_where_they_are_kept_and_by_pixels_on_request(
    runs: Path, tiny_data: Path
) -> None:
    from dhc.runs.features import read_features

    features = read_features(runs / RUN)
    assert features is not None
    predictions = read_predictions(runs / RUN)
    at = open_page("mistakes", run=RUN, show="all", picture="3")
    of_class = np.flatnonzero(features.train_true == predictions.y_true[3])
    _, (distances,) = nearest_by_features(features.val[3], features.train[of_class], 6)
    strips = [element.proto.body for element in at.get("html") if "training picture" in element.proto.body]
    for distance in distances:
        assert f"{distance:.3f}</figcaption>" in strips[0]
    at.get_by_key("dhc_nearest_by").set_value("pixels").run()
    strips = [element.proto.body for element in at.get("html") if "training picture" in element.proto.body]
    assert min(float(number) for number in re.findall(r">([\d.]+)</figcaption>", strips[0])) > 5, (
        "pixels are tens apart"
    )
    assert "features are not made yet" in texts(open_page("mistakes", run=BARE, show="all", picture="3"))
