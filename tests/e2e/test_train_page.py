"""The Train page in a real browser: faults at their fields, the form in the address, Start in sight, pictures made first."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, fits, form_filled, settled, still, wait_for
from playwright.sync_api import Locator, Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset
from dhc.runs.status import State
from dhc.runs.store import Store

SCROLL = (
    "distance => { const main = document.querySelector('.stMain'); main.scrollTo(0, distance); return main.scrollTop; }"
)
# Of a line of text: whether a part of it is cut off, by itself or by a box around it.
IS_CUT = """place => [place, ...place.querySelectorAll('*')].some(
  part => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== 'visible')"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A house with nothing in it."""
    root = tmp_path_factory.mktemp("train")
    for folder in ("runs", "data"):
        (root / folder).mkdir()
    yield root
    kill_processes_of(root)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


@pytest.fixture
def pets(root: Path) -> None:
    """A data set of three classes."""
    make_dataset(root / "data" / "pets", classes=3, train=24, val=30, test=6, seed=1)


def number(page: Page, label: str) -> Locator:
    return page.get_by_role("spinbutton", name=label, exact=True)


def write(page: Page, label: str, text: str) -> None:
    field = number(page, label)
    field.fill(text)
    field.press("Enter")


def is_in_sight(page: Page, place: Locator) -> bool:
    box, window = still(place), page.viewport_size
    assert window
    return box["y"] >= 0 and box["y"] + box["height"] <= window["height"]


def test_pictures_are_made_at_a_click_and_the_run_starts_by_itself(page: Page, server: Server, root: Path) -> None:
    page.goto(f"{server.url}/train?classes=2&epochs=1&width=0.125&bn_momentum=0.5")
    form_filled(page)
    expect(page.get_by_text("Parameters", exact=True)).to_be_visible()
    expect(page.get_by_text("stand-in (not drawn yet), 2 of 96 classes")).to_be_visible()
    page.get_by_role("button", name="Make pictures and start").click()
    page.wait_for_url(re.compile(r"/live\?run="), timeout=90_000)
    (run,) = Store(root / "runs").runs()
    assert run.config is not None
    assert Path(run.config.data.path) == (root / "data" / "stand-in-2").resolve()
    kill_processes_of(root / "data")  # the other classes, which are drawn meanwhile
    wait_for(lambda: Store(root / "runs").run(run.id).state is State.FINISHED, "it trains to its end", 90)
    shutil.rmtree(root / "data")
    shutil.rmtree(root / "runs" / run.id)


@pytest.mark.usefixtures("pets")
def test_figures_are_whole_a_fault_stands_at_its_field_and_the_form_comes_back_with_reload_back_forward_and_a_sent_link(
    page: Page, server: Server, screenshot: Callable[..., Path]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{server.url}/train?preset=report")
    form_filled(page)
    figures_are_whole(page)
    faults_stand_at_their_field(page, screenshot)
    form_comes_back(page)


def figures_are_whole(page: Page) -> None:
    """At any width."""
    figures = page.locator(".st-key-dhc-train-tiles [data-testid='stMetricValue']")
    for width, height in ((853, 480), (1024, 768), (1280, 720)):  # the first is 1280×720 at 150 %
        page.set_viewport_size({"width": width, "height": height})
        fits(page)
        expect(figures.first).to_have_text("35.5 M")
        assert not any(figure.evaluate(IS_CUT) for figure in figures.all()), width


def faults_stand_at_their_field(page: Page, screenshot: Callable[..., Path]) -> None:
    """And Start stays in sight, grey; the dropout is 0.2 at the end."""
    button = page.get_by_role("button", name="Start training")
    expect(button).to_be_enabled()
    assert is_in_sight(page, button)
    assert page.evaluate("document.querySelector('.stMain').scrollTop") == 0
    write(page, "Dropout after each conv group", "1.5")
    problem = page.get_by_text("Dropout after each conv group: 0 to below 1")
    expect(problem).to_be_visible()
    field, sentence = still(number(page, "Dropout after each conv group")), still(problem)
    assert 0 < sentence["y"] - field["y"] < 80, "just below the field"
    assert abs(sentence["x"] - field["x"]) < 40
    expect(button).to_be_disabled()
    expect(page.get_by_text("Parameters", exact=True)).to_be_visible()
    assert page.evaluate(SCROLL, 600) > 500
    assert is_in_sight(page, button)
    assert is_in_sight(page, page.get_by_text("What will happen"))
    screenshot("train-fault")
    page.evaluate(SCROLL, 0)
    write(page, "Dropout after each conv group", "0.2")
    expect(problem).to_have_count(0)
    expect(page.get_by_text("was 0.6")).to_be_visible()
    expect(button).to_be_enabled()


def form_comes_back(page: Page) -> None:
    """With reload, back, forward, other pages and a sent link."""
    page.wait_for_url(re.compile(r"\?preset=report&conv_dropout=0\.2$"))
    settled(page)
    write(page, "LR factor", "0.33")
    page.wait_for_url(re.compile(r"factor=0\.33"))
    settled(page)
    page.reload()
    form_filled(page)
    for label, value in (("Dropout after each conv group", "0.2"), ("LR factor", "0.33")):
        expect(number(page, label)).to_have_value(value)
    page.go_back()
    expect(number(page, "LR factor")).to_have_value("0.8")
    expect(number(page, "Dropout after each conv group")).to_have_value("0.2")
    page.go_forward()
    expect(number(page, "LR factor")).to_have_value("0.33")
    settled(page)
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.wait_for_url("**/runs*")
    settled(page)
    page.get_by_role("link", name="Train", exact=True).first.click()
    page.wait_for_url(re.compile(r"/train\?.*factor=0\.33"))
    form_filled(page)
    page.get_by_role("button", name="Link to these settings").click()
    sent = page.locator("[data-testid='stPopoverBody'] code").inner_text()
    other = page.context.new_page()
    other.goto(sent)
    form_filled(other)
    expect(number(other, "LR factor")).to_have_value("0.33")
    expect(other.get_by_text("changed: dropout 0.6 → 0.2, factor 0.8 → 0.33")).to_be_visible()
    other.close()
