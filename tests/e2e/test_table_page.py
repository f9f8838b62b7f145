"""The table of runs in a real browser: its keys, its names that open, its rows that live, on run folders made by hand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, go, settled, still, visit, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.data.standin.generate import make_dataset
from dhc.runs import rundir

OLD, MIDDLE, LIVE = (f"20260101-00000{n}-vgg16-000{n}" for n in (1, 2, 3))
BY_BEST = "/runs?order=best&q=epochs%3C100"  # all of them: the old one, the one that trains, the middle one
GRID = ".st-key-dhc_runs_table"
HEAD, ROW = 38, 35  # pixels of the heading and of a row


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs, and one that this very process trains."""
    folder = tmp_path_factory.mktemp("table")
    data = folder / "data" / "tiny"
    make_dataset(data, classes=3, train=12, val=30, test=0, seed=1)
    for run_id, accuracy in ((OLD, 0.9), (MIDDLE, 0.5)):
        make_run(folder / "runs", data, run_id=run_id, accuracy=accuracy)
    make_run(folder / "runs", data, run_id=LIVE, epochs=3, accuracy=0.6, how="running", settings={"fit.epochs": 9})
    return folder


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")})


def open_runs(page: Page, server: Server, address: str) -> None:
    """In a session of its own, so that only the address says what is shown."""
    page.goto(server.url + address)
    opened(page)


def opened(page: Page) -> None:
    page.wait_for_selector(f"{GRID} canvas[data-testid=data-grid-canvas]")
    page.wait_for_selector(".dhc-plot[data-drawn]", state="attached")
    settled(page)


def focused(page: Page) -> str:
    """The cell that has the keyboard, ``column-row``; "" outside of the table."""
    text: str = page.evaluate("document.activeElement.id")
    return text.removeprefix("glide-cell-") if text.startswith("glide-cell-") else ""


def selected(page: Page) -> list[str]:
    match = re.search(r"[?&]select=([^&]*)", page.evaluate("location.search"))
    return match[1].replace("%2C", ",").split(",") if match else []


def press(page: Page, key: str, at: str) -> None:
    """Press a key and wait until the keyboard is at a cell."""
    page.keyboard.press(key)
    wait_for(lambda: focused(page) == at, f"{key} leads to the cell {at}, not {focused(page)}")


def cells(page: Page, row: int) -> list[str]:
    """What the table holds in a row, counted from 0, as a screen reader reads it."""
    return page.locator(f"{GRID} [role=gridcell][id$='-{row}']").all_text_contents()


def test_clicks_and_keys_open_rows_wherever_sorting_put_them_and_a_view_is_saved_opened_by_its_link_and_brought_back(
    page: Page, server: Server
) -> None:
    open_runs(page, server, BY_BEST)
    table = page.locator(f"{GRID} canvas[data-testid=data-grid-canvas]")
    box = still(table)
    assert "▶ running 3/9" in cells(page, 1)
    page.mouse.click(box["x"] + 430, box["y"] + HEAD / 2)  # the heading of the best val_accuracy: from the lowest up
    wait_for(lambda: "✓ finished" in cells(page, 0) and "0.5" in " ".join(cells(page, 0)), "sorted")
    page.mouse.click(box["x"] + 80, box["y"] + HEAD + ROW / 2)
    page.wait_for_url(f"**/live?run={MIDDLE}*")
    settled(page)

    page.go_back()  # to the runs as they were filtered and ordered
    page.wait_for_url(lambda url: "/runs?" in url and "order=best" in url and "q=epochs" in url)
    opened(page)
    page.get_by_role("button", name="Select all").focus()
    press(page, "Shift+Tab", "1-0")
    press(page, "ArrowDown", "1-1")
    page.keyboard.press("Space")
    wait_for(lambda: selected(page) == [LIVE], "Space selects")
    settled(page)
    press(page, "ArrowDown", "1-2")
    page.keyboard.press("Space")
    wait_for(lambda: selected(page) == [LIVE, MIDDLE], "Space selects another one, too")
    settled(page)
    page.keyboard.press("Space")
    wait_for(lambda: selected(page) == [LIVE], "and again it does not")
    settled(page)

    inside = f"document.querySelector('{GRID}').contains(document.activeElement)"
    for key, backward in (("Escape", False), ("Tab", False), ("Shift+Tab", True)):
        page.locator(f"{GRID} canvas[data-testid=data-grid-canvas]").focus()
        wait_for(lambda: page.evaluate(inside), "the table has the keyboard again")
        page.keyboard.press(key)
        position = "Node.DOCUMENT_POSITION_" + ("PRECEDING" if backward else "FOLLOWING")
        outside = f"document.querySelector('{GRID}').compareDocumentPosition(document.activeElement) === {position}"
        wait_for(lambda outside=outside: page.evaluate(outside), f"{key} leaves the table")  # type: ignore[misc]

    page.locator(f"{GRID} canvas[data-testid=data-grid-canvas]").focus()
    wait_for(lambda: page.evaluate(inside), "the table has the keyboard once more")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/live?run={MIDDLE}*")

    go(page, BY_BEST)
    opened(page)
    page.get_by_role("button", name="Views").click()
    name = page.get_by_test_id("stPopoverBody").get_by_role("textbox", name="Name")
    name.fill("weak ones")
    name.press("Enter")
    save = page.get_by_role("button", name="Save view")
    expect(save).to_be_enabled()
    settled(page)
    save.click()
    page.wait_for_url(re.compile(r"[?&]view=weak"))

    open_runs(page, server, "/runs?view=weak+ones")  # the link alone brings its filter and its order
    page.wait_for_url(lambda url: "order=best" in url and "q=epochs" in url)
    expect(page.get_by_text("3 runs, 0 selected")).to_be_visible()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Delete this view").click()
    page.wait_for_url(lambda url: "view=" not in url)
    expect(page.get_by_text("3 runs, 0 selected")).to_be_visible()  # what was shown stays
    back = page.get_by_role("button", name="Bring weak ones back")
    settled(page)

    def is_offered() -> bool:
        """Whether it stands in the open box; the rerun may have closed that."""
        if not back.is_visible():
            page.get_by_role("button", name="Views").click()
            page.wait_for_timeout(500)
        return back.is_visible()

    wait_for(is_offered, "the deleted view can be brought back")
    back.click()
    expect(page.get_by_role("combobox", name="View")).to_be_visible()
    expect(back).to_have_count(0)


