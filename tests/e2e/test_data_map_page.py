"""The data map in a real browser that has no WebGL: its points are drawn, and a click on one opens its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, fits, settled, still, visit
from make_run import make_run, write_training
from playwright.sync_api import Page, expect

from dhc.analysis.dynamics import data_map
from dhc.runs.dynamics import read_dynamics

RUN = "20260102-000000-vgg16-000a"
WITHOUT_WEBGL = """
  const getContext = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return /webgl/.test(kind) ? null : getContext.call(this, kind, ...rest); };
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    folder = tmp_path_factory.mktemp("map")
    write_training(make_run(folder, eight_classes, run_id=RUN), eight_classes)
    return folder


def test_a_point_of_a_corner_opens_its_picture_with_its_way_through_the_epochs(
    page: Page, serve: Callable[..., Server], root: Path, eight_classes: Path
) -> None:
    dynamics = read_dynamics(root / RUN)
    assert dynamics is not None
    page.add_init_script(WITHOUT_WEBGL)
    page.set_viewport_size({"width": 1280, "height": 720})
    server = serve("app.py", env={"DHC_RUNS_DIR": str(root), "DHC_DATA_DIR": str(eight_classes.parent)})
    visit(page, server, f"/map?run={RUN}&view=training")
    page.get_by_role("radio", name="Ambiguous").click()
    page.wait_for_url(lambda url: "corner=ambiguous" in url)
    settled(page)
    area = page.locator(".dhc-plot-area")
    expect(area.locator(".scatterlayer .point")).to_have_count(160)
    box = still(area)
    assert box["y"] + box["height"] < 720, "the figure stands in the first screen"
    fits(page)
    row, x, y = area.evaluate(
        """plot => {
          const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect(), shown = plot._fullData.find(trace => trace.uid === 'shown');
          return [shown.customdata[0], box.x + xaxis._offset + xaxis.d2p(shown.x[0]), box.y + yaxis._offset + yaxis.d2p(shown.y[0])];
        }"""
    )
    assert row == data_map(dynamics).region("ambiguous")[0]
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1 of 53 listed")).to_be_visible()
    expect(dialog.locator(".scatterlayer .point")).to_have_count(6)
    dialog.get_by_role("button", name="Next").click()
    expect(dialog.get_by_text("2 of 53 listed")).to_be_visible()
