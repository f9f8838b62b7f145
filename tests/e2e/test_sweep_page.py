"""A sweep in a real browser: set up on Train, started, watched by its group's bar on Runs until it has ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, form_filled, settled, visit
from make_run import make_run
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset
from dhc.runs.contract import write_exit
from dhc.runs.store import Store

BUSY = "20260101-000000-vgg16-000a"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data set on which nearest neighbours take a moment."""
    folder = tmp_path_factory.mktemp("sweep")
    make_dataset(folder / "data" / "tiny", classes=3, train=60, val=30, test=6, seed=1)
    yield folder
    kill_processes_of(folder / "runs")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def choose(page: Page, *settings: str) -> None:
    """Switch the Train page to a sweep of these settings."""
    page.get_by_role("radio", name="Sweep").click()
    box = page.get_by_label("Settings that vary")
    box.click()
    for title in settings:
        box.fill(title)
        page.get_by_role("option", name=title, exact=True).click()
        expect(page.locator(".st-key-dhc-sweep").get_by_label(re.compile(f"^{title}")).first).to_be_visible()
        settled(page)
    page.keyboard.press("Escape")
    settled(page)


def write(page: Page, title: str, text: str) -> None:
    field = page.locator(".st-key-dhc-sweep").get_by_role("textbox", name=title)
    field.fill(text)
    field.press("Tab")


def test_three_values_become_three_runs_and_the_bar_of_their_group_moves_to_its_end(
    page: Page, server: Server, root: Path, screenshot: Callable[..., Path]
) -> None:
    visit(page, server, "/train")
    form_filled(page)
    page.get_by_role("button", name="A step of the report's ladder").click()
    page.get_by_role("button", name="k nearest neighbours").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Start comparing")).to_be_visible()
    choose(page, "Neighbours k")
    write(page, "Neighbours k", "1..5 step 2")
    plan = page.locator(".st-key-dhc-sweep-plan")
    expect(plan).to_contain_text("3 runs, one after the other, on the CPU")
    screenshot("sweep-neighbours")
    # Another run holds the CPU until the bar was seen: the three would be over before a slow browser shows it.
    make_run(root / "runs", root / "data" / "tiny", run_id=BUSY, epochs=2, how="running")
    page.get_by_role("button", name="Start 3 runs").click()

    page.wait_for_url("**/runs?*group=knn*", timeout=60_000)
    group = page.locator(
        ".st-key-dhc-group-0"
    ).first  # while the page runs again, the old one may still be there below it
    expect(group.get_by_role("progressbar")).to_be_visible(timeout=60_000)
    expect(group).to_contain_text("0 of 3 runs ended")
    screenshot("sweep-group")
    write_exit(root / "runs" / BUSY, "finished", "all epochs done", code=0)
    expect(group).to_contain_text("3 of 3 runs ended", timeout=90_000)  # without a reload
    verdict = page.get_by_text(re.compile("Keep k [135]|are tied"))
    expect(verdict).to_have_count(1)  # not in the group's box besides
    expect(group.get_by_role("button", name="Stop the group")).to_have_count(0)
    screenshot("sweep-group-ended")
    runs = [info for info in Store(root / "runs").runs() if info.id != BUSY]
    assert sorted(info.config.knn.k for info in runs if info.config) == [1, 3, 5]
    assert len({info.group for info in runs}) == 1


def test_a_bad_list_of_values_is_told_below_its_field_and_mended(
    page: Page, server: Server, looks: Callable[..., list[Path]]
) -> None:
    page.goto(f"{server.url}/train")  # a session without a form that is filled in
    expect(page.get_by_role("button", name="Start training")).to_be_visible(timeout=60_000)
    form_filled(page)
    choose(page, "LR factor", "Head")
    write(page, "LR factor", "0.3..0.9")
    form = page.locator(".st-key-dhc-sweep")
    expect(form.get_by_role("alert")).to_contain_text("does not say which values")
    expect(page.get_by_role("button", name=re.compile("^Start"))).to_be_disabled()
    write(page, "LR factor", "0.3..0.9 step 0.2")
    expect(form).to_contain_text("4 values: 0.3, 0.5, 0.7, 0.9")
    expect(page.get_by_role("button", name="Start 4 runs")).to_be_visible()
    settled(page)
    looks("sweep-form")
