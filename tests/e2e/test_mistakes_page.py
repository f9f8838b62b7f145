"""The Mistakes screen in a real browser against a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from folders import write_folder
from harness import Server, fits, settled, still, visit, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.analysis.mistakes import outcomes, select_rows
from dhc.data.standin.generate import make_dataset
from dhc.runs.predictions import read_predictions

RUN, HOSTILE = "20261123-100000-vgg16-000a", "20261123-100000-vgg16-000b"
NAMES = (
    "<img src=x onerror=\"document.body.dataset.hacked='1'\">",
    "</script><b>bold</b>",
    "![](http://example.com/a.png) **b** $x$ :red[r]",
    "x" * 300,
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("mistakes")
    make_dataset(root / "data", classes=24, train=240, val=300, test=24, processes=1)
    make_run(root / "runs", root / "data", run_id=RUN, accuracy=0.6, epochs=20, best_epoch=17)
    write_folder(root / "hostile", {"train": NAMES * 3, "val": NAMES * 4})
    make_run(root / "runs", root / "hostile", run_id=HOSTILE, accuracy=0.4)
    return root / "runs"


@pytest.fixture(scope="module")
def table(runs: Path) -> pd.DataFrame:
    return outcomes(read_predictions(runs / RUN))


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(runs.parent)})


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def open_mistakes(page: Page, server: Server, address: str) -> None:
    visit(page, server, f"/mistakes?{address}")
    page.wait_for_selector(".tile", timeout=60_000)
    settled(page)


def files(page: Page) -> list[str]:
    return [
        title.split(":")[0] for title in page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.title)")
    ]


def test_a_picture_opens_and_the_arrow_keys_lead_on(
    page: Page, server: Server, table: pd.DataFrame, looks: Callable[..., list[Path]]
) -> None:
    wrong = select_rows(table)
    open_mistakes(page, server, f"run={RUN}")
    page.locator(".tile").nth(3).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"4 of {len(wrong)} listed")
    expect(dialog).to_contain_text(wrong["id"].iloc[3])
    expect(dialog.locator("figure img")).to_have_count(12)
    expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(2)
    settled(page)

    def check() -> None:
        box = still(dialog)
        assert box["y"] + box["height"] <= 900, "the whole picture, its bars and its neighbours fit a screen"

    looks("picture", check=check)

    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text(wrong["id"].iloc[4])
    page.keyboard.press("ArrowLeft")
    expect(dialog).to_contain_text(wrong["id"].iloc[3])
    settled(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_url(lambda url: "picture=" not in url)
    expect(page.locator(".tile[aria-pressed=true]")).to_have_count(1)
    fits(page)


def test_closing_leads_to_the_page_of_the_picture_that_was_open_last(
    page: Page, server: Server, table: pd.DataFrame
) -> None:
    wrong = select_rows(table)
    open_mistakes(page, server, f"run={RUN}&picture={wrong['index'].iloc[47]}")
    expect(page.get_by_role("dialog")).to_contain_text("48 of")
    settled(page)  # its buttons, which take the keys, are drawn after these words
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog")).to_contain_text("49 of")
    settled(page)
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "page=2" in url and "picture=" not in url)
    expect(page.locator(".tile").first).to_have_attribute("aria-pressed", "true")
    wait_for(lambda: files(page)[0] == wrong["id"].iloc[48], "the page begins with the picture that was open last")


def test_a_filtered_view_can_be_sent_as_a_link(page: Page, server: Server, table: pd.DataFrame) -> None:
    true = int(select_rows(table)["true"].mode()[0])
    rows = select_rows(table, true=true, sort="loss")
    open_mistakes(page, server, f"run={RUN}")
    box = page.get_by_role("combobox", name="True class")
    box.click()
    box.press_sequentially(rows["true_name"].iloc[0])
    box.press("Enter")
    expect(page.locator(".tile")).to_have_count(len(rows))
    page.get_by_text("By loss").click()
    page.wait_for_url(lambda url: "sort=loss" in url)
    wait_for(lambda: files(page) == rows["id"].tolist(), "the pictures are listed by loss")
    settled(page)
    tab = page.context.new_page()
    tab.goto(page.url)
    expect(tab.locator(".tile")).to_have_count(len(rows), timeout=60_000)
    assert files(tab) == rows["id"].tolist()
    expect(tab.get_by_text(f"{len(rows)} match.")).to_be_visible()
    tab.close()
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator(".tile")).to_have_count(48)


def test_pages_turn(page: Page, server: Server, table: pd.DataFrame) -> None:
    wrong = select_rows(table)
    open_mistakes(page, server, f"run={RUN}")
    page.get_by_test_id("stPagination").first.get_by_text("2", exact=True).click()
    page.wait_for_url(lambda url: "page=2" in url)
    wait_for(lambda: files(page) == wrong["id"].iloc[48:96].tolist(), "the second page is shown")


def test_hostile_class_names_are_text(page: Page, server: Server) -> None:
    open_mistakes(page, server, f"run={HOSTILE}")
    expect(page.locator(".tile .caption").filter(has_text="<img src=").first).to_be_visible()
    box = page.get_by_role("combobox", name="True class")
    box.click()
    expect(page.get_by_role("option").filter(has_text="</script><b>bold</b>")).to_be_visible()
    box.press("Escape")
    page.locator(".tile").first.click()
    dialog = page.get_by_role("dialog")
    for n in range(4):
        expect(dialog).to_contain_text(f"{n + 1} of")
        expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(2)
        settled(page)
        assert dialog.locator("b, img[src='x'], img[src*='example.com']").count() == 0
        page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("5 of")
    settled(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_url(lambda url: "picture=" not in url)
    assert page.evaluate("document.body.dataset.hacked") is None


def test_the_first_row_of_pictures_stands_in_the_first_screen_and_no_row_of_a_page_is_torn(
    page: Page, server: Server
) -> None:
    open_mistakes(page, server, f"run={RUN}")
    expect(page.locator(".tile")).to_have_count(48)
    for width, height in ((853, 480), (1280, 720), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        fits(page)

        def holds(height: int = height) -> bool:
            box = still(page.locator(".tile .frame").first)
            tops = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.offsetTop)")
            return box["y"] + box["height"] <= height and tops.count(tops[0]) == tops.count(tops[-1])

        wait_for(holds, "the first row stands in the first screen, and no row is torn")
        expect(page.locator(".tile")).to_have_count(48)
