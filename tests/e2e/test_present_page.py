"""Present, the keys and the glossary in a real browser; what stands in the first screen of a projector."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ROOT, Server, settled, visit, wait_for
from playwright.sync_api import Locator, Page, expect

from dhc.ui.shell.frame import PAGES

LAST, TUNED = "20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3"
LARGE = "[data-dhc-large]"
PROJECTOR, ZOOMED = {"width": 1280, "height": 720}, {"width": 853, "height": 480}  # the second: 150 %
ON = re.compile(r"[?&]present=1")
FIGURE_FONT = "parseFloat(getComputedStyle(document.querySelector('.xtick text')).fontSize)"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Server:
    place = tmp_path_factory.mktemp("present")
    for run in (LAST, TUNED):
        shutil.copytree(ROOT / "runs" / run, place / "runs" / run)
    shutil.copytree(tiny_data, place / "data" / "stand-in")
    return serve("app.py", env={"DHC_RUNS_DIR": str(place / "runs"), "DHC_DATA_DIR": str(place / "data")})


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def arrive(page: Page, server: Server, address: str) -> None:
    """Open an address in the session that the module's page has, not presented unless the address says so."""
    if page.url.startswith(server.url):
        settled(page)
        if page.locator("html.dhc-present").count():
            page.keyboard.press("Escape")
            expect(page.locator("html.dhc-present")).to_have_count(0)
            page.wait_for_url(lambda url: "present" not in url)
    visit(page, server, f"/{address}")


def large(page: Page) -> Locator:
    return page.locator(LARGE)


def chart(page: Page) -> Locator:
    return large(page).locator(".dhc-plot-area")


def fills_the_window(page: Page, height: float = 0.8) -> None:
    """Wait until what is large reaches from the bar to the window's edges, at least `height` of the window's."""
    size = page.viewport_size
    assert size

    def holds() -> bool:
        box = large(page).bounding_box() if large(page).count() == 1 else None
        return box is not None and box["width"] > 0.95 * size["width"] and box["height"] > height * size["height"]

    wait_for(holds, "one part fills the window")


def test_present_fills_the_window_and_its_keys_lead_on(page: Page, server: Server) -> None:
    page.set_viewport_size(PROJECTOR)  # type: ignore[arg-type]
    arrive(page, server, f"live?run={LAST}")
    expect(page.locator(".dhc-plot[data-drawn]").first).to_be_visible(timeout=60_000)
    page.wait_for_selector(".xtick text")
    usual = page.evaluate(FIGURE_FONT)
    page.keyboard.press("p")
    page.wait_for_url(ON)
    fills_the_window(page)
    wait_for(lambda: page.evaluate(FIGURE_FONT) == pytest.approx(1.5 * usual, rel=0.02), "the chart's type grows")
    bar = page.locator(".st-key-dhc-bar").bounding_box()
    assert bar
    assert bar["y"] + bar["height"] < 90
    edges = "buttons => buttons.map(one => one.getBoundingClientRect()).filter(box => box.width > 1).map(box => [box.left, box.right])"
    tools = sorted(page.locator(".st-key-dhc-tools button").evaluate_all(edges))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(tools)), "no tool lies on another"
    expect(page.get_by_test_id("stSelectbox").first).to_be_visible()  # the picker
    expect(page.locator(".st-key-dhc-head").get_by_text("finished").last).to_be_visible()
    expect(chart(page)).to_have_attribute("aria-label", "Accuracy on training and val pictures by epoch")
    page.keyboard.press("ArrowRight")
    expect(chart(page)).to_have_attribute("aria-label", "Loss on training and val pictures by epoch")
    page.wait_for_url(re.compile("large=2"))
    page.keyboard.press("ArrowLeft")
    expect(chart(page)).to_have_attribute("aria-label", re.compile("^Accuracy"))
    page.get_by_role("link", name="Confusion").first.click()  # the session carries it on
    page.wait_for_url(ON)
    expect(chart(page)).to_have_attribute("aria-label", re.compile("^Confusion matrix"), timeout=60_000)
    fills_the_window(page)
    page.keyboard.press("Escape")
    expect(large(page)).to_have_count(0)
    page.wait_for_url(lambda url: "present" not in url and "large" not in url)
    page.go_back()  # the address says that it was presented
    page.wait_for_url(ON)
    expect(large(page)).to_have_count(1)


