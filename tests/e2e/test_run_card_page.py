"""A run is named, tagged, starred, deleted and brought back in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, settled, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.runs import rundir
from dhc.runs.labels import read_labels

RUN, OTHER = "20261123-100000-vgg16-000a", "20261123-100000-vgg16-000b"


@pytest.fixture(scope="module")
def runs(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, tiny_data, epochs=4, run_id=RUN)
    stopped = make_run(folder, tiny_data, epochs=3, how="stopped", run_id=OTHER)
    state = stopped / rundir.RESUME / "epoch-00002"
    state.mkdir(parents=True)
    (state / "state.npz").write_bytes(os.urandom(2_000_000))
    return folder


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, tiny_data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(tiny_data.parent)})


def test_a_run_is_named_tagged_starred_deleted_and_brought_back(
    page: Page, server: Server, runs: Path, looks: Callable[..., list[Path]]
) -> None:
    name, tag = "the good one", "night"
    page.goto(f"{server.url}/runs?select={RUN}&storage=open")
    card = page.locator(".st-key-dhc-run-card")
    expect(card).to_be_visible(timeout=60_000)
    settled(page)
    card.get_by_text("Name, tags, note").click()  # folded, so that the curves stand in the first screen
    card.get_by_label("Name").fill(name)
    card.get_by_label("Name").press("Enter")
    expect(card.get_by_text(name, exact=True)).to_be_visible()
    settled(page)
    card.get_by_label("Tags").fill(tag)
    card.get_by_label("Tags").press("Enter")
    wait_for(lambda: tag in read_labels(runs / RUN).tags, "the tag is kept")
    settled(page)
    star = page.locator(".st-key-dhc_labels_star button:visible").first
    star.click()
    wait_for(lambda: read_labels(runs / RUN).star, "the star is given")
    expect(star.get_by_text("★ Starred")).to_have_count(1)
    settled(page)
    labels = read_labels(runs / RUN)
    assert (labels.name, tag in labels.tags) == (name, True)
    looks("run-card", whole=True)
    page.locator(".st-key-dhc_run_card_delete_asks button:visible").first.click()
    page.locator(".st-key-dhc_run_card_delete button:visible").first.click()
    undo = page.locator(".st-key-dhc_undo_undo button:visible").first
    expect(undo).to_be_visible()
    expect(card).to_have_count(0)
    settled(page)
    wait_for(lambda: not (runs / RUN).exists(), "the run is gone")
    expect(undo).to_be_in_viewport()
    looks("run-deleted", whole=True)
    undo.click()
    expect(card.get_by_text(name, exact=True)).to_be_visible()
    wait_for((runs / RUN).exists, "the run is back")
    assert read_labels(runs / RUN) == labels
