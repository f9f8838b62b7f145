"""The Data page in a real browser: pages, a search, a picture by keys and by its link, the classes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, go, settled, visit
from playwright.sync_api import Page, expect

from dhc.data.layout import open_dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    folder = tmp_path_factory.mktemp("look")
    shutil.copytree(eight_classes, folder / "data" / "eight")
    return folder


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    folders = {"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}
    return serve("app.py", env={**folders, "XDG_CACHE_HOME": str(root / "cache")})


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def test_pictures_are_paged_searched_opened_and_linked_to(
    page: Page, server: Server, root: Path, looks: Callable[..., list[Path]]
) -> None:
    files = open_dataset(root / "data" / "eight").splits["train"].files
    visit(page, server, "/data")
    expect(page.get_by_text("160 train pictures")).to_be_visible(timeout=60_000)
    expect(page.get_by_title(files[0])).to_be_visible()
    page.locator("[class*='st-key-dhc_pictures_page_top'] button", has_text="3").click()
    page.wait_for_url(re.compile("page=3"))
    expect(page.get_by_title(files[120])).to_be_visible()
    expect(page.get_by_title(files[0])).to_have_count(0)
    looks("data-pictures")

    page.get_by_title(files[121]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(files[121])).to_be_visible()
    expect(dialog.get_by_text("122 of 160 listed")).to_be_visible()
    expect(dialog.locator("figure img")).to_have_count(6)
    settled(page)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("123 of 160 listed")).to_be_visible()
    page.wait_for_url(re.compile(re.escape(Path(files[122]).name)))
    settled(page)
    link = page.url

    go(page, "/data?split=val")
    expect(page.get_by_text("200 val pictures")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("dialog").get_by_text(files[122])).to_be_visible()
    settled(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_title(files[120])).to_be_visible()

    settled(page)
    search = page.get_by_label("File name")
    search.fill(Path(files[7]).stem)
    search.press("Enter")
    expect(page.get_by_text("1 of 160 train pictures")).to_be_visible()
    expect(page.get_by_title(files[7])).to_be_visible()
    assert "page=" not in page.url


def test_a_class_is_found_and_leads_to_its_pictures(
    page: Page, server: Server, root: Path, looks: Callable[..., list[Path]]
) -> None:
    name = open_dataset(root / "data" / "eight").classes[5]
    visit(page, server, "/data?view=classes")
    expect(page.get_by_title(f"{name}: the mean of")).to_be_visible(timeout=60_000)
    settled(page)
    looks("data-classes")
    page.get_by_title(f"{name}: the mean of").click()
    expect(page.get_by_text(re.compile(r"^\d+ of 160 train pictures"))).to_be_visible()
    page.wait_for_url(re.compile("class=5"))
    settled(page)
