"""Every page in a real browser, with runs there: not one request leaves the machine (the fixture `page` fails on any)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness import Server, settled
from make_run import make_run
from playwright.sync_api import Page, expect

from dhc.data.standin.generate import make_dataset

EVIL = "![x](http://evil.example/x.png) <img src=http://evil.example/y.png>"
PAGES = {
    "": "Deep Hallucination Classification", "data": "Data", "train": "Train", "live": "Live", "runs": "Runs",
    "mistakes": "Mistakes", "confusion": "Confusion", "ladder": "Ladder",
}  # fmt: skip


def test_no_page_asks_another_machine_for_anything(
    page: Page, serve: Callable[..., Server], tmp_path: Path, screenshot: Callable[..., Path]
) -> None:
    make_dataset(tmp_path / "data" / "tiny", classes=3, train=24, val=9, test=6, seed=1)
    runs = [f"2026010{n}-000000-vgg16-000a" for n in (1, 2)]
    for seed, run_id in enumerate(runs):
        folder = make_run(tmp_path / "runs", tmp_path / "data" / "tiny", run_id=run_id, accuracy=0.6, seed=seed)
        (folder / "labels.json").write_text(f'{{"name": "{EVIL}", "tags": ["{EVIL[:28]}"], "note": "{EVIL}"}}')
        (folder / "train.log").write_text(EVIL)
    (tmp_path / "runs" / runs[0] / "exit.json").write_text(f'{{"how": "failed", "reason": "{EVIL}"}}')
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path / "runs"), "DHC_DATA_DIR": str(tmp_path / "data")})
    for name, title in PAGES.items():
        page.goto(f"{server.url}/{name}?run={runs[0]}&select={','.join(runs)}&page=99")
        expect(page.get_by_role("heading", name=title, exact=False).first).to_be_visible(timeout=60_000)
        settled(page)
        page.wait_for_timeout(700)  # figures and pictures are drawn after the script's end
        if not name:
            expect(page.get_by_text("Served on this machine only (127.0.0.1)")).to_be_visible()
            screenshot("home-served", whole=True)
        if name == "mistakes":
            expect(page.get_by_text("The address asks for page = “99”")).to_be_visible()
            screenshot("mistakes-passed-over")
