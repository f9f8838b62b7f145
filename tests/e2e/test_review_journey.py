"""A review in a real browser, with real trainings: train, mark 30 pictures by keyboard, train with the review, compare the two runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, form_filled, settled, wait_for
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.review import Mark, read_marks, review_file, standing
from dhc.data.standin.generate import make_dataset
from dhc.runs import rundir
from dhc.runs.contract import UsedPictures
from dhc.runs.status import State
from dhc.runs.store import RunInfo, Store

pytestmark = pytest.mark.errand(seconds=60)

FORM = "model=cnn3-dropout&width=0.03125&epochs=3&batch_size=16&learning_rate=0.01"
OF_TRAIN = "kxukxkxuokkxxkuxkkxk"  # 20 marks
OF_VAL = "oxokoxuxoo"  # 10
BLINK = 250  # ms, as widgets/keyboard.js has it


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of small numbers, so that a training takes seconds."""
    folder = tmp_path_factory.mktemp("review") / "tiny"
    make_dataset(folder, classes=4, train=80, val=60, test=4, seed=1, processes=1)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reviewed") / "runs"
    yield folder
    kill_processes_of(folder)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(data.parent)}, forks=True)


def trained(page: Page, store: Store) -> RunInfo:
    """Start what the form says, and wait for its end."""
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/live\?run="))
    run_id = re.findall(r"run=([\w-]+)", page.url)[0]
    wait_for(lambda: store.run(run_id).state is State.FINISHED, "it has finished", 60)
    expect(page.get_by_text("Finished: all epochs done.")).to_be_visible()
    settled(page)
    return store.run(run_id)


def press_all(page: Page, keys: str, of: int) -> None:
    """Mark one picture after the other; a second press in the blink of a first would count as a slip."""
    for count, key in enumerate(keys):
        expect(page.get_by_text(f"{count} of {of} marked")).to_be_visible()
        if key == "o":  # what the network proposes, which is asked meanwhile
            expect(page.get_by_role("button", name=re.compile(r"^It is "))).to_be_enabled()
        settled(page)
        page.wait_for_function("blink => performance.now() - (window.dhcPressed ?? -blink) > blink", arg=BLINK)
        page.keyboard.press(key)
        page.evaluate("window.dhcPressed = performance.now()")
    expect(page.get_by_text(f"{len(keys)} of {of} marked")).to_be_visible()


def test_thirty_pictures_are_reviewed_a_training_uses_that_and_both_runs_are_compared(
    page: Page, server: Server, data: Path, runs: Path, screenshot: Callable[..., Path]
) -> None:
    store = Store(runs)
    page.goto(f"{server.url}/train?{FORM}")
    form_filled(page)
    first = trained(page, store)

    # Thirty pictures by keyboard, in both splits.
    page.get_by_role("link", name="Review", exact=True).first.click()
    page.wait_for_url(f"**/review?run={first.id}*")
    page.get_by_role("radio", name=re.compile("^All")).click()
    page.wait_for_url("**show=all**")
    page.wait_for_selector(".dhc-keyboard", state="attached")
    press_all(page, OF_TRAIN, of=80)
    page.get_by_role("radio", name="Val").click()
    page.wait_for_url("**split=val**")
    press_all(page, OF_VAL, of=60)
    screenshot("review-journey-marked")
    marks = standing(read_marks(review_file(data)))
    letters = {"keep": "k", "relabel": "o", "leave-out": "x", "unsure": "u"}
    said = {
        split: Counter(letters[mark.verdict] for mark in marks if mark.split == split) for split in ("train", "val")
    }
    assert said == {"train": Counter(OF_TRAIN), "val": Counter(OF_VAL)}

    # A training that uses them.
    page.get_by_role("link", name="Train with the review").click()
    page.wait_for_url(re.compile(r"/train\?.*review=true"))
    form_filled(page)
    screenshot("review-journey-form", whole=True)
    second = trained(page, store)
    _obeyed(first, second, marks)

    # Both on the flip board, without the val pictures that were reviewed away.
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_role("button", name="Select all").first.click()
    page.wait_for_url("**select=**")
    page.get_by_role("radio", name="Flip board").click()
    page.wait_for_url("**panel=flips**")
    away = sum(mark.split == "val" and mark.changes_training for mark in marks)
    expect(page.get_by_text(f"Left out: {away} val pictures given another label")).to_be_visible(timeout=60_000)
    expect(page.locator(".dhc-plot[data-drawn]:has(.heatmaplayer)")).to_be_visible()
    settled(page)
    screenshot("review-journey-flips", whole=True)
    assert "Traceback" not in server.log.read_text()


def _obeyed(before: RunInfo, after: RunInfo, marks: list[Mark]) -> None:
    """The second run learned from other labels, and not from what was left out."""
    assert after.config is not None
    assert after.config.data.review
    old, new = UsedPictures.of(before.folder), UsedPictures.of(after.folder)
    of_train = [mark for mark in marks if mark.split == "train"]
    gone = {mark.file for mark in of_train if mark.verdict == "leave-out"}
    others = {mark.file: mark.other for mark in of_train if mark.verdict == "relabel"}
    labels = dict(old.labels(old.train))
    assert new.labels(new.train) == {file: others.get(file, labels[file]) for file in labels if file not in gone}
    assert read_marks(after.folder / rundir.REVIEW)
