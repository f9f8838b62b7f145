"""Runs are known by what people tune, and Live and Home begin with the one that trains, in a real browser."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ROOT, Server, settled, visit
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.config import RunConfig
from dhc.jobs.launch import launch_all

FACTORS = (0.3, 0.5, 0.9)
EXAMPLE = "20261124-042501-vgg16-747c"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A sweep of four: one trains, three wait; and a run of before."""
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder, tiny_data, epochs=3, run_id="20260101-000000-vgg16-000a")
    started = time.strftime("%Y%m%d-%H%M%S", time.localtime(time.time() - 60))
    settings = {"schedule.factor": 0.1, "fit.epochs": 4}
    make_run(folder, tiny_data, epochs=4, run_id=f"{started}-vgg16-000b", how="running", settings=settings)
    shutil.copytree(ROOT / "runs" / EXAMPLE, folder / EXAMPLE)
    base = RunConfig().with_values({"data.path": str(tiny_data), "fit.epochs": 4})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dhc.jobs.launch.start_worker", lambda *_: None)
        launch_all([base.with_values({"schedule.factor": factor}) for factor in FACTORS], folder)
    return serve("app.py", env={"DHC_RUNS_DIR": str(folder), "DHC_DATA_DIR": str(tiny_data.parent)})


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def test_live_opens_what_trains_and_its_list_tells_runs_apart(page: Page, server: Server) -> None:
    visit(page, server, "/live")
    box = page.get_by_role("combobox", name="Run")
    expect(box).to_have_value(re.compile("factor 0.1.* · running · best"), timeout=60_000)
    settled(page)
    box.click()
    options = page.get_by_role("option")
    expect(options).to_have_count(6)
    texts = options.all_inner_texts()
    assert len(set(texts)) == 6
    assert texts.pop(4).startswith("VGG16, ReduceLROnPlateau (final model) · finished"), (
        "an example has its step's name"
    )
    for text, factor, state in zip(texts, (0.1, *FACTORS, 0.8), ("running", *["queued"] * 3, "finished"), strict=True):
        assert f"factor {factor:g}" in text
        assert state in text


def test_home_lists_what_trains_first(page: Page, server: Server) -> None:
    visit(page, server, "/")
    expect(page.get_by_text("Running now")).to_be_visible(timeout=60_000)
    settled(page)
    text = page.locator("[data-testid=stMain]").inner_text()
    places = [text.index(f"factor {factor:g}") for factor in (0.1, *FACTORS, 0.8)]
    assert places == sorted(places)
    page.get_by_role("link", name="factor 0.5").click()  # a click on a name opens the run
    page.wait_for_url("**/live?run=*")
    expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile("factor 0.5.* · queued"))
