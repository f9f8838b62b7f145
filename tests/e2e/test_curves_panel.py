"""Overlaid curves in a real browser: the legend isolates a run in every chart, the hover names it, a dot tells of its run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, settled, still, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.data.standin.generate import make_dataset
from dhc.runs.contract import Labels

FACTORS = (0.5, 0.8, 0.9)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    root = tmp_path_factory.mktemp("curves")
    make_dataset(root / "data" / "tiny", classes=3, train=24, val=30, test=6, seed=1)
    for number, factor in enumerate(FACTORS):
        folder = make_run(
            root / "runs",
            root / "data" / "tiny",
            epochs=20,
            best_epoch=15,
            accuracy=(20 + 4 * number) / 30,
            seed=number,
            run_id=f"20260101-00000{number}-vgg16-000a",
            settings={"schedule.factor": factor},
        )
        Labels(name=f"called {folder.name}").write(folder)
    names = {"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}
    return serve("tests/e2e/apps/curves.py", env=names | {"PYTHONPATH": str(Path(__file__).parents[2])})


def drawn_runs(page: Page, chart: str) -> list[str]:
    """The legend groups of the traces that are shown, one entry a trace."""
    names: list[str] = page.locator(chart).evaluate(
        "host => host.querySelector('.js-plotly-plot')._fullData.filter(t => t.visible === true).map(t => t.legendgroup)"
    )
    return names


def test_the_legend_isolates_and_shows_all_again_and_the_hover_names_the_run(
    page: Page, server: Server, screenshot: Callable[..., Path]
) -> None:
    page.goto(server.url)
    chart, dots = (page.locator(place) for place in (".dhc-plot >> nth=0", ".dhc-plot >> nth=1"))
    expect(page.locator(".dhc-plot[data-drawn]")).to_have_count(2, timeout=60_000)
    settled(page)
    everything = drawn_runs(page, ".dhc-plot >> nth=0")
    assert len(everything) == 3 * 2 * 3

    chart.locator(".legendtoggle").nth(1).click()
    page.wait_for_function(
        "n => document.querySelector('.js-plotly-plot')._fullData.filter(t => t.visible === true).length === n", arg=6
    )
    (isolated,) = set(drawn_runs(page, ".dhc-plot >> nth=0"))
    star = still(chart.locator(".scatterlayer .points path").first)
    page.mouse.move(star["x"] + star["width"] / 2, star["y"] + star["height"] / 2)
    expect(chart.locator(".hoverlayer")).to_contain_text(f"called {isolated}")
    expect(chart.locator(".hoverlayer")).to_contain_text("schedule.factor 0.8")
    expect(chart.locator(".hoverlayer")).to_contain_text("best epoch")
    screenshot("curves-isolated")

    page.get_by_text("Val only", exact=True).click()  # the isolated run stays alone in another figure of the same runs
    page.wait_for_function("document.querySelector('.js-plotly-plot')._fullData.length === 12")
    settled(page)
    wait_for(lambda: set(drawn_runs(page, ".dhc-plot >> nth=0")) == {isolated}, "it stays alone")
    chart.locator(".legendtoggle").nth(1).click()
    page.wait_for_function("document.querySelector('.js-plotly-plot')._fullData.every(t => t.visible === true)")

    dot = dots.locator(".scatterlayer .points path").first
    dot.scroll_into_view_if_needed()
    box = still(dot)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**settings_run=20260101-00000*")
    expect(page.get_by_text("best val_accuracy 0.667")).to_be_visible()
