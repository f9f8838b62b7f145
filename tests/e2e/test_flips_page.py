"""Two runs in a real browser: real or noise, the flip board, a click on a cell, a click on a picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import Server, dress, fits, settled, still, visit, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.analysis.flips import cell_mask, flip_masks, matrices
from dhc.analysis.paired import Pairing, pair_up
from dhc.runs.predictions import read_predictions

pytestmark = pytest.mark.errand(seconds=50)

FIRST, SECOND = "20260102-000000-vgg16-000a", "20260102-000001-vgg16-000a"
TWIN = "20260102-000002-vgg16-000a"  # answers as FIRST does
CHOSEN = f"select={FIRST},{SECOND}&pair_a={FIRST}&pair_b={SECOND}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    """Two runs that differ in the LR factor, and the twin of the first."""
    folder = tmp_path_factory.mktemp("flips")
    for run_id, accuracy, factor, seed in ((FIRST, 0.6, 0.5, 5), (SECOND, 0.7, 0.8, 8), (TWIN, 0.6, 0.9, 5)):
        settings = {"schedule.factor": factor}
        make_run(folder / "runs", eight_classes, run_id=run_id, accuracy=accuracy, settings=settings, seed=seed)
    return folder


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path, eight_classes: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(eight_classes.parent)})


@pytest.fixture(scope="module")
def pairing(root: Path) -> Pairing:
    return pair_up(read_predictions(root / "runs" / FIRST), read_predictions(root / "runs" / SECOND))


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def click_cell(page: Page, row: int, column: int) -> None:
    """Click the middle of a cell, by its place as drawn."""
    plot = page.locator(".dhc-plot:has(.heatmaplayer) .dhc-plot-area")
    plot.scroll_into_view_if_needed()
    still(plot)
    x, y = plot.evaluate(
        """(plot, [row, column]) => {
          const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.l2p(column), box.y + yaxis._offset + yaxis.l2p(row)];
        }""",
        [row, column],
    )
    page.mouse.move(x, y)
    page.mouse.click(x, y)


def fits_wide_and_narrow(page: Page) -> None:
    for theme, width in (("dark", 1920), ("light", 1280)):
        dress(page, theme, width)
        fits(page)


def test_from_the_sentence_to_a_flipped_picture(
    page: Page, server: Server, pairing: Pairing, looks: Callable[..., list[Path]]
) -> None:
    page.goto(f"{server.url}/runs?{CHOSEN}&panel=noise")
    expect(page.get_by_role("heading", name=re.compile("With 200 pictures this difference"))).to_be_visible(
        timeout=60_000
    )
    expect(page.locator(".dhc-plot[data-drawn]").first).to_be_visible()
    settled(page)
    fits_wide_and_narrow(page)

    page.get_by_role("radio", name="Flip board").or_(page.get_by_text("Flip board", exact=True)).first.click()
    page.wait_for_url("**panel=flips**")
    matrix = page.locator(".dhc-plot[data-drawn]:has(.heatmaplayer)")
    expect(matrix).to_be_visible(timeout=60_000)
    settled(page)
    count_before = matrix.get_attribute("data-drawn")
    page.get_by_text("Label", exact=True).click()
    page.wait_for_url("**flips_order=label**")
    wait_for(lambda: matrix.get_attribute("data-drawn") != count_before, "the matrix is drawn in another order")
    settled(page)

    members = flip_masks(pairing)
    cells = np.argwhere(np.not_equal(*matrices(pairing)))
    i, j = next((int(i), int(j)) for i, j in cells if (members["fixed"] & cell_mask(pairing, i, j)).any())
    click_cell(page, i, j)
    page.wait_for_url(f"**flips_true={i}**")
    count = int((members["fixed"] & cell_mask(pairing, i, j)).sum())
    expect(page.get_by_text(f"Fixed by B · {count}", exact=True)).to_be_visible()
    settled(page)
    looks("flips", whole=True)

    page.locator(".st-key-dhc_flips_box .tile").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("recognised")
    expect(dialog).to_contain_text("taken for")
    expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(2)
    expect(dialog).to_contain_text(f"1 of {count} listed")
    settled(page)
    fits_wide_and_narrow(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_url(lambda url: "flips_picture" not in url)


def test_runs_that_answer_alike_have_a_clear_board(page: Page, server: Server) -> None:
    visit(page, server, f"/runs?select={FIRST},{TWIN}&panel=flips")
    expect(page.get_by_text("Fixed by B · 0", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator(".dhc-plot[data-drawn] .heatmaplayer")).to_be_attached()
    expect(page.get_by_text("could not be drawn")).to_have_count(0)


def test_what_both_answer_together_from_a_bar_to_a_picture_and_from_a_pair_to_its_flip_board(
    page: Page, server: Server, pairing: Pairing, looks: Callable[..., list[Path]]
) -> None:
    counts = (pairing.a == pairing.true).astype(int) + (pairing.b == pairing.true)
    visit(page, server, f"/runs?select={FIRST},{SECOND}&panel=ensemble")
    shown = page.get_by_role("combobox", name=re.compile("Pictures"))
    expect(shown).to_have_value(f"nobody is right · {int((counts == 0).sum()):,}", timeout=60_000)
    bars, table = (page.locator(f".st-key-dhc_ensemble_{name} .dhc-plot[data-drawn]") for name in ("bars", "table"))
    expect(bars).to_be_visible()
    settled(page)
    looks("together", whole=True)
    foot, top = bars.evaluate(
        "plot => [['.xtitle', 'bottom'], ['.dhc-plot-lessons', 'top']]"
        ".map(([part, edge]) => plot.querySelector(part).getBoundingClientRect()[edge])"
    )
    assert foot <= top, "no link lies on the axis' name"
    bars.scroll_into_view_if_needed()
    box = still(bars.locator(".bars .point").nth(2))  # of the first colour, that in which both are right
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**ensemble_show=2**")
    expect(shown).to_have_value(f"all are right · {int((counts == 2).sum()):,}")
    page.locator(".st-key-dhc_ensemble_box .tile").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("recognised")).to_have_count(3)
    settled(page)
    fits_wide_and_narrow(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.wait_for_url(lambda url: "ensemble_picture" not in url)
    table.scroll_into_view_if_needed()
    box = still(table.locator(".heatmaplayer"))
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    page.wait_for_url("**ensemble_pair=0%2C1**")
    page.get_by_role("link", name="Open their flip board").click()
    expect(page.get_by_text("B minus A")).to_be_visible(timeout=60_000)
    assert "Traceback" not in server.log.read_text()
