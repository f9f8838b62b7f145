"""A submission from a click in a real browser to the file in its downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, settled, still
from playwright.sync_api import Page, expect

from dhc.config import RunConfig
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.training.knn import classify_and_evaluate

RUN = "20261123-100000-knn-000a"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Server:
    runs = tmp_path_factory.mktemp("runs")
    folder = runs / RUN
    folder.mkdir()
    config = RunConfig().with_values({"model.name": "knn", "data.path": str(tiny_data)})
    rundir.write_json(folder / rundir.CONFIG, config.model_dump())
    rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0, "device": "cpu"})
    classify_and_evaluate(config, folder)
    write_exit(folder, "finished", "all pictures compared", code=0)
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(tiny_data.parent)})


def test_a_click_leads_to_the_file_without_a_further_one(page: Page, server: Server, tiny_data: Path) -> None:
    page.goto(f"{server.url}/runs")
    table = page.get_by_test_id("stDataFrame")
    expect(table).to_be_visible(timeout=60_000)
    settled(page)
    expect(table.locator("canvas[data-testid=data-grid-canvas]")).to_be_visible()  # its script is loaded on demand
    box = still(table)
    page.mouse.click(box["x"] + 18, box["y"] + 52)  # the first row's box
    page.get_by_role("button", name="Submission: answer the test pictures").click()
    offered = page.get_by_role("button", name="Download the submission")
    expect(offered).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        offered.click()
    assert download.value.suggested_filename == f"{RUN}-test.csv"
    written = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    listed = (tiny_data / "test.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in written] == listed
