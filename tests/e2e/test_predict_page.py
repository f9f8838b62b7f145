"""A network asked in a real browser: a person's own pictures, and why it took a val picture for something else."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from archives import edge_network, zip_of
from harness import Server, settled, still
from make_run import make_run
from playwright.sync_api import FloatRect, Locator, Page, expect

from dhc.data.layout import open_dataset
from dhc.runs import rundir
from dhc.runs.predictions import read_predictions

RUNS = ("20261126-100000-cnn3-000a", "20261126-110000-cnn3-000b")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    """Two runs with a network each."""
    folder = tmp_path_factory.mktemp("predict")
    for seed, run_id in enumerate(RUNS):
        run = make_run(
            folder, tiny_data, run_id=run_id, epochs=2, settings={"model.name": "cnn3-dropout", "fit.seed": seed}
        )
        (run / rundir.BEST).write_bytes(edge_network(3))
    return folder


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, tiny_data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(tiny_data.parent)}, forks=True)


def paste(page: Page, file: Path) -> None:
    """Paste a picture as a browser does that was copied from a page or a screen: without a name of its own."""
    page.evaluate(
        """data => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
            document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
        }""",
        b64encode(file.read_bytes()).decode(),
    )


def test_dropped_pictures_are_answered_by_two_runs_and_what_they_looked_at_is_shown(
    page: Page, server: Server, tiny_data: Path, tmp_path: Path, looks: Callable[..., list[Path]]
) -> None:
    files = sorted(next(tiny_data.rglob(name)) for name in open_dataset(tiny_data).splits["val"].files[:3])
    page.goto(f"{server.url}/predict?run={RUNS[0]}")
    expect(page.get_by_text("Drop a picture on the left")).to_be_visible(timeout=60_000)
    page.locator("input[type=file]").set_input_files(files[0])
    sure = page.get_by_text(re.compile(r"^[<>]?\d+% sure"))
    expect(sure).to_have_count(1, timeout=60_000)
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option").first.click()
    expect(sure).to_have_count(2)
    expect(page).to_have_url(re.compile(f"with={RUNS[1]}"))
    page.keyboard.press("Escape")
    page.get_by_text("What it looked at").click()
    maps = page.get_by_role("img", name=re.compile("^Grad-CAM for "))
    expect(maps).to_have_count(2)
    learned = maps.first.get_attribute("src")
    page.get_by_text("Random weights").click()
    expect(maps.first).not_to_have_attribute("src", learned or "")
    page.get_by_role("radio", name="Occlusion").click()
    expect(page.get_by_role("img", name=re.compile("^Occlusion for "))).to_have_count(2)
    settled(page)
    looks("predict-one")

    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "notes.png").write_text("no picture")
    (tmp_path / "album" / "a.png").write_bytes(files[1].read_bytes())
    (tmp_path / "b.zip").write_bytes(zip_of({"b.png": files[2].read_bytes()}))
    page.locator("input[type=file]").set_input_files(tmp_path / "b.zip")
    expect(page.get_by_text("2 pictures; click on one to see why.")).to_be_visible()
    paste(page, files[1])
    expect(page.get_by_text(re.compile("^pasted .*png$"))).to_be_visible()
    expect(page.get_by_text("3 pictures; click on one to see why.")).to_be_visible()
    looks("predict-many")
    page.get_by_role("radio", name="Folder").click()
    page.locator("input[type=file][webkitdirectory]").set_input_files(tmp_path / "album")
    expect(page.get_by_text("“album/notes.png”: it is not a picture")).to_be_visible()
    expect(sure).to_have_count(2)
    page.get_by_role("radio", name="Files").click()
    page.locator("input[type=file]:not([webkitdirectory])").set_input_files(files)
    expect(page.get_by_text("3 pictures; click on one to see why.")).to_be_visible()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Answers as CSV").click()
    download.value.save_as(tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text().splitlines()))
    assert len(rows) == 3
    assert sum(name.startswith("class") for name in rows[0]) == 2
    page.get_by_role("button", name=re.compile(r"%")).first.click()
    expect(page.get_by_role("dialog").get_by_text("the class it decided for")).to_be_visible()
    assert "Traceback" not in server.log.read_text()


def test_a_mistake_leads_to_what_it_looked_at_to_what_is_alike_and_to_the_map(
    page: Page, server: Server, runs: Path, looks: Callable[..., list[Path]]
) -> None:
    answers = read_predictions(runs / RUNS[0])
    mistake = int(np.flatnonzero(answers.y_true != answers.predicted_after(answers.best_epoch))[0])
    page.goto(f"{server.url}/map?run={RUNS[0]}")
    page.get_by_role("button", name="Make the map").click(timeout=60_000)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    plane = page.get_by_role("img", name="t-SNE map of 33 pictures")
    expect(plane).to_be_visible(timeout=60_000)

    page.goto(f"{server.url}/mistakes?run={RUNS[0]}&picture={mistake}")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("What it looked at").click(timeout=60_000)
    expect(dialog.get_by_role("img", name=re.compile("^Grad-CAM for "))).to_have_count(2, timeout=60_000)
    dialog.get_by_role("radio", name="Occlusion").click()
    expect(dialog.get_by_role("img", name=re.compile("^Occlusion for "))).to_have_count(2)
    distances = dialog.locator("figcaption")
    expect(distances.first).to_have_text(re.compile(r"^[01]\.\d{3}$"))
    dialog.get_by_role("radio", name="by pixels").click()
    expect(distances.first).to_have_text(re.compile(r"^\d\d\.\d\d$"))
    dialog.get_by_role("radio", name="by features").click()
    expect(distances.first).to_have_text(re.compile(r"^[01]\.\d{3}$"))
    dialog.get_by_role("link", name="On the map").click()

    expect(page).to_have_url(re.compile(rf"/map\?.*near={mistake}\b"))
    tiles = page.get_by_role("group", name="24 pictures").get_by_role("button")
    expect(tiles).to_have_count(24)
    settled(page)
    box = still(plane)
    drawn = int(plane.get_attribute("data-drawn") or 0)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1], steps=3)
    page.mouse.up()
    expect(plane).not_to_have_attribute("data-drawn", str(drawn))
    page.keyboard.press("0")
    hover(page, plane)
    looks("map")

    page.get_by_role("button", name=re.compile("Enclose")).click()
    line(page, still(plane))
    expect(page).to_have_url(re.compile(r"area=-?\d"))
    expect(page.get_by_text(re.compile(r"^33 pictures: \d+ wrong"))).to_be_visible()
    settled(page)
    tiles.first.click()
    expect(page.get_by_role("dialog").get_by_text("1 of 33 listed")).to_be_visible()
    assert "Traceback" not in server.log.read_text()


def hover(page: Page, plane: Locator) -> None:
    """Move over the map until the picture at the pointer is shown."""
    box, tip = still(plane), page.locator(".tip canvas")
    for step in range(400):
        page.mouse.move(
            box["x"] + box["width"] * (step % 20 + 1) / 21, box["y"] + box["height"] * (step // 20 + 1) / 21
        )
        if tip.is_visible():
            break
    assert tip.evaluate(
        "tip => tip.getContext('2d').getImageData(0, 0, 128, 128).data.some(value => value > 0 && value < 255)"
    )


def line(page: Page, box: FloatRect) -> None:
    """Draw a line around all of the map."""
    left, top, right, bottom = box["x"] + 3, box["y"] + 3, box["x"] + box["width"] - 3, box["y"] + box["height"] - 3
    page.mouse.move(left, bottom)
    page.mouse.down()
    for corner in ((right, bottom), (right, top + 60), (left, top), (left, bottom - 5)):
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
