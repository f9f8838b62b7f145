"""The Network screen without a browser: from the plan alone, of a run that has no network, in a read-only view, and the links that lead there."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import add_health, make_run
from screens import address, click, open_page, page_links, texts

from dhc.analysis.network import network_layers
from dhc.figures import network
from dhc.files import gate
from dhc.models.ladder import RUNGS, plan_of
from dhc.runs import rundir
from dhc.ui.manage import layers as strip
from dhc.ui.network.units import framed, nine

RUN = "20260101-000000-cnn3-0001"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> Path:
    monkeypatch.setenv("DHC_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("DHC_DATA_DIR", str(tiny_data.parent))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def layer_names(at: Any) -> list[str]:
    return at.dataframe[0].value["Layer"].tolist()


def test_every_network_of_the_ladder_is_drawn_with_a_block_for_each_layer_and_room_for_its_label() -> None:
    for rung in RUNGS.values():
        layers = network_layers(plan_of(rung.config(), 96)) if rung.config().trains_network else ()
        blocks = network.blocks(layers)
        assert [block.place for block in blocks[1:]] == [layer.place for layer in layers if layer.kind in network.DRAWN]
        room = [after.middle - before.middle for before, after in itertools.pairwise(blocks)]
        assert all(distance >= 0.99 * network.ROOM for distance in room)
        for before, after in itertools.pairwise(blocks):
            assert before.left + before.width + before.depth <= after.left, "no block hides another"
        sides = {block.height: layers[block.place].shape[0] for block in blocks[1:] if layers[block.place].has_maps}
        assert sorted(sides, reverse=True) == sorted(sides, key=lambda height: -sides[height]), "higher is larger"


def test_a_skip_is_told_and_drawn_from_the_layer_that_it_takes_to_where_it_is_added() -> None:
    layers = network_layers(plan_of(RUNGS["cnn9-skip"].config(), 96))
    (add,) = [layer for layer in layers if layer.kind == "add"]
    assert add.skipped is not None
    assert (layers[add.skipped].name, add.words) == ("prelu 5", "a skip: added to it, the output of prelu 5")
    assert layers[add.place - 1].name == "prelu 7"
    ends = {block.label.partition("<br>")[0]: block.middle for block in network.blocks(layers)}
    (arc,) = [shape for shape in network.drawing(layers).layout.shapes if " C" in (shape.path or "")]
    assert arc.path.startswith(f"M{ends['conv 5']},")
    assert f" {ends['add']}," in arc.path


@pytest.mark.pages
def test_a_network_is_shown_from_its_settings_alone_and_what_does_not_fit_is_refused(runs: Path) -> None:
    at = open_page("network")
    assert "No run has a network yet" in texts(at)
    at = open_page("network", plan="form", preset="cnn5", width="0.5", classes="7", bn_momentum="no")
    assert not at.exception
    assert "5 conv + 3 dense" in texts(at)
    assert "7 classes" in texts(at)
    assert "momentum = “no”, which does not fit" in at.toast[0].value.replace("\\", "")
    assert layer_names(at)[:4] == ["rescale", "conv 1", "norm 1", "pool 1"]
    assert at.dataframe[0].value["Output"].tolist()[-1] == "7"
    assert "width=0.5" in page_links(at)["Train it"]
    click(at, "dhc_network_drawing", {"customdata": 9})
    assert address(at, "layer") == layer_names(at)[9] == "conv 3"
    at = open_page("network", plan="form", preset="cnn5", view="maps")
    assert "Its weights come with training" in texts(at)
    at = open_page("train")
    assert "plan=form" in page_links(at)["Look at this network"]


@pytest.mark.pages
def test_of_a_run_without_its_network_the_table_stands_and_links_from_other_screens_name_layer_and_picture(
    runs: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(runs, tiny_data, run_id=RUN, epochs=3, settings={"model.name": "cnn3"})
    at = open_page("network", run=RUN, view="maps")
    assert not at.exception
    assert "no network to look into yet" in texts(at)
    assert "Feature maps of this picture" not in page_links(open_page("mistakes", run=RUN, picture="1"))
    add_health(folder, [1, 2, 3])
    (folder / rundir.BEST).write_bytes(b"no network, but there")
    assert (
        "view=maps&picture=1" in page_links(open_page("mistakes", run=RUN, picture="1"))["Feature maps of this picture"]
    )
    live = open_page("live", run=RUN)
    live.session_state[strip.KEY + "box"] = True
    live.session_state[strip.KEY + f"cell_{RUN}"] = ("conv 1", 1)
    live.run()
    assert "layer=conv+1&view=maps" in page_links(live)["Look at this layer"]
    (folder / rundir.STATES / "epoch-00002").mkdir(parents=True)
    at = open_page("network", run=RUN, layer="conv 9", epoch="7", picture="99", page="0")
    assert not at.exception
    assert layer_names(at)[:2] == ["resize", "rescale"], "what does not fit in an address counts as missing"
    torn = runs / "20260101-000000-cnn3-0002"
    torn.mkdir()
    (torn / rundir.CONFIG).write_text('{"torn": ', encoding="utf-8")
    at = open_page("network", run=torn.name)
    assert not at.exception
    assert "does not hold a run's settings" in texts(at)
    monkeypatch.setattr(gate, "is_shut", lambda: True)
    at = open_page("network", run=RUN, view="units")
    assert "This view asks no network" in texts(at)
    assert at.select_slider[0].options == ["epoch 2", "epoch 3, the best"]


@pytest.mark.pages
def test_nearest_neighbours_have_no_network_wherever_an_address_asks_for_it(runs: Path, tiny_data: Path) -> None:
    make_run(runs, tiny_data, run_id=RUN, epochs=3, settings={"model.name": "cnn3"})
    neighbours = make_run(runs, tiny_data, run_id="20260101-000000-knn-0001", settings={"model.name": "knn"}).name
    for name, value in (("preset", "knn"), ("model", "knn"), ("like", neighbours)):
        at = open_page("network", plan="form", **{name: value})
        assert "Something of ours" not in texts(at)
        assert f"{name} = “{value}”, which" in at.toast[0].value.replace("\\", "")
        assert " conv + " in texts(at), "of the default preset"
    assert "has no network: choose another one" in texts(open_page("network", run=neighbours))
    assert "has no network to ask: choose another one" in texts(open_page("predict", run=neighbours))


def test_a_frame_is_drawn_around_what_a_unit_sees_and_nine_pictures_make_a_sheet() -> None:
    layers = network_layers(plan_of(RUNGS["cnn3"].config(), 3))
    conv = next(layer for layer in layers if layer.name == "conv 1")
    image = np.full((64, 64, 3), 100, np.uint8)
    row, column = 3, 10
    changed = np.argwhere((framed(image, conv, row * conv.shape[1] + column, scale=2) != 100).any(axis=-1))
    assert changed.min(axis=0).tolist() == [2 * 2 * row, 2 * 2 * column], (
        "the first pixel of two that make one, twice as large"
    )
    assert (changed.max(axis=0) + 1).tolist() == [2 * (2 * row + 6), 2 * (2 * column + 6)]
    sheet = nine([np.full((64, 64, 3), 10 * number, np.uint8) for number in range(5)])
    assert [int(sheet[33 * (n // 3), 33 * (n % 3), 0]) for n in range(9)] == [0, 10, 20, 30, 40, 128, 128, 128, 128]
