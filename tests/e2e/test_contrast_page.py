"""Every text that a page shows stands out from its ground by 4.5 : 1 or more, in both themes, as the browser has drawn it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contrast import faint, texts
from harness import ROOT, Server, settled, wait_for
from playwright.sync_api import Page

LAST, TUNED = "20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3"
ADDRESSES = (
    "",
    "data",
    "train?term=patience",
    f"live?run={LAST}",
    f"live?run={LAST}&present=1",
    f"runs?select={LAST},{TUNED}&panel=noise",
    f"mistakes?run={LAST}",
    f"confusion?run={LAST}&cell=3,4",
    "ladder",
)
DRAWN = "[...document.querySelectorAll('.dhc-plot')].every(plot => plot.dataset.drawn)"
STATE = """[document.body.innerText, getComputedStyle(document.querySelector('.stApp')).backgroundColor, document.querySelectorAll('svg text').length,
  document.getAnimations().length, [...document.querySelectorAll('.dhc-plot')].map(plot => plot.dataset.drawn)]"""
STAINS = """<div style="background:#808080;color:#8a8a8a">grey on grey</div>
<div style="background:#fff;color:#000;opacity:0.3">faded</div>
<div style="background:#fff"><span style="color:#00000020;background:#fff">see-through</span></div>
<svg width="200" height="40"><rect width="200" height="40" fill="#222"/><text x="5" y="25" fill="#333">drawn</text></svg>
<input placeholder="hint" style="background:#fff"><style>::placeholder{color:#ccc}</style>
<div style="background:#fff;color:#000">plain</div><button disabled style="background:#fff;color:#eee">not now</button>"""


def test_the_measure_finds_each_kind_of_faint_text(page: Page) -> None:
    page.set_content(STAINS)
    said = {line.split("“")[1].split("”")[0] for line in faint(page)}
    assert said == {"grey on grey", "faded", "see-through", "drawn", "hint"}
    assert {text.says: round(text.contrast) for text in texts(page)}["plain"] == 21


@pytest.mark.slow
def test_every_text_of_every_page_can_be_read(
    page: Page, serve: Callable[..., Server], tmp_path: Path, tiny_data: Path
) -> None:
    for run in (LAST, TUNED):
        shutil.copytree(ROOT / "runs" / run, tmp_path / "runs" / run)
    shutil.copytree(tiny_data, tmp_path / "data" / "stand-in")
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path / "runs"), "DHC_DATA_DIR": str(tmp_path / "data")})
    page.set_viewport_size({"width": 1280, "height": 2000})
    too_faint = {}
    for address in ADDRESSES:
        page.goto(f"{server.url}/{address}")
        settled(page, timeout=60_000)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if lines := _faint_when_still(page):
                too_faint[address, theme] = lines
    assert too_faint == {}


def _faint_when_still(page: Page) -> list[str]:
    """What is too faint on a page that has drawn its charts and stands still."""
    states: list[object] = []

    def still() -> bool:
        states.append(page.evaluate(STATE))
        return states[-4:] == [states[-1]] * 4 and bool(page.evaluate(DRAWN))

    wait_for(still, "the page stands still")
    return faint(page)
