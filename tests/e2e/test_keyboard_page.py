"""Every page by keyboard alone: its main control is reached with Tab, used with arrows, Enter and Space, and the focus is always seen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ROOT, Server, form_filled, settled, visit
from playwright.sync_api import Page, expect

LAST, TUNED = "20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3"
MOST_STOPS = 70
# Address, the accessible name or text of the main control, what is pressed there, and what the address says then.
PAGES = {
    "home": ("", r"^A .*VGG16", ("Enter",), r"/live\?"),
    "data": ("data", r"^BUTTON Pictures", ("ArrowRight", "Space"), r"view=classes"),
    "train": ("train", r"^INPUT .*Patience", ("ArrowUp", "Enter"), r"patience"),
    "live": (f"live?run={LAST}", r"^INPUT .*Run", ("ArrowDown", "ArrowDown", "Enter"), TUNED),
    "runs": ("runs", r"^BUTTON Select all", ("Enter",), r"select="),
    "mistakes": (f"mistakes?run={LAST}", r"^BUTTON .*→", ("ArrowRight", "Enter"), r"picture="),
    "confusion": (f"confusion?run={LAST}", r"^BUTTON .*→", ("Enter",), r"cell="),
    "ladder": ("ladder", r"^A .*Mistakes", ("Enter",), r"/mistakes\?"),
}
FOCUSED = """async () => {
  let e = document.activeElement;
  while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
  if (!e || e === document.body) return null;
  const up = node => node.parentElement ?? node.getRootNode().host ?? null;
  const looks = () => {
    const all = [];
    for (let node = e; node && all.length < 6; node = up(node)) {
      const style = getComputedStyle(node);
      all.push([style.outline, style.boxShadow, style.borderColor, style.backgroundColor, style.color].join('|'));
    }
    return all.join('\\n');
  };
  const box = e.getBoundingClientRect();
  const label = e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.closest('[aria-label]')?.getAttribute('aria-label') ?? '';
  const style = getComputedStyle(e);
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  let seen = ring;
  if (!seen && !e.matches('a, button')) { // a box around it may change instead; of a link its colour alone is not seen
    const focused = looks();
    e.blur();
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    seen = focused !== looks();
    e.focus();
  }
  const grid = Boolean(e.closest('.stDataFrame'));
  return { name: (e.innerText?.trim() || label).trim(), label, seen: seen && box.width > 0, grid, tag: e.tagName };
}"""


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Server:
    place = tmp_path_factory.mktemp("keyboard")
    for run in (LAST, TUNED):
        shutil.copytree(ROOT / "runs" / run, place / "runs" / run)
    shutil.copytree(tiny_data, place / "data" / "stand-in")
    return serve("app.py", env={"DHC_RUNS_DIR": str(place / "runs"), "DHC_DATA_DIR": str(place / "data")})


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_used_by_keyboard_alone(page: Page, server: Server, name: str) -> None:
    address, control, keys, outcome = PAGES[name]
    visit(page, server, f"/{address}")
    expect(page.locator(".st-key-dhc-head h1")).to_be_visible(timeout=60_000)
    if name == "train":
        form_filled(page)
    page.wait_for_timeout(500)
    settled(page)
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate(
        "document.body.tabIndex = -1; document.body.focus()"
    )  # Tab begins where it does on a page just loaded
    _reach(page, control)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(re.compile(outcome))
    settled(page)


def _reach(page: Page, control: str) -> None:
    """Press Tab until the control has the focus, which must be seen at each stop."""
    stops = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop is None:
            continue
        stops.append(f"{stop['tag']} {' '.join(stop['name'].split())[:60]} {stop['label'][:60]}")
        assert stop["seen"] or stop["grid"], f"the focus is not seen on {stops[-1]}"
        if re.search(control, stops[-1]):
            return
    raise AssertionError("Tab does not reach it; it stops at " + ", ".join(stops[:40]))
