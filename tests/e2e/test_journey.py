"""The main job as a newcomer does it: Start the demo → Live → Mistakes → a cell of Confusion. Nothing is imitated."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from harness import Server, form_filled, settled, still, wait_for
from playwright.sync_api import Page, expect
from processes import kill_processes_of, processes_of

from dhc.runs import rundir
from dhc.runs.status import State
from dhc.runs.store import Store

pytestmark = pytest.mark.errand(seconds=150)

FIRST_POINT = 15  # seconds from the click to the first point, as promised on two quiet cores
SLACK = 3  # times longer that a busy machine may take before this is a failure of ours


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    root = tmp_path_factory.mktemp("house")
    yield root / "runs", root / "data"
    kill_processes_of(root)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], folders: tuple[Path, Path]) -> Server:
    runs, data = folders
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(data)}, forked=False)


def test_from_an_empty_house_to_the_pictures_behind_a_cell(
    page: Page,
    server: Server,
    folders: tuple[Path, Path],
    screenshot: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs, data = folders
    page.goto(server.url)
    expect(page.get_by_text("No runs yet")).to_be_visible(timeout=60_000)
    settled(page)
    screenshot("home-empty")

    page.get_by_role("button", name="Start the demo").click()
    click = time.time()
    expect(page.get_by_text("Drawing the stand-in pictures")).to_be_visible()
    page.wait_for_url(re.compile(r"/live\?run="), timeout=60_000)
    rest = str(data / "stand-in")
    wait_for(
        lambda: any(maker.nice() > 0 and rest in maker.cmdline() for maker in processes_of(data)),
        "the other classes are drawn at low priority",
        60,
    )
    kill_processes_of(data / "stand-in")  # they would cost the other tests half a minute
    run_id = page.url.partition("run=")[2]
    store = Store(runs)
    wait_for(lambda: not store.history(run_id).batches.empty, "the first point", FIRST_POINT * SLACK)
    first = store.history(run_id).batches["t"].iloc[0] - click
    with capsys.disabled():
        print(f"\nfirst point {first:.1f} s after the click")
    info = store.run(run_id)
    assert info.config is not None
    assert Path(info.config.data.path) == data / "stand-in-12"
    assert info.title == "Demo"

    wait_for(lambda: store.run(run_id).epochs_done >= 2, "two epochs", 180)
    chart = page.locator('.dhc-plot-area[aria-label^="Accuracy"]')
    expect(chart).to_be_visible()
    points = "element => (element.calcdata ?? []).map(drawn => drawn.length)"
    wait_for(lambda: sum(chart.evaluate(points)) > 2, "more than two points are drawn")
    before = chart.evaluate(points)
    page.wait_for_function(
        "([s, n]) => document.querySelector(s)?.calcdata?.[0]?.length > n",
        arg=['.dhc-plot-area[aria-label^="Accuracy"]', before[0]],
        timeout=120_000,
    )
    expect(page.get_by_text(re.compile(r"Epoch \d+ of 10, about .* left"))).to_be_visible()
    expect(page.get_by_text("epochs without a better val_accuracy")).to_be_visible()
    wait_for(lambda: store.run(run_id).epochs_done >= 6, "six epochs", 240)
    screenshot("live-running")

    wait_for(lambda: store.run(run_id).state is State.FINISHED, "the run finishes", 400)
    with capsys.disabled():
        print(f"finished {time.time() - click:.0f} s after the click")
    expect(page.get_by_text("Finished: all epochs done.")).to_be_visible()
    info = store.run(run_id)
    assert info.best_val_accuracy is not None
    assert info.best_val_accuracy >= 5 / 12, "five times chance on twelve classes"

    page.get_by_role("link", name="Mistakes").first.click()
    page.wait_for_url(re.compile(r"/mistakes\?run="))
    expect(page.get_by_text(re.compile(r"\d+ of [\d,]+ val pictures"))).to_be_visible(timeout=60_000)
    settled(page)
    screenshot("mistakes")

    page.get_by_role("link", name="Confusion").first.click()
    page.wait_for_url(re.compile(r"/confusion\?run="))
    matrix = page.locator(".dhc-plot-area").first
    page.wait_for_selector(".dhc-plot[data-drawn]", timeout=60_000)
    settled(page)
    still(matrix)
    corner = """plot => {
        const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
        return [box.x + xaxis._offset + xaxis.l2p(0), box.y + yaxis._offset + yaxis.l2p(0)];
    }"""
    x, y = matrix.evaluate(corner)  # the first class, rightly predicted
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    page.wait_for_url(re.compile(r"cell=0(,|%2C)0"))
    page.wait_for_selector(".tile")
    settled(page)
    screenshot("confusion")
    assert json.loads((runs / run_id / rundir.EXIT).read_text())["how"] == "finished"
    maps = Path(f"/proc/{server.process.pid}/maps")
    if maps.exists():  # Linux: what the server has ever loaded
        assert "site-packages/tensorflow" not in maps.read_text()


def test_stop_on_the_live_page_ends_the_process_and_keeps_the_network(
    page: Page, server: Server, folders: tuple[Path, Path]
) -> None:
    runs, data = folders
    assert (data / "stand-in-12" / "train.csv").exists(), "the journey before this made the pictures"
    page.goto(f"{server.url}/train")
    epochs = page.get_by_label("Epochs", exact=True)
    form_filled(page)
    epochs.fill("3")
    epochs.press("Enter")
    expect(page.get_by_text("for 3 epochs")).to_be_visible()
    page.get_by_role("button", name="Quick demo").click()
    expect(epochs).to_have_value("10")  # else it would overwrite what is typed next
    epochs.fill("500")
    epochs.press("Enter")
    expect(page.get_by_text("for 500 epochs")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/live\?run="), timeout=60_000)
    run_id = page.url.partition("run=")[2]
    store = Store(runs)
    wait_for(lambda: store.run(run_id).epochs_done >= 1, "an epoch", 180)
    told = rundir.read_json(runs / run_id / rundir.PROCESS)
    assert told is not None
    page.get_by_role("button", name="Stop", exact=False).first.click()
    page.get_by_role("button", name="Stop now").click()
    asked = time.monotonic()
    wait_for(lambda: not psutil.pid_exists(told["child"]["pid"]), "the process is gone", 20 * SLACK)
    print(f"gone {time.monotonic() - asked:.1f} s after the click")
    expect(page.get_by_text("Stopped. You, or someone else, stopped it.")).to_be_visible()
    assert (runs / run_id / rundir.BEST).is_file()
    assert store.run(run_id).config is not None
    assert store.run(run_id).epochs_total == 500
