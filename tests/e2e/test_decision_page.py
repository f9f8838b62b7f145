"""Ten finished runs → which one to keep, in a real browser: the sentence at no click, its reasons, star, clone and repeats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Server, go, settled, wait_for
from make_run import make_run
from playwright.sync_api import Page, expect
from processes import kill_processes_of

from dhc.data.standin.generate import make_dataset
from dhc.runs.labels import read_labels
from dhc.runs.store import Store

BEST, TIED = "20260102-000004-vgg16-000a", "20260102-000003-vgg16-000a,20260102-000005-vgg16-000a"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nine networks by dropout and LR factor and one of nearest neighbours, ended; one that trains; on one data set of 200 val pictures."""
    folder = tmp_path_factory.mktemp("decision")
    make_dataset(folder / "data" / "eight", classes=8, train=80, val=200, test=8, processes=1)
    for number in range(9):
        dropout, factor = divmod(number, 3)
        accuracy = 0.86 - 0.05 * abs(dropout - 1) - 0.06 * abs(factor - 1)
        settings = {"model.conv_dropout": (0.1, 0.2, 0.4)[dropout], "schedule.factor": (0.3, 0.5, 0.8)[factor]}
        run_id = f"20260102-00000{number}-vgg16-000a"
        make_run(
            folder / "runs",
            folder / "data" / "eight",
            run_id=run_id,
            accuracy=accuracy,
            epochs=3,
            seed=number,
            settings=settings | {"model.width": 0.03125},
        )
    knn = {"model.name": "knn", "knn.k": 5}
    make_run(
        folder / "runs",
        folder / "data" / "eight",
        run_id="20260102-000009-knn-000a",
        accuracy=0.3,
        epochs=1,
        settings=knn,
    )
    # Holds the CPU as long as the test is there: the repeats stay in the queue.
    make_run(folder / "runs", folder / "data" / "eight", run_id="20260102-000010-vgg16-000a", how="running", epochs=2)
    yield folder
    kill_processes_of(folder / "runs")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], root: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}, forks=True)


def test_ten_runs_say_which_to_keep_at_no_click_and_its_buttons_work(
    page: Page, server: Server, root: Path, looks: Callable[..., list[Path]]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{server.url}/runs")
    box = page.locator(".st-key-dhc-decision")
    sentence = re.compile(
        r"Keep dropout 0\.2, factor 0\.5 \(0\.860\)\. Next (is|are) dropout 0\.\d( and one more)?, 5\.0 points \(10 of 200 pictures\) behind: luck 1 in \d+"
    )
    expect(box).to_contain_text(sentence, timeout=60_000)
    settled(page)
    place = box.bounding_box()
    assert place is not None
    assert place["height"] <= 120, "it is compact"
    looks("decision")

    box.get_by_role("button", name="Why?").click()
    expect(page.get_by_text("McNemar's exact test on the best run of each")).to_be_visible()
    expect(page.get_by_text("not the chance that the second is better")).to_be_visible()
    page.keyboard.press("Escape")
    box.get_by_role("button", name="Star").click()
    wait_for(lambda: read_labels(root / "runs" / BEST).star, "the best run is starred")
    settled(page)

    go(page, f"/runs?select={TIED}")
    expect(box).to_contain_text("factor 0.3 and factor 0.8 are tied (0.800): keep either.")
    expect(box.get_by_role("button", name=re.compile("repeat"))).to_have_count(0)

    go(page, "/runs")
    repeat = box.get_by_role("button", name=re.compile("Run the [0-9]+ repeats"))
    expect(repeat).to_be_visible()
    settled(page)
    count = int(re.findall("[0-9]+", repeat.inner_text())[-1])
    repeat.click()
    expect(box).to_contain_text("of their repeats are under way")
    repeats = [info for info in Store(root / "runs").runs() if info.group.startswith("Repeats")]
    assert len(repeats) == count
    assert all(info.config is not None and info.config.fit.seed > 0 for info in repeats)
    settled(page)
    box.get_by_role("button", name="Clone").click()
    page.wait_for_url("**/train**")
    expect(page.get_by_label("LR factor", exact=True).first).to_have_value("0.5", timeout=60_000)
