"""Choosing by hand in a real browser, with real trainings: sweep, group, chart, two runs, real or noise, flip board, a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, form_filled, settled, still, wait_for
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset
from dhc.runs.status import State
from dhc.runs.store import Store

pytestmark = pytest.mark.errand(seconds=70)

# A network of a thirty-second of the width, quick to begin learning; patience 1, so that each factor soon goes its own way.
FORM = (
    "epochs=8&patience=1&conv_dropout=0&width=0.03125&learning_rate=0.01&batch_size=16&vary=factor&factor=0.1,0.5,0.9"
)
ROW = 35  # pixels of a table's row


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four classes of small numbers, so that a training takes seconds."""
    folder = tmp_path_factory.mktemp("choosing")
    make_dataset(folder / "data" / "tiny", classes=4, train=160, val=80, test=8, seed=1)
    yield folder
    kill_processes_of(folder / "runs")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


def tick(page: Page, row: int) -> None:
    """Click the checkbox of a row of the runs' table, counted from 1; the table is a canvas."""
    table = page.locator(".st-key-dhc_runs_table canvas[data-testid=data-grid-canvas]")
    table.scroll_into_view_if_needed()
    box = still(table)
    page.mouse.click(box["x"] + 15, box["y"] + ROW * row + ROW / 2)


def open_panel(page: Page, name: str, title: str) -> None:
    page.get_by_role("radio", name=title).click()
    page.wait_for_url(f"**panel={name}**")
    settled(page)


def selected(page: Page) -> list[str]:
    """The runs that the address selects."""
    match = re.search(r"[?&]select=([^&]*)", page.evaluate("location.search"))
    return match[1].replace("%2C", ",").split(",") if match else []


def test_from_a_sweep_of_three_factors_to_a_picture_on_which_two_runs_differ(
    page: Page, server: Server, root: Path, screenshot: Callable[..., Path]
) -> None:
    page.goto(f"{server.url}/train?{FORM}")
    form_filled(page)
    expect(page.locator(".st-key-dhc-sweep-plan")).to_contain_text("3 runs, one after the other, on the CPU")
    page.get_by_role("button", name="Start 3 runs").first.click()

    page.wait_for_url("**/runs?*group=factor*", timeout=60_000)
    group = page.locator(".st-key-dhc-group-0")
    expect(group.get_by_role("progressbar")).to_be_visible(timeout=60_000)
    page.wait_for_function(  # without a reload; the words and the bar of one moment
        """() => {
          const group = document.querySelector('.st-key-dhc-group-0'), bar = group?.querySelector('[role=progressbar]');
          const share = Number(bar?.getAttribute('aria-valuenow'));
          return /[12] of 3 runs ended/.test(group?.textContent) && share > 0 && share < 100;
        }""",
        timeout=240_000,
    )
    screenshot("choosing-group")
    expect(group).to_contain_text("3 of 3 runs ended", timeout=240_000)
    runs = Store(root / "runs").runs()
    assert [info.state for info in runs] == [State.FINISHED] * 3

    page.get_by_role("button", name="Select all").first.click()
    page.wait_for_url("**select=**")
    open_panel(page, "settings", "Settings")
    page.get_by_role("radio", name="LR factor").click()
    page.wait_for_url("**settings_view=factor**")
    expect(page.locator(".dhc-plot[data-drawn] .scatterlayer .point")).not_to_have_count(0)
    settled(page)
    screenshot("choosing-factors", whole=True)

    page.get_by_role("button", name="Select none").first.click()
    page.wait_for_function("!location.search.includes('select=')")
    settled(page)
    for row, count in ((1, 1), (3, 2)):
        tick(page, row)
        wait_for(lambda count=count: len(selected(page)) == count, f"{count} selected")  # type: ignore[misc]
        settled(page)
    assert selected(page) == [runs[0].id, runs[2].id]

    open_panel(page, "noise", "Real or noise?")
    expect(page.get_by_role("heading", name=re.compile("^With 80 pictures"))).to_be_visible()
    screenshot("choosing-noise", whole=True)

    open_panel(page, "flips", "Flip board")
    page.wait_for_selector(".dhc-plot[data-drawn] .nsewdrag", state="attached", timeout=60_000)
    settled(page)
    screenshot("choosing-flips", whole=True)
    page.locator(".st-key-dhc_flips_box .tile").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img").first).to_be_visible()
    width = "image => image.getBoundingClientRect().width"
    wait_for(lambda: dialog.locator("img").first.evaluate(width) >= 128, "it stands at twice its size or more")
    expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(2)
    screenshot("choosing-picture")