def test_what_is_tuned_stands_in_sight_one_folder_written_in_two_ways_is_no_difference_and_a_running_run_ticks(
    page: Page, server: Server, root: Path, looks: Callable[..., list[Path]]
) -> None:
    file = root / "runs" / OLD / rundir.CONFIG
    config = json.loads(file.read_text())
    config["data"]["path"] = str(root / "runs" / ".." / "data" / "tiny")
    file.write_text(json.dumps(config))
    visit(page, server, f"/runs?select={LIVE},{OLD}&baseline={OLD}&panel=differences&differences_all=on")
    titles = ["Dropout", "Output dropout", "LR factor", "Patience", "Epochs"]

    def in_sight() -> list[str]:
        """Titles of the settings whose columns the window shows, in their order: the grid has no others."""
        headings = page.locator(f"{GRID} [role=columnheader]").all_text_contents()
        return [title for text in headings for title in titles if text.casefold() == title.casefold()]

    wait_for(lambda: in_sight() == titles, "what is tuned stands in sight, in its order")
    differences = page.get_by_test_id("stDataFrame").nth(1)
    differences.scroll_into_view_if_needed()
    row = differences.locator("[role=row]", has_text="Data folder")
    expect(row.locator("[role=gridcell]")).to_have_text(["Data folder", "data.path", "tiny", "tiny"])

    page.get_by_role("radio", name="Curves").first.click()
    page.wait_for_selector(".dhc-plot[data-drawn]", state="attached")
    looks("table-live")
    page.evaluate(f"document.querySelector('{GRID} canvas').mark = document.querySelector('.stMain').mark = 1")
    events = root / "runs" / LIVE / rundir.EVENTS
    last = [json.loads(line) for line in events.read_text().splitlines() if json.loads(line)["kind"] == "epoch"][-1]
    with events.open("a") as file:
        for epoch in (4, 5):
            record = {**last, "epoch": epoch, "t": time.time(), "val_accuracy": 0.8 + epoch / 100}
            file.write(json.dumps(record) + "\n")
    wait_for(lambda: "▶ running 5/9" in cells(page, 0), "the row counts on", 30)
    assert any(text.startswith("0.85") for text in cells(page, 0)), "and has the new best val_accuracy"
    newest = "plots => plots.some(plot => plot.calcdata?.some(trace => trace.some(point => Math.abs(point.y - 0.85) < 1e-6)))"
    wait_for(lambda: page.locator(".js-plotly-plot").evaluate_all(newest), "its curve has the new epochs", 30)
    assert page.evaluate(f"document.querySelector('{GRID} canvas').mark") == 1, "the table is the same"
    assert selected(page) == [LIVE, OLD]
    expect(page.locator(f"{GRID} [role=row][aria-selected=true]")).to_have_count(2)