def test_a_link_presents_the_main_part_of_a_page(page: Page, server: Server) -> None:
    page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]
    for address, first in (
        ("runs", ".stDataFrame"),
        (f"mistakes?run={LAST}", ".st-key-dhc_mistakes_grid"),
        ("data", ".st-key-dhc_pictures_grid"),
        ("ladder", ".dhc-plot"),
    ):
        arrive(page, server, f"{address}{'&' if '?' in address else '?'}present=1")
        expect(page.locator(f"{first}{LARGE}")).to_be_visible(timeout=60_000)
        fills_the_window(page, 0.7 if address.startswith("mistakes") else 0.8)  # above the slider of its epochs
        for part in page.locator(".st-key-dhc-head .stSelectbox:visible").all():  # the picker can be read
            box = part.bounding_box()
            assert box
            assert box["width"] > 120
        hidden = "[...document.querySelectorAll('.stMain button')].filter(b => b.checkVisibility({ visibilityProperty: true }))"
        outside = f"{hidden}.filter(b => !b.closest('.st-key-dhc-bar, {LARGE}')).map(b => b.textContent)"
        assert page.evaluate(outside) == []  # what lies beneath can be reached by no key
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if address == "runs":  # the grid fills what is large, though its own height is that of ten rows
            wait_for(lambda: 0.7 * ZOOMED["height"] < height_of(page, f"{LARGE} canvas") < ZOOMED["height"], "the grid")
        if address.startswith("mistakes"):
            expect(page.get_by_role("slider", name="Epoch")).to_be_in_viewport()


def height_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    return box["height"] if box else 0.0


def test_in_a_small_window_homes_pictures_stand_in_one_row_and_compared_runs_show_their_curves(
    page: Page, server: Server
) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    arrive(page, server, "")
    strip = page.locator(".st-key-dhc-home-pictures .tile:visible")
    expect(strip.first).to_be_visible(timeout=60_000)
    settled(page)
    boxes = [tile.bounding_box() for tile in strip.all()]
    assert len({box["y"] for box in boxes if box}) == 1
    assert 5 < len(boxes) < 10
    page.set_viewport_size(PROJECTOR)  # type: ignore[arg-type]
    arrive(page, server, f"runs?select={LAST},{TUNED}")
    expect(page.locator(".dhc-plot[data-drawn]").first).to_be_in_viewport(timeout=60_000)


def test_pages_without_a_figure_are_presented_whole_and_typing_is_no_key(page: Page, server: Server) -> None:
    arrive(page, server, "runs")
    box = page.get_by_role("textbox", name="Search", exact=True)
    expect(box).to_be_visible(timeout=60_000)
    box.press_sequentially("p?g")
    expect(box).to_have_value("p?g")
    assert not ON.search(page.url)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    arrive(page, server, "train?present=1")
    expect(page.locator("html.dhc-present")).to_be_attached(timeout=60_000)
    expect(large(page)).to_have_count(0)
    expect(page.get_by_text("Patience (epochs)").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.stMain label p')).fontSize") == "21px"  # 14 × 1.5


def test_the_keys_are_listed_and_terms_are_explained(page: Page, server: Server) -> None:
    arrive(page, server, "train?term=patience")
    popover = page.get_by_test_id("stPopoverBody")
    expect(popover.get_by_text("patience: How many epochs")).to_be_visible(timeout=60_000)
    search = popover.get_by_placeholder("a word")
    search.fill("McNemar")
    search.press("Enter")
    expect(popover.get_by_text("McNemar's test: ")).to_be_visible()
    expect(popover.get_by_text("patience: How many epochs")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0)
    page.wait_for_url(lambda url: "term" not in url)
    page.locator("[class*='schedule-patience'] [data-testid='stTooltipHoverTarget']").first.hover()
    page.locator("a[href='?term=patience']").click()
    expect(popover.get_by_text("patience: How many epochs")).to_be_visible()
    assert len(page.context.pages) == 1  # no other tab
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0)
    settled(page)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(popover.get_by_text("Leave Present")).to_be_visible()


def test_the_first_figure_begins_in_the_first_screen(page: Page, server: Server) -> None:
    for address, first in (
        ("live", ".dhc-plot"),
        ("confusion", ".dhc-plot"),
        ("mistakes", ".st-key-dhc_mistakes_grid"),
    ):
        arrive(page, server, f"{address}?run={LAST}")
        figure = page.locator(first).first
        expect(figure).to_be_visible(timeout=60_000)
        settled(page)
        expect(page.locator(".st-key-dhc-navigation a")).to_have_count(sum(not screen.is_aside for screen in PAGES))
        for window, end in (
            (PROJECTOR, 720 - 150),
            (ZOOMED, 480 - 60),
        ):  # so much of it is seen, though missing pictures are said above
            page.set_viewport_size(window)  # type: ignore[arg-type]

            def holds(figure: Locator = figure, end: float = end) -> bool:
                box = figure.bounding_box()
                return box is not None and box["y"] < end and one_line(page)

            wait_for(holds, f"the navigation is one line, and {address} begins above {end}")


def one_line(page: Page) -> bool:
    links = [link.bounding_box() for link in page.locator(".st-key-dhc-navigation a").all()]
    return len({box["y"] for box in links if box}) == 1
