"""A tuner's errand in a real browser: find a rate, use it, change it on the way, stop, go on, compare, draw a sweep, read it, widen it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, form_filled, settled, wait_for
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.runs.contract import Request
from dhc.runs.course import Course
from dhc.runs.status import State
from dhc.runs.store import Store

pytestmark = pytest.mark.errand(seconds=90)

NETWORK = "model=cnn3-dropout&width=0.03125&conv_dropout=0.1&batch_size=16"


@pytest.fixture(scope="module")
def root(eight_classes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tuning")
    shutil.copytree(eight_classes, folder / "data" / "eight")
    yield folder
    kill_processes_of(folder)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


def test_from_a_rate_found_to_a_sweep_widened(
    page: Page, server: Server, root: Path, screenshot: Callable[..., Path]
) -> None:
    store = Store(root / "runs")

    # Find the rate, and use it.
    page.goto(f"{server.url}/train?{NETWORK}&epochs=400&patience=3")
    form_filled(page)
    page.get_by_text("Find the learning rate").click()
    page.get_by_role("button", name="Search", exact=True).click()
    use = page.get_by_role("button", name=re.compile(r"^Use .* \(valley\)"))
    expect(use).to_be_visible(timeout=60_000)
    settled(page)
    screenshot("tuning-rate")
    use.click()
    expect(page).to_have_url(re.compile("learning_rate="))
    expect(page.get_by_label("Initial learning rate", exact=True)).not_to_have_value(re.compile("^0.001$"))
    settled(page)

    # Start; change the rate while it trains; stop.
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/live\?run="))
    run_id = re.findall(r"run=([\w-]+)", page.url)[0]
    assert Request.of(root / "runs" / run_id).sought == store.searches()[0].id
    wait_for(lambda: store.run(run_id).epochs_done >= 4, "four epochs", 60)
    page.get_by_text("Change while it trains").click()
    rate = page.get_by_role("spinbutton", name="Learning rate")
    rate.fill("0.0007")
    rate.press("Tab")
    page.get_by_role("button", name="Change", exact=True).click()
    wait_for(lambda: bool(Course.of(root / "runs" / run_id).changes), "the change is made", 60)
    (change,) = Course.of(root / "runs" / run_id).changes
    assert (change.learning_rate, change.epoch > 4) == (0.0007, True)
    expect(page.get_by_text(f"From epoch {change.epoch} on: ")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop after this epoch").click()
    wait_for(lambda: store.run(run_id).state is State.STOPPED, "it has stopped", 60)
    epochs = store.run(run_id).epochs_done

    # Go on for four epochs; the child has the parent's, and four more.
    page.get_by_role("button", name="Go on…").first.click()  # the coach may offer it, too
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(1)
    more = dialog.get_by_role("spinbutton", name="More epochs")
    more.fill("4")
    more.press("Tab")
    settled(page)
    dialog.get_by_role("button", name="Start").click()
    expect(dialog).to_have_count(0)
    page.wait_for_url(re.compile(rf"run=(?!{run_id})"))
    child_id = re.findall(r"run=([\w-]+)", page.url)[0]
    wait_for(lambda: store.run(child_id).state is State.FINISHED, "the child has finished", 60)
    parent, child = (store.history(each).epochs for each in (run_id, child_id))
    assert len(child) == epochs + 4
    columns = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]
    assert child[columns][:epochs].equals(parent[columns]), "what was taken over is the parent's"

    # Child and parent side by side.
    page.get_by_role("link", name="Compare with the parent").click()
    page.wait_for_url(re.compile("/runs.*select="))
    expect(page.get_by_text("Curves").first).to_be_visible()
    settled(page)
    screenshot("tuning-child-and-parent")

    # Draw a sweep, read it, widen it.
    page.goto(
        f"{server.url}/train?{NETWORK}&schedule=constant&epochs=3&vary=learning_rate&learning_rate=1e-6,3e-3&design=sobol&draws=4"
    )
    form_filled(page)
    page.get_by_role("button", name="Start 4 runs").click()
    drawn = lambda: [info for info in store.runs() if info.design == "sobol"]  # noqa: E731
    wait_for(lambda: [info.state for info in drawn()] == 4 * [State.FINISHED], "the sweep has ended", 90)
    page.goto(f"{server.url}/runs?select={','.join(info.id for info in drawn())}&panel=reading")
    widen = page.get_by_role("button", name=re.compile("^Try .* too$"))
    expect(widen).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("another .* runs|more runs", re.IGNORECASE)).first).to_be_visible()
    settled(page)
    screenshot("tuning-reading")
    before = len(store.runs())
    widen.click()
    wait_for(lambda: len(store.runs()) > before, "further runs are queued")
    assert "Traceback" not in server.log.read_text()
