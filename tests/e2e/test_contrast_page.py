"""Every page in a real browser: each text stands out from its ground by 4.5 : 1 or more in both themes, as the browser has
drawn it, and not one request leaves the machine, whatever the runs' words ask for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contrast import faint, faint_when_still, texts
from harness import ROOT, Server, go, settled
from make_run import add_dynamics, add_map, make_run
from playwright.sync_api import Page, expect

from dhc.cluster.record import Cluster, Node, write_cluster
from dhc.runs.contract import Handed

LAST, TUNED = "20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3"
MAPPED = "20261126-100000-vgg16-00a1"
EVIL = "![x](http://evil.example/x.png) <img src=http://evil.example/y.png>"
BOTH = f"select={LAST},{TUNED}&page=99"
PAGES = (  # address, heading
    (f"?run={LAST}&{BOTH}", "Deep Hallucination Classification"),
    (f"data?run={LAST}&{BOTH}", "Data"),
    (f"train?run={LAST}&{BOTH}&term=patience", "Train"),
    (f"live?run={LAST}&{BOTH}", "Live"),
    (f"runs?run={LAST}&{BOTH}&panel=noise", "Runs"),
    (f"mistakes?run={LAST}&{BOTH}", "Mistakes"),
    (f"confusion?run={LAST}&{BOTH}&cell=3,4", "Confusion"),
    (f"map?run={MAPPED}&{BOTH}&near=0", "Map"),
    (f"map?run={MAPPED}&{BOTH}&view=training", "Map"),
    (f"network?run={LAST}&{BOTH}", "Network"),
    (f"review?run={MAPPED}&{BOTH}", "Review"),
    (f"ladder?run={LAST}&{BOTH}", "Ladder"),
    (f"predict?run={LAST}&{BOTH}", "Predict"),
    (f"machines?run={LAST}&{BOTH}&engine=ray", "Machines"),
    (f"live?run={TUNED}&present=1", "Live"),  # last: whatever came after it would be presented, too
)
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


@pytest.fixture
def house(tmp_path: Path, tiny_data: Path) -> Path:
    """Two of the examples, whose words, log and end name pictures on another machine, one data set, and a run on it with a map."""
    for run in (LAST, TUNED):
        folder = shutil.copytree(ROOT / "runs" / run, tmp_path / "runs" / run)
        (folder / "labels.json").write_text(json.dumps({"name": EVIL, "tags": [EVIL[:28]], "note": EVIL}))
        (folder / "train.log").write_text(EVIL)
    (tmp_path / "runs" / LAST / "exit.json").write_text(json.dumps({"how": "failed", "reason": EVIL}))
    data = shutil.copytree(tiny_data, tmp_path / "data" / "stand-in")
    mapped = make_run(tmp_path / "runs", data, run_id=MAPPED, accuracy=0.6)
    add_map(mapped, data)
    add_dynamics(mapped, data, suspect=[3, 10])
    nodes = [Node(name="node1", cpus=2), Node(name=EVIL[:80], state="down", reason=EVIL)]
    write_cluster(tmp_path / "runs", "ray", Cluster(nodes=nodes, problem=EVIL))
    waiting = make_run(tmp_path / "runs", data, run_id="20261126-100000-vgg16-00a2", device="ray")
    (waiting / "exit.json").unlink()
    Handed(fence=1, engine="ray", node=EVIL[:80], reason=EVIL).write(waiting)
    return tmp_path


@pytest.mark.slow
def test_every_text_of_every_page_can_be_read_and_none_asks_another_machine_for_anything(
    page: Page, serve: Callable[..., Server], house: Path, screenshot: Callable[..., Path]
) -> None:
    """The fixture `page` fails on any request that leaves the machine."""
    server = serve("app.py", env={"DHC_RUNS_DIR": str(house / "runs"), "DHC_DATA_DIR": str(house / "data")})
    page.set_viewport_size({"width": 1280, "height": 2000})
    too_faint = {}
    page.goto(f"{server.url}/{PAGES[0][0]}")
    themes = ["light", "dark"]
    for address, heading in PAGES:
        if address != PAGES[0][0]:
            go(page, f"/{address}")
        presented = page.locator("[data-dhc-large]")  # where it has no heading
        shown = presented if "present=1" in address else page.get_by_role("heading", name=heading, exact=False)
        expect(shown.first).to_be_visible(timeout=60_000)
        if address.startswith("mistakes"):  # at once: a message goes after some seconds
            expect(page.get_by_text("The address asks for page = “99”")).to_be_visible()
        settled(page, timeout=60_000)
        themes.reverse()  # each page begins in the theme in which the one before was left
        for theme in themes:
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            if lines := faint_when_still(page):
                too_faint[address, theme] = lines
        if address.startswith("?"):
            expect(page.get_by_text("Served on this machine only (127.0.0.1)")).to_be_visible()
            screenshot("home-served", whole=True)
    assert too_faint == {}
