"""What a person sees of a run that was killed, of a queue that stands still, and of its order: a real server, real trainings."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults.conftest import Bench, until
from harness import Server, settled, still
from networks import plain_network
from playwright.sync_api import Page, expect

from dhc.jobs import launch
from dhc.jobs import queue as queues
from dhc.runs import rundir
from dhc.runs.status import State

pytestmark = pytest.mark.slow
EPOCHS = 16


@pytest.fixture
def bench(tmp_path: Path, tiny_data: Path, forked: None) -> Iterator[Bench]:
    bench = Bench(tmp_path / "runs", plain_network(tiny_data))
    yield bench
    bench.clear()


@pytest.fixture
def server(serve: Callable[..., Server], bench: Bench, tiny_data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(bench.runs_dir), "DHC_DATA_DIR": str(tiny_data.parent)}, forks=True)


def test_a_killed_run_says_so_and_goes_on_at_a_click(
    bench: Bench, server: Server, page: Page, screenshot: Callable[..., Path]
) -> None:
    folder = bench.queue(fit__epochs=EPOCHS)
    page.goto(f"{server.url}/live?run={folder.name}")
    until(lambda: bench.info(folder).epochs_done >= 2, "two epochs")
    os.kill(bench.pid(folder), signal.SIGSTOP)  # it must not end before the page is there
    expect(page.get_by_text(re.compile(rf"Epoch \d+ of {EPOCHS}"))).to_be_visible()
    os.kill(bench.pid(folder), signal.SIGKILL)
    expect(page.get_by_text("Someone, or the system, killed its process")).to_be_visible()
    settled(page)
    screenshot("autopsy")
    page.get_by_role("button", name="Resume at epoch").click()
    expect(page.get_by_text("Finished: all epochs done.")).to_be_visible(timeout=240_000)
    assert bench.info(folder).state is State.FINISHED


def test_a_queue_that_stands_still_goes_on_at_a_click_and_in_another_order(
    bench: Bench, server: Server, page: Page, screenshot: Callable[..., Path]
) -> None:
    folders = []
    for place in range(3):
        folder = rundir.create(bench.runs_dir, "knn")
        rundir.write_json(folder / rundir.CONFIG, bench.config.with_values({"model.name": "knn"}).model_dump())
        rundir.write_json(folder / rundir.REQUEST, {"queued_at": 1.0 + place, "device": "cpu"})
        folders.append(folder)
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text("3 runs wait, but no worker is running")).to_be_visible(timeout=60_000)
    settled(page)
    page.get_by_text("Queue", exact=True).click()
    expect(page.get_by_text("3 runs waiting")).to_be_visible()
    settled(page)
    first = page.locator(f".st-key-dhc_move_first_{folders[2].name} button").first
    still(first)  # the box has opened
    first.click()
    until(lambda: queues.queue(bench.runs_dir, "cpu")[0] == folders[2], "the last one is first", 30)
    expect(first).to_be_disabled()  # the rows have changed their places
    settled(page)
    page.locator(f".st-key-dhc_cancel_{folders[0].name} button").first.click()
    until(lambda: bench.info(folders[0]).state is State.STOPPED, "one is cancelled", 30)
    expect(page.get_by_text("2 runs waiting")).to_be_visible()
    settled(page)
    screenshot("queue")
    page.get_by_role("button", name="Resume the queue").click()
    until(lambda: all(bench.info(f).state is State.FINISHED for f in folders[1:]), "the queue is done")
    ends = [(rundir.read_json(f / rundir.EXIT) or {})["t"] for f in (folders[2], folders[1])]
    assert ends == sorted(ends)
    launch.resume(bench.runs_dir, folders[0].name)
    until(lambda: bench.info(folders[0]).state is State.FINISHED, "the cancelled one, queued again, is done")
