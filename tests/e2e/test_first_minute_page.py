"""From nothing to a clicked cell, and pictures that are missed made where they are missed, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import ROOT, Server, settled, still
from make_run import make_run
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset

RUN, EXAMPLE = "20260101-000000-vgg16-0001", "20261124-042501-vgg16-747c"
PLOT = ".st-key-dhc_confusion_box .dhc-plot"
COUNT_CLICKS = "addEventListener('click', () => sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1, true)"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An example and a run on three classes; the pictures of neither are there."""
    root = tmp_path_factory.mktemp("first")
    shutil.copytree(ROOT / "runs" / EXAMPLE, root / "runs" / EXAMPLE)
    make_dataset(root / "data" / "pets", classes=3, train=24, val=30, test=6, seed=1)
    make_run(root / "runs", root / "data" / "pets", run_id=RUN, accuracy=0.4)
    shutil.rmtree(root / "data" / "pets")
    yield root
    kill_processes_of(root / "data")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")})


def test_from_nothing_to_a_clicked_cell_in_two_clicks(page: Page, server: Server) -> None:
    page.add_init_script(COUNT_CLICKS)
    page.goto(server.url)
    expect(page.get_by_text("The demo draws pictures of 12 classes")).to_be_visible(timeout=60_000)
    settled(page)
    page.get_by_role("link", name="Confusion").nth(1).click()  # the first is the navigation's, this one the example's
    page.wait_for_selector(f"{PLOT}[data-drawn] .nsewdrag", state="attached", timeout=60_000)
    settled(page)
    still(page.locator(PLOT))
    x, y = page.locator(f"{PLOT} .dhc-plot-area").evaluate(
        """plot => {
          const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.l2p(8), box.y + yaxis._offset + yaxis.l2p(8)];
        }"""
    )
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    expect(page.get_by_role("heading", name="recognised")).to_be_visible()
    page.wait_for_url(lambda url: "cell=8" in url)
    assert page.evaluate("Number(sessionStorage.clicks)") <= 2


def test_missing_pictures_are_made_at_a_click_and_every_tab_fills_itself(
    page: Page, server: Server, root: Path
) -> None:
    address = f"{server.url}/mistakes?run={RUN}"
    page.goto(address)
    expect(page.get_by_role("button", name="Make them")).to_be_visible(timeout=60_000)
    first = page.locator(".tile img").first
    expect(first).to_be_visible()
    blank = first.get_attribute("src")
    settled(page)
    tab = page.context.new_page()
    tab.goto(f"{address}&picture=0")
    large = tab.get_by_role("dialog")
    expect(large.get_by_role("button", name="Make them")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Make them").click()
    for each in (page, tab):
        expect(each.get_by_role("button", name="Make them")).to_have_count(0, timeout=60_000)
    expect(first).not_to_have_attribute("src", blank or "", timeout=60_000)
    expect(page.get_by_text("Everything else on this page still holds")).to_have_count(0)
    expect(large.get_by_text("Nearest training pictures").first).to_be_visible(timeout=60_000)
    assert (root / "data" / "pets" / "train.csv").exists()
    tab.close()
