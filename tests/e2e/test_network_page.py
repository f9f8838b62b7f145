"""A network looked into in a real browser: a click on a block, feature maps, what units respond to; and a picture's walk through it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import Server, fits, settled
from make_run import make_run
from networks import small_network
from playwright.sync_api import Page, expect

from dhc.runs import rundir

pytestmark = pytest.mark.errand(seconds=45)

RUN = "20261126-100000-cnn3-000a"


def test_a_click_on_a_block_leads_to_its_maps_and_to_what_its_units_respond_to_and_a_picture_walks_through_by_keyboard(
    page: Page, serve: Callable[..., Server], tmp_path: Path, tiny_data: Path, looks: Callable[..., list[Path]]
) -> None:
    from dhc.models.build import network

    config = small_network(tiny_data)
    names = ("model.name", "model.width", "model.conv_dropout")
    folder = make_run(tmp_path, tiny_data, run_id=RUN, settings={name: config.get(name) for name in names})
    model = network(config, 3)
    kernel, bias = model.layers[3].get_weights()
    bias[:] = np.where(np.arange(8) == 2, -9, 1)  # one unit is dead, the others see every picture
    model.layers[3].set_weights([0.1 * kernel, bias])
    model.save(folder / rundir.BEST)
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path), "DHC_DATA_DIR": str(tiny_data.parent)})
    page.goto(f"{server.url}/network?run={RUN}&view=maps")
    tiles = page.get_by_role("button", name=re.compile(r"^\d+, map \d+: from "))
    expect(tiles).to_have_count(8, timeout=60_000)
    expect(page.get_by_text("conv 1: 8 maps of 30×30")).to_contain_text("1 map is 0 everywhere")
    block = page.locator(".dhc-plot .barlayer .point").nth(3)
    block.click(force=True)
    expect(page).to_have_url(re.compile(r"layer=conv(\+|%20)2"))
    expect(page.get_by_text("conv 2: 8 maps of 13×13")).to_be_visible()
    settled(page)
    looks("network-maps")
    tiles.first.click()
    expect(page.get_by_role("dialog").get_by_text("mean")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Your own picture").click()
    page.locator("input[type=file]").set_input_files(next(tiny_data.rglob("val_images/*.png")))
    expect(page.get_by_role("img", name="Your picture")).to_be_visible()
    expect(tiles).to_have_count(8)
    page.goto(f"{server.url}/network?run={RUN}&view=units&layer=conv+1")
    page.get_by_role("button", name="Look through 9 val pictures").click()
    expect(page.get_by_text(re.compile("1 of 8 units.* is dead, never active on 9 val pictures: 3"))).to_be_visible()
    units = page.get_by_role("button", name=re.compile(r"^unit \d"))
    expect(units).to_have_count(7)
    settled(page)
    units.first.click()
    pictures = page.get_by_role("dialog").get_by_role("img", name=re.compile("^The picture"))
    expect(pictures).to_have_count(9)
    walk(page, server, looks)
    assert "Traceback" not in server.log.read_text()


def walk(page: Page, server: Server, looks: Callable[..., list[Path]]) -> None:
    """From all layers to one number's formula and back, by keyboard, and to another layer by a click."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server.url}/walk?run={RUN}&layer=conv+2")
    board = page.get_by_role("application")
    expect(board).to_have_accessible_name(re.compile(r"^One picture.s way through the network: conv 2, map \d, row"))
    fits(page)
    board.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    for level in ("layer", "unit", "formula"):
        page.keyboard.press("Enter")
        expect(board).to_have_attribute("data-zoom", level)
    expect(board.get_by_text("the same")).to_be_visible()
    expect(page).to_have_url(re.compile("zoom=formula"))
    name = str(board.get_attribute("aria-label"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(board).not_to_have_accessible_name(name)
    expect(board.get_by_text("the same")).to_be_visible()
    page.keyboard.press("Escape")
    expect(board.get_by_text("what this number sees")).to_be_visible()
    settled(page)
    looks("walk")
    crumb = page.get_by_role("button", name=re.compile(r"^map \d"))
    crumb.focus()
    page.keyboard.press("ArrowDown")
    settled(page)
    expect(crumb).to_be_focused()
    page.get_by_role("button", name="All layers").click()
    expect(board).to_have_attribute("data-zoom", "overview")
    board.locator(".map[data-stop='4']").first.click()
    expect(page).to_have_url(re.compile(r"layer=conv\+1"))
    page.reload()
    expect(board).to_have_accessible_name(re.compile("conv 1, map"))
