"""From the Runs page to a report on paper: download it, open it from the disk without a network, print it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from harness import Server, fits, settled, wait_for
from make_run import make_run
from playwright.sync_api import Browser, Page, expect

from dhc.data.standin.generate import make_dataset
from dhc.runs.labels import change_labels

pytestmark = pytest.mark.errand(seconds=30)

RUNS = ["20260101-000000-vgg16-000a", "20260101-000001-vgg16-000b"]
HOSTILE = "<img src=http://evil.example/a.png onerror=alert(1)>"


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("export")
    make_dataset(folder / "data" / "tiny", classes=12, train=48, val=60, test=6, seed=1)
    for number, run_id in enumerate(RUNS):
        accuracy, settings = 0.6 + number / 10, {"schedule.factor": 0.5 + number / 10}
        run = make_run(
            folder / "runs",
            folder / "data" / "tiny",
            run_id=run_id,
            epochs=8,
            accuracy=accuracy,
            settings=settings,
            seed=number,
        )
        change_labels(run, name=f"try {number} {HOSTILE}", note=f"a note {HOSTILE}")
    return serve("app.py", env={"DHC_RUNS_DIR": str(folder / "runs"), "DHC_DATA_DIR": str(folder / "data")})


def downloaded(page: Page, name: str, folder: Path) -> Path:
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name=name).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_the_selected_runs_are_downloaded_and_the_report_stands_on_its_own(
    page: Page,
    server: Server,
    chromium: Browser,
    looks: Callable[..., list[Path]],
    tmp_path: Path,
) -> None:
    page.goto(f"{server.url}/runs?select={','.join(RUNS)}&panel=export")
    expect(page.get_by_role("button", name="Report (HTML)")).to_be_visible(timeout=60_000)
    settled(page)
    looks("export", whole=True)

    table = downloaded(page, "Table (CSV)", tmp_path)
    assert table.name == "2-runs.csv"
    assert sorted(pd.read_csv(table, encoding="utf-8-sig")["id"]) == RUNS
    assert len(pd.read_csv(downloaded(page, "Histories (CSV)", tmp_path), encoding="utf-8-sig")) == 16
    read_without_a_network(chromium, downloaded(page, "Report (HTML)", tmp_path), tmp_path)


def read_without_a_network(chromium: Browser, report: Path, folder: Path) -> None:
    """Open the file as a person would, look for errors and requests, print it."""
    context = chromium.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on(
        "request",
        lambda request: messages.append(request.url) if request.url[:5] not in ("file:", "data:", "blob:") else None,
    )
    page.goto(report.resolve().as_uri())
    expect(page.get_by_role("heading", name="Comparison of 2 runs")).to_be_visible()
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    expect(page.locator(".chart")).to_have_count(12)
    expect(page.locator(".chart:has(.main-svg)")).to_have_count(12)
    assert page.locator(".wrong img").count() > 10
    whole = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    wait_for(lambda: page.evaluate(whole), "every picture is there")
    fits(page)
    expect(page.locator("h2").filter(has_text=re.compile("try 0 <img"))).to_be_visible()
    page.get_by_label("Name").fill("A student")
    expect(page.get_by_label("Name")).to_have_text("A student")
    paper = page.pdf(path=folder / "report.pdf", prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    assert 6 <= pages <= 16, "a title page, and a few for each run"
    assert messages == []
    context.close()
