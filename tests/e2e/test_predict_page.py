"""A person's own pictures in a real browser: five bars, two runs beside one another, what the network looked at; many at once."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, settled
from networks import small_network
from playwright.sync_api import Page, expect
from prefork import Prefork
from processes import kill_processes_of

from dhc.data.layout import open_dataset
from dhc.runs.config_file import write_config

RUNS = ("20261126-100000-cnn3-000a", "20261126-110000-cnn3-000b")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path, prefork: Prefork | None) -> Iterator[Path]:
    """Two trained runs of one epoch."""
    folder = tmp_path_factory.mktemp("predict")
    with (folder / "log").open("wb") as log:
        trainings = []
        for seed, run_id in enumerate(RUNS):
            (folder / run_id).mkdir()
            write_config(folder / run_id, small_network(tiny_data).with_values({"fit.epochs": 1, "fit.seed": seed}))
            command = [sys.executable, "-m", "dhc.training", str(folder / run_id)]
            start = subprocess.Popen if prefork is None else prefork.popen
            trainings.append(start(command, stdout=log, stderr=log))
        assert [training.wait(60) for training in trainings] == [0, 0]
    yield folder
    kill_processes_of(folder)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, tiny_data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(tiny_data.parent)}, forks=True)


def test_dropped_pictures_are_answered_by_two_runs_and_what_they_looked_at_is_shown(
    page: Page, server: Server, tiny_data: Path, tmp_path: Path, looks: Callable[..., list[Path]]
) -> None:
    files = sorted(next(tiny_data.rglob(name)) for name in open_dataset(tiny_data).splits["val"].files[:3])
    page.goto(f"{server.url}/predict?run={RUNS[0]}")
    expect(page.get_by_text("Drop a picture on the left")).to_be_visible(timeout=60_000)
    page.locator("input[type=file]").set_input_files(files[0])
    sure = page.get_by_text(re.compile(r"^[<>]?\d+% sure"))
    expect(sure).to_have_count(1, timeout=60_000)
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option").first.click()
    expect(sure).to_have_count(2)
    expect(page).to_have_url(re.compile(f"with={RUNS[1]}"))
    page.keyboard.press("Escape")
    page.get_by_text("What it looked at").click()
    maps = page.get_by_role("img", name=re.compile("^Grad-CAM for "))
    expect(maps).to_have_count(2)
    learned = maps.first.get_attribute("src")
    page.get_by_text("Random weights").click()
    expect(maps.first).not_to_have_attribute("src", learned or "")
    page.get_by_role("radio", name="Occlusion").click()
    expect(page.get_by_role("img", name=re.compile("^Occlusion for "))).to_have_count(2)
    settled(page)
    looks("predict-one")

    (tmp_path / "notes.png").write_text("no picture")
    page.locator("input[type=file]").set_input_files([*files[1:], tmp_path / "notes.png"])
    expect(page.get_by_text("“notes.png”: it is not a picture")).to_be_visible()
    expect(page.get_by_text("3 pictures; click on one to see why.")).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Answers as CSV").click()
    download.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert len(rows) == 3
    assert sum(name.startswith("class") for name in rows[0]) == 2
    page.get_by_role("button", name=re.compile(r"%")).first.click()
    expect(page.get_by_role("dialog").get_by_text("the class it decided for")).to_be_visible()
    assert "Traceback" not in server.log.read_text()
