"""Pictures reviewed by keyboard in a real browser, and what follows: the marks' file, the Train form, the flip board."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, fits, go, settled
from make_run import add_dynamics, make_run
from playwright.sync_api import Page, expect

from dhc.data.review import read_marks, review_file, standing, write_marks
from dhc.runs import rundir

A, B = "20261126-100000-vgg16-000a", "20261126-110000-vgg16-000b"
TWICE = """key => [key, "x"].forEach(one => document.dispatchEvent(new KeyboardEvent("keydown", { key: one, bubbles: true })))"""  # a slip
SUSPECT = [5, 40, 90, 120]  # training pictures


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, eight_classes: Path) -> Path:
    place = tmp_path_factory.mktemp("review") / "eight"
    shutil.copytree(eight_classes, place)
    return place


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    add_dynamics(make_run(folder, data, run_id=A, accuracy=0.6), data, suspect=SUSPECT)
    make_run(folder, data, run_id=B, accuracy=0.7, settings={"data.review": True}, seed=1)
    return folder


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(data.parent)})


def test_pictures_are_reviewed_by_keyboard_and_a_training_may_use_that(
    page: Page, server: Server, data: Path, runs: Path, looks: Callable[..., list[Path]]
) -> None:
    def marked(count: int, of: int | str) -> None:
        expect(page.get_by_text(re.compile(rf"^{count} of {of} marked"))).to_be_visible()

    page.goto(f"{server.url}/review?run={A}")
    marked(0, 4)
    settled(page)
    page.wait_for_selector(".dhc-keyboard", state="attached")  # from here on keys are heard
    page.keyboard.press("o")  # no network proposes a label here: no box opens, which would swallow the next keys
    for count, (key, row) in enumerate((("k", 40), ("x", 90), ("u", 120)), start=1):
        settled(page)
        page.evaluate(TWICE, key)
        expect(page).to_have_url(re.compile(rf"picture={row}$"))
        marked(count, 4)
        page.wait_for_timeout(300)
    assert len(read_marks(review_file(data))) == 3
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"picture=90$"))
    page.keyboard.press("z")
    marked(2, 4)
    settled(page)
    assert [mark.verdict for mark in standing(read_marks(review_file(data)))].count("unsure") == 0
    looks("review", check=lambda: fits(page))

    page.get_by_role("radio", name="Val").click()
    other = page.get_by_role("button", name=re.compile("^It is "))
    name = (other.inner_text()).split("It is ")[-1].strip()
    page.keyboard.press("o")
    marked(1, r"\d+")
    (mark,) = [mark for mark in standing(read_marks(review_file(data))) if mark.split == "val"]
    assert mark.other == name
    page.get_by_role("radio", name="grid_view").click()
    expect(page.locator(".tile, button img").first).to_be_visible()

    write_marks(runs / B / rundir.REVIEW, standing(read_marks(review_file(data))))
    page.get_by_role("link", name="Train with the review").click()
    expect(page.get_by_text("was off")).to_be_visible()
    expect(page).to_have_url(re.compile(r"review=true"))
    go(page, f"/runs?select={A},{B}&panel=flips")
    expect(page.get_by_text("Left out: 1 val picture given another label")).to_be_visible()
    assert "Traceback" not in server.log.read_text()
