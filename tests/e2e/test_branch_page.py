"""Going on with a run in a real browser: the dialog over Live, its drawing, and the child that is started."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archives import network, write_state
from harness import Server, fits, settled
from make_run import make_run
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.runs import rundir
from dhc.runs.contract import Labels
from dhc.runs.store import Store

RUN, BUSY = "20260101-000000-vgg16-000a", "20260102-000000-vgg16-000b"


@pytest.fixture(scope="module")
def runs(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run that kept two states, and one that trains, behind which every other waits."""
    folder = tmp_path_factory.mktemp("runs")
    settings = {"model.width": 1 / 16, "schedule.patience": 2}
    base = make_run(folder, tiny_data, run_id=RUN, epochs=6, settings=settings)
    Labels(name="base").write(base)
    (base / rundir.BEST).write_bytes(network())
    for epoch in (3, 6):
        write_state(base / rundir.STATES, epoch)
    make_run(folder, tiny_data, run_id=BUSY, epochs=2, how="running")
    yield folder
    kill_processes_of(folder)


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], runs: Path, tiny_data: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(runs), "DHC_DATA_DIR": str(tiny_data.parent)})


def test_a_run_is_gone_on_with_from_an_earlier_epoch_and_the_child_shows_where_it_comes_from(
    page: Page, server: Server, runs: Path
) -> None:
    page.goto(f"{server.url}/live?run={RUN}")
    go_on = page.get_by_role("button", name="Go on…").first  # the coach may offer it, too
    go_on.click(timeout=60_000)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("the plateau has waited")).to_be_visible()
    expect(dialog.locator(".dhc-plot[data-drawn]")).to_have_count(1)
    settled(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page).not_to_have_url(re.compile("go_on"))
    settled(page)
    go_on.click()
    expect(page).to_have_url(re.compile("go_on"))
    settled(page)
    dialog.get_by_role("combobox", name="From").click()
    page.get_by_role("option", name="epoch 3").click()
    expect(dialog.get_by_text("The learning rate of epoch 3 was")).to_be_visible()
    settled(page)
    dialog.get_by_role("radio", name="Restart").click()
    expect(dialog.get_by_text("The rate begins anew at 0.001")).to_be_visible()
    expect(dialog.get_by_placeholder("schedule anew from epoch 3")).to_be_visible()
    settled(page)
    dialog.get_by_role("button", name="Start").click()
    expect(page.get_by_role("link", name="From base, epoch 3")).to_be_visible()
    expect(dialog).to_have_count(0)
    (child,) = [info for info in Store(runs).runs() if info.course.branches]
    expect(page).to_have_url(re.compile(f"run={child.id}$"))
    expect(page.locator(".dhc-plot[data-drawn]").get_by_text("from base, epoch 3").first).to_be_visible()
    fits(page)
