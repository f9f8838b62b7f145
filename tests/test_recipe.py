"""What a stand-in set is drawn from: known by the fingerprint that a run noted, before a picture of it is drawn."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from dhc.data.about import noted_recipe
from dhc.data.layout import fingerprint, open_dataset
from dhc.data.standin.generate import make_dataset
from dhc.data.standin.pace import START, seconds_to_draw
from dhc.data.standin.recipe import Recipe
from dhc.runs.contract import Environment
from dhc.ui.shell import standin

RUNS = Path(__file__).resolve().parents[1] / "runs"
WHOLE = Recipe().as_dict()


@pytest.mark.parametrize(
    "recipe",
    [Recipe(3, 24, 9, 6, 1), Recipe(6, 30, 12, 0), Recipe(6, 30, 12, 9, 4, only=2)],
    ids=["whole", "without test", "some classes"],
)
def test_a_recipe_has_the_fingerprint_of_what_is_drawn_from_it(tmp_path: Path, recipe: Recipe) -> None:
    make_dataset(tmp_path / "set", **recipe.as_dict())
    dataset = open_dataset(tmp_path / "set")
    assert recipe.fingerprint() == fingerprint(dataset)
    assert recipe.sizes() == {
        name: len(dataset.splits[name].files) if name in dataset.splits else 0 for name in recipe.sizes()
    }
    assert Recipe.noted(noted_recipe(tmp_path / "set")) == recipe


def test_the_pictures_of_each_example_are_known() -> None:
    prints = {Environment.of(folder).data_fingerprint for folder in RUNS.glob("2026*-*-*-*")}
    assert prints == {Recipe().fingerprint()}


@pytest.mark.parametrize(
    "noted",
    [
        {},
        {"classes": 3},
        {**WHOLE, "seed": "0"},
        {**WHOLE, "seed": True},
        {**WHOLE, "more": 1},
        {**WHOLE, "train": 10**12},
        {**WHOLE, "classes": 1},
        {**WHOLE, "only": 97},
        {**WHOLE, "val": -1},
    ],
)
def test_what_is_no_recipe_is_none(noted: dict[str, Any]) -> None:
    assert Recipe.noted(noted) is None


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("stand-in", 0),
        ("stand-in-12", 12),
        ("stand-in-1", None),
        ("stand-in-97", None),
        ("stand-in-", None),
        ("pets", None),
    ],
)
def test_a_folders_name_says_what_the_stand_in_set_in_it_is_drawn_from(name: str, only: int | None) -> None:
    assert standin.recipe_named(name) == (None if only is None else Recipe(only=only))


def test_the_time_that_the_drawing_takes_is_measured_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(6, 200, 60, 0)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.0, 0.0, 0.0))
    expected = seconds_to_draw(recipe) - START
    start = time.process_time()
    make_dataset(tmp_path / "set", **recipe.as_dict())
    assert expected / 4 < time.process_time() - start < expected * 4
    cores = os.cpu_count() or 1
    monkeypatch.setattr(psutil, "getloadavg", lambda: (4.0 * cores, 0.0, 0.0))
    assert seconds_to_draw(recipe) > 4 * (expected + START), "four others on each core"
