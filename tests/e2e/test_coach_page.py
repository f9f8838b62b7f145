"""The curve coach in a real browser: from a mark on Live into the Train form with the change, and a bet against the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Server, form_filled, settled
from make_run import LEARNING_RATE, make_run
from playwright.sync_api import Page, expect

from dhc.data.standin.generate import make_dataset
from dhc.runs import rundir

RUN = "20260101-000000-vgg16-000a"
VAL_LOSS = [2.8, 2.2, 1.8, 1.7, 1.9, 2.1, 2.4, 2.7, 3.0, 3.3]


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """One run whose val_loss rises from its fourth epoch on."""
    root = tmp_path_factory.mktemp("coach")
    make_dataset(root / "data" / "tiny", classes=3, train=24, val=9, test=6, seed=1)
    folder = make_run(root / "runs", root / "data" / "tiny", run_id=RUN, epochs=10, accuracy=0.6)
    (folder / rundir.EVENTS).unlink()
    with rundir.RunWriter(folder) as writer:
        for epoch, val_loss in enumerate(VAL_LOSS, start=1):
            writer.event(
                "epoch", epoch=epoch, loss=3 / epoch, accuracy=0.5 + 0.04 * epoch, val_loss=val_loss, val_accuracy=0.6,
                learning_rate=LEARNING_RATE, seconds=10.0, pictures_per_second=900.0, best=epoch == 1,
            )  # fmt: skip
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")})


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280)], indirect=True)
def test_a_mark_leads_into_the_form_with_its_change_and_a_bet_may_be_made_against_the_run(
    page: Page, server: Server, theme: str, width: int, screenshot: Callable[..., Path]
) -> None:
    page.goto(f"{server.url}/live?run={RUN}")
    expect(page.locator(".dhc-plot[data-drawn]")).to_have_count(3, timeout=60_000)
    settled(page)
    expect(page.get_by_text("What the curve says")).to_be_visible()
    expect(page.locator(".st-key-dhc_coach_overfitting")).to_contain_text("rose 5 epochs in a row up to epoch 10")
    screenshot(f"coach-{theme}-{width}", whole=True)
    page.get_by_role("button", name="Clone with conv_dropout 0.6 → 0.7, dense_dropout 0.7 → 0.8").click()
    page.wait_for_url("**/train*")
    form_filled(page)
    expect(page.get_by_role("spinbutton", name="Dropout after each conv group")).to_have_value("0.7")
    page.get_by_text("Bet before you run").click()
    points = page.get_by_role("spinbutton", name="val_accuracy, points")
    points.fill("1")
    points.press("Enter")
    expect(page.get_by_text("Your bet: val_accuracy")).to_be_visible()
    expect(points).to_have_value("1")
    screenshot(f"bet-{theme}-{width}")
