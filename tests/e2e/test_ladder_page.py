"""The Ladder screen in a real browser against a real server, with real training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, settled, still
from make_run import make_run
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset
from dhc.models.ladder import RUNGS
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.store import Store

pytestmark = pytest.mark.errand(seconds=45)

LIVE = "cnn7"  # the rung that is made to train while a person looks


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data set, a run of each network's rung, that of LIVE still training, and an experiment of three factors."""
    folder = tmp_path_factory.mktemp("ladder")
    make_dataset(folder / "data" / "tiny", classes=3, train=24, val=9, test=6, seed=1)
    for number, (name, rung) in enumerate(RUNGS.items()):
        if name != "knn":
            # The CPU must be free for the rung that the page is to start.
            state = {"how": "running", "device": "gpu:0"} if name == LIVE else {"how": "finished", "device": "cpu"}
            run_id, settings = f"20260101-0000{number:02d}-step-000a", dict(rung.marks)
            accuracy, data = min(8, number) / 9, folder / "data" / "tiny"
            make_run(folder / "runs", data, run_id=run_id, settings=settings, accuracy=accuracy, **state)
    for number, value in enumerate((0.3, 0.5, 0.8)):
        settings = {"data.classes": 2, "schedule.patience": 2, "schedule.factor": value}
        run_id = f"20260101-0001{number:02d}-factor-000a"
        make_run(folder / "runs", folder / "data" / "tiny", run_id=run_id, settings=settings)
    yield folder
    kill_processes_of(folder / "runs")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


def open_ladder(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/ladder")
    expect(page.locator(".dhc-plot[data-drawn]")).to_have_count(2, timeout=60_000)
    settled(page)


def row(name: str) -> str:
    return f".st-key-dhc-rung-{name}"


def test_differences_stay_open_bars_and_dots_lead_to_runs_and_rungs_that_are_run_or_end_are_shown_without_a_reload(
    page: Page, server: Server, root: Path, looks: Callable[..., list[Path]]
) -> None:
    open_ladder(page, server)
    page.locator(row("vgg16")).get_by_role("button", name="Differences").click()
    table = page.get_by_role("table")
    expect(table).to_contain_text("schedule.factor")
    page.wait_for_timeout(4000)  # longer than the time between two looks
    expect(table).to_contain_text("schedule.factor")
    looks("ladder", whole=True)

    for chart, trace, run in ((0, ".bars .point path", "step"), (1, ".scatter .point", "factor")):
        place = page.locator(".dhc-plot").nth(chart)
        place.scroll_into_view_if_needed()
        box = still(place.locator(trace).first)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_url(f"**/live?run=*-{run}-000a", timeout=60_000)
        expect(page.get_by_role("heading", name="Live")).to_be_visible()
        page.go_back()
        expect(page.locator(".dhc-plot[data-drawn] .bars")).to_have_count(1, timeout=60_000)
        settled(page)

    page.get_by_role("button", name="Run the missing rung").click()
    expect(page.get_by_text("Every rung is measured or under way")).to_be_visible()
    expect(page.locator(row("knn"))).to_contain_text("finished", timeout=120_000)

    expect(page.locator(row(LIVE))).to_contain_text("so far")
    store = Store(root / "runs")
    (run,) = [info for info in store.runs() if info.config is not None and info.config.model.name == LIVE]
    summary = {"epochs": 6, "best_epoch": 6, "best_val_accuracy": 0.987, "seconds": 60.0}
    rundir.write_json(run.folder / rundir.SUMMARY, summary)
    write_exit(run.folder, "finished", "all epochs done", code=0)
    expect(page.locator(row(LIVE))).to_contain_text("0.987")
    assert json.loads((run.folder / rundir.EXIT).read_text())["how"] == "finished"
