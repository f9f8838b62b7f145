"""A stranger's pictures in a real browser: from an upload to a submission, and from a table with odd columns to a data set."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from harness import Server, form_filled, go, settled, still, visit, wait_for
from playwright.sync_api import Page, expect
from processes import kill_processes_of
from test_importing import pack, table

from dhc.data.layout import open_dataset

COLOURS = {"ant": (30, 60, 160), "bee": (60, 170, 190)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("import")
    yield folder
    kill_processes_of(folder)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


@pytest.fixture
def page(same_page: Page) -> Page:
    return same_page


def png(label: str, seed: int) -> bytes:
    """A speckled picture in the colour of its class."""
    noise = np.random.default_rng(seed).integers(-25, 25, (40, 48, 3))
    return cv2.imencode(".png", np.clip(noise + COLOURS[label], 0, 255).astype(np.uint8))[1].tobytes()


def choose(page: Page, title: str, option: str) -> None:
    """Choose in a select box; its list is asked for again where a rerun has closed it."""
    box, choice = page.get_by_role("combobox", name=title), page.get_by_role("option", name=option, exact=True)

    def is_open() -> bool:
        if not choice.is_visible():
            box.press("ArrowDown")
            page.wait_for_timeout(300)
        return choice.is_visible()

    wait_for(is_open, "the list is open", 20)
    choice.click()


@pytest.mark.errand(seconds=45)
def test_an_upload_with_a_folder_for_each_class_becomes_a_submission(
    page: Page, server: Server, root: Path, screenshot: Callable[..., Path], looks: Callable[..., list[Path]]
) -> None:
    labels = list(COLOURS)
    files = {f"insects/train/{label}/{i}{label}.png": png(label, i) for i in range(12) for label in labels}
    files |= {f"insects/val/{label}/v{i}{label}.png": png(label, 150 + i) for i in range(12) for label in labels}
    files |= {f"insects/test/t{i}.png": png(labels[i % 2], 90 + i) for i in range(4)}
    archive = pack(root / "insects.zip", files)
    visit(page, server, "/data")
    expect(page.get_by_text("No pictures yet")).to_be_visible(timeout=60_000)
    settled(page)
    page.locator("input[type=file]").set_input_files(str(archive))
    expect(page.get_by_text("A folder for each class in each split.")).to_be_visible()
    settled(page)
    screenshot("import-preview")
    assert not (root / "data" / "insects").exists(), "a preview writes no data set"
    page.get_by_role("button", name="Import", exact=True).click()
    wait_for(lambda: (root / "data" / "insects" / "train.csv").exists(), "the pictures are imported", 60)
    page.wait_for_url(re.compile("data=insects"))
    wait_for(lambda: not list((root / "data" / ".uploads").iterdir()), "nothing of the upload stays", 20)
    expect(page.get_by_text("insects is imported: 24 train, 24 val and 4 test pictures.")).to_be_in_viewport()

    page.get_by_role("radio", name="Check").click()
    page.get_by_role("button", name="Check every picture").click()
    expect(page.get_by_role("button", name="Check again")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("mean colour alone gives 100% of val")).to_be_visible()
    expect(page.get_by_text("are not 64×64 but 48×40")).to_be_visible()
    settled(page)
    screenshot("check")

    page.get_by_role("radio", name="Augmentation").click()
    expect(page.get_by_alt_text("draw 12")).to_be_visible(timeout=90_000)
    settled(page)
    before = page.get_by_alt_text("draw 12").get_attribute("src")
    page.get_by_role("button", name="RandomRotation(3) as the report ran it").click()
    expect(page.get_by_text("Feature maps cannot be shown as pictures")).to_be_visible()
    expect(page.get_by_alt_text("draw 12")).not_to_have_attribute("src", str(before))
    settled(page)
    looks("data-augmentation")
    page.get_by_role("button", name="Use in Train").click()
    form_filled(page)
    expect(page.get_by_role("spinbutton", name="Random rotation (degrees)")).to_have_value("180")

    page.get_by_text("A step of the report's ladder").click()
    page.get_by_role("button", name="k nearest neighbours").click()
    expect(page.get_by_role("button", name="Start comparing")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Its last check: .*1 warning"))).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Start comparing").click()
    page.wait_for_url(re.compile(r"/live\?run="), timeout=60_000)
    run_id = page.url.partition("run=")[2]
    wait_for(lambda: (root / "runs" / run_id / "exit.json").exists(), "the run ends", 60)

    go(page, f"/runs?select={run_id}")
    page.get_by_role("button", name="Submission: answer the test pictures").click()
    offered = page.get_by_role("button", name="Download the submission")
    expect(offered).to_be_visible(timeout=60_000)
    settled(page)
    still(offered)
    with page.expect_download() as download:
        offered.click()
    rows = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert rows == ["Image,Class", *(f"t{i}.png,{labels[i % 2]}" for i in range(4))]


def test_a_table_with_odd_columns_is_put_right_by_hand(page: Page, server: Server, root: Path) -> None:
    files = {f"pics/{i}.png": png(list(COLOURS)[i % 2], i) for i in range(12)}
    files |= {"all.csv": table("kind,shot,who", [f"{'ab'[i % 2]},{i}.png,p{i % 5}" for i in range(12)])}
    archive = pack(root / "odd.zip", files)
    visit(page, server, "/data")
    expect(page.get_by_text("Add a data set")).to_be_visible(timeout=60_000)
    settled(page)
    if not page.get_by_role("radio", name="On the server").is_visible():  # closed where there is a data set already
        page.get_by_text("Add a data set").click()
    page.get_by_role("radio", name="On the server").click()
    path = page.get_by_label("Path", exact=True)
    path.fill(str(archive))
    path.press("Enter")
    expect(page.get_by_text("which one is the label is not clear")).to_be_visible()
    settled(page)
    choose(page, "kind", "label")
    expect(page.get_by_text("One table of all pictures.")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    wait_for(lambda: (root / "data" / "odd" / "train.csv").exists(), "the pictures are imported", 60)
    assert open_dataset(root / "data" / "odd").classes == ("a", "b")
    page.wait_for_url(re.compile("data=odd"))
    settled(page)
    page.wait_for_timeout(1500)  # what the browser still held of another data set's box came back as a choice once
    assert "data=odd" in page.url
