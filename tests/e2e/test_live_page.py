"""Live in a real browser: a zoom that outlives every tick, labels that cover nothing, the tab that tells how far the run is."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from harness import ROOT, Server, dress, settled, still, wait_for
from make_run import make_run
from playwright.sync_api import BrowserContext, Page, expect

from dhc.data.standin.generate import make_dataset
from dhc.runs import rundir
from dhc.runs.contract import write_exit
from dhc.runs.status import ends_after_epoch
from dhc.runs.store import Store
from e2e.conftest import Watch

CHARTS = ("Accuracy", "Loss", "Learning rate", "Utilization")
EPOCHS = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("live")
    make_dataset(root / "data" / "tiny", classes=3, train=24, val=9, test=6, seed=1)
    return root


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server], house: Path) -> Server:
    return serve("app.py", env={"DHC_RUNS_DIR": str(house / "runs"), "DHC_DATA_DIR": str(house / "data")})


@pytest.fixture(scope="module")
def training(house: Path) -> Iterator[Path]:
    """A run that this very process seems to train, two epochs of it done; the tests say how it goes on."""
    folder = make_run(
        house / "runs",
        house / "data" / "tiny",
        run_id="20260101-000000-vgg16-000a",
        epochs=2,
        accuracy=1 / 3,
        how="running",
        settings={"fit.epochs": EPOCHS},
    )
    yield folder
    if not (folder / rundir.EXIT).exists():
        write_exit(folder, "stopped", "the test is over")


# A headless Chromium grants nobody messages, so here the browser's side of them is played.
MESSAGES = """
  window.messages = [];
  window.asked = 0;
  window.Notification = class {
    static permission = 'default';
    static async requestPermission() { window.asked += 1; return (this.permission = 'granted'); }
    constructor(text, about) { window.messages.push([text, about.tag]); }
  };
"""


@pytest.fixture(scope="module")
def opened(profile: BrowserContext) -> Iterator[tuple[Page, Watch]]:
    page, watch = profile.new_page(), Watch()
    watch.attach(page)
    dress(page, "light", 1280)
    page.add_init_script(MESSAGES)
    yield page, watch
    page.close()


@pytest.fixture
def page(opened: tuple[Page, Watch]) -> Iterator[Page]:
    """One page for all of these tests, as the test before left it: each goes on with what it shows."""
    page, watch = opened
    yield page
    assert not watch.outside + watch.errors


def done(folder: Path) -> int:
    """How many epochs are recorded."""
    return Store(folder.parent).run(folder.name).epochs_done


def open_live(page: Page, server: Server, training: Path) -> None:
    """Show the run on Live, unless it is there already."""
    if f"/live?run={training.name}" not in page.url:
        page.goto(f"{server.url}/live?run={training.name}")
    expect(page.locator(".dhc-plot[data-drawn]")).to_have_count(4, timeout=60_000)
    settled(page)


def train_on(folder: Path, epochs: Sequence[int], *, seconds: float = 10.0) -> None:
    """Append what a training writes in these epochs."""
    with rundir.RunWriter(folder) as writer:
        for epoch in epochs:
            figures = {"loss": 3 / epoch, "accuracy": 0.9 - 0.8 / epoch}
            for part in (0.5, 1.0):
                writer.event("batch", epoch=epoch, position=epoch - 1 + part, pictures_per_second=100.0, **figures)
            writer.event("gpu", memory_used=20_000 + epoch, memory=81_559, utilization=90, temperature=60)
            val = {"val_loss": 3.5 / epoch, "val_accuracy": 0.8 - 0.8 / epoch, "learning_rate": 1e-3 * 0.9**epoch}
            writer.event("epoch", epoch=epoch, seconds=seconds, best=True, pictures_per_second=100.0, **figures, **val)


def area(name: str) -> str:
    return f'.dhc-plot-area[aria-label^="{name}"]'


def ranges(page: Page, name: str) -> list[list[float]]:
    found: list[list[float]] = page.locator(area(name)).evaluate(
        "plot => [plot._fullLayout.xaxis.range, plot._fullLayout.yaxis.range]"
    )
    return found


def drag(page: Page, name: str, start: tuple[float, float], end: tuple[float, float], *, key: str = "") -> None:
    """Drag over a chart from one place to another, as shares of it."""
    page.locator(area(name)).scroll_into_view_if_needed()
    box = still(page.locator(f"{area(name)} .nsewdrag").first)
    if key:
        page.keyboard.down(key)
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=6)
    page.mouse.up()
    if key:
        page.keyboard.up(key)
    page.wait_for_timeout(400)  # Plotly waits as long for the second half of a double click


def await_epoch(page: Page, epoch: int) -> None:
    """Wait until every chart shows it."""
    for name in CHARTS[:3]:
        page.wait_for_function(
            "([plot, epoch]) => document.querySelector(plot)._fullData.some(trace => Math.max(...(trace.x ?? [])) >= epoch)",
            arg=[area(name), epoch],
            timeout=60_000,
        )


def test_a_zoom_on_the_overlaid_curves_stays_while_one_of_their_runs_trains(
    page: Page, server: Server, training: Path
) -> None:
    page.goto(f"{server.url}/runs?select={training.name}&panel=curves")
    chart = '.dhc-plot-area[aria-label*="by epoch"]'
    page.wait_for_selector(f".dhc-plot[data-drawn] {chart}", timeout=60_000)
    settled(page)
    ends = f"Math.max(...document.querySelector('{chart}')._fullData.flatMap(trace => [...trace.x]))"
    assert page.evaluate(ends) == 2
    page.locator(chart).scroll_into_view_if_needed()
    box = still(page.locator(f"{chart} .nsewdrag").first)
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=6)
    page.mouse.up()
    now = f"[document.querySelector('{chart}')._fullLayout].map(l => [...l.xaxis.range, ...l.yaxis.range])"
    page.wait_for_function(f"document.querySelector('{chart}')._fullLayout.xaxis.range[0] > 0.5")
    zoomed = page.evaluate(now)
    train_on(training, range(3, 5))
    page.wait_for_function(f"{ends} >= 4", timeout=60_000)
    assert page.evaluate(now) == zoomed
    page.get_by_role("link", name="Live", exact=True).first.click()  # where the tests below go on
    page.wait_for_url(f"**/live?run={training.name}*")


def test_a_zoom_and_a_pan_stay_while_the_run_and_its_axes_grow_until_a_double_click(
    page: Page, server: Server, training: Path
) -> None:
    open_live(page, server, training)
    train_on(training, range(done(training) + 1, 5))
    await_epoch(page, 4)
    for name in CHARTS:
        before = ranges(page, name)
        drag(page, name, (0.3, 0.3), (0.7, 0.7))
        wait_for(lambda name=name, before=before: ranges(page, name) != before, f"{name} is zoomed")  # type: ignore[misc]
    zoomed = {name: ranges(page, name) for name in CHARTS}
    for last, new in itertools.pairwise((4, 9, 16)):  # each goes beyond an edge of the axis
        train_on(training, range(last + 1, new + 1))
        await_epoch(page, new)
        assert {name: ranges(page, name) for name in CHARTS} == zoomed
    drag(page, "Accuracy", (0.6, 0.5), (0.3, 0.6), key="Shift")
    panned = ranges(page, "Accuracy")
    assert panned != zoomed["Accuracy"]
    train_on(training, range(17, 25))
    await_epoch(page, 24)
    assert ranges(page, "Accuracy") == panned
    assert ranges(page, "Loss") == zoomed["Loss"]
    for name, end in (("Accuracy", 30.6), ("Learning rate", 30.6)):
        page.locator(area(name)).scroll_into_view_if_needed()
        box = still(page.locator(f"{area(name)} .nsewdrag").first)
        page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        wait_for(lambda name=name, end=end: ranges(page, name)[0] == [0, end], f"{name} shows all of itself")  # type: ignore[misc]
    train_on(training, range(25, 32))
    await_epoch(page, 31)
    assert ranges(page, "Accuracy")[0] == [0, 40.8]
    assert ranges(page, "Loss") == zoomed["Loss"]
    assert ranges(page, "Loss")[1][0] >= 0


def test_what_one_types_of_a_change_stays_while_the_run_ticks(page: Page, server: Server, training: Path) -> None:
    open_live(page, server, training)
    new = done(training) + 1
    page.get_by_text("Change while it trains").click()
    patience, factor = (page.locator(f'input[aria-label="{name}"]') for name in ("Patience", "LR factor"))
    expect(factor).to_have_value("0.8")
    patience.fill("5")  # and no Enter: only the browser knows of it
    train_on(training, [new])
    await_epoch(page, new)
    expect(patience).to_have_value("5")
    patience.press("Enter")
    sentence = page.get_by_text("patience 22 → 5")
    expect(sentence).to_contain_text(f"From epoch {new + 2} on")
    expect(factor).to_have_value("0.8")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("button", name="Take back")).to_be_visible()
    assert rundir.read_json(training / rundir.CHANGE, 1_000)["patience"] == 5  # type: ignore[index]
    (training / rundir.CHANGE).unlink()
    with rundir.RunWriter(training) as writer:
        writer.event("change", epoch=new + 1, patience=[22, 5])
    train_on(training, [new + 1])
    expect(page.get_by_text(f"From epoch {new + 1} on: patience 22 → 5.")).to_be_visible()
    expect(page.get_by_role("button", name="Take back")).to_be_hidden()


BOXES = """plot => {
  const boxes = [...plot.querySelectorAll('.textpoint, .xtick text, .ytick text, .annotation-text, .legend, .xtitle, .ytitle, .nsewdrag.drag')]
    .filter(node => node.getBoundingClientRect().width && getComputedStyle(node).visibility !== 'hidden')
    .map(node => [node.classList.contains('nsewdrag') ? 'area' : node.textContent, node.getBoundingClientRect()]);
  return boxes.map(([text, box]) => [text, box.left, box.top, box.right, box.bottom]);
}"""
Box = tuple[str, float, float, float, float]
WINDOWS = ((600, 900), (853, 480), (1280, 720), (1024, 576), (1900, 1000), (700, 700))
FIRST_SCREENS = ((853, 480), (1024, 576), (1280, 720))


def overlaps(boxes: Sequence[Box]) -> list[tuple[str, str]]:
    """Pairs of labels that cover each other by more than a hair."""
    pairs = itertools.combinations([box for box in boxes if box[0] != "area"], 2)
    return [
        (a[0], b[0])
        for a, b in pairs
        if min(a[3], b[3]) - max(a[1], b[1]) > 1 and min(a[4], b[4]) - max(a[2], b[2]) > 1
    ]


def misplaced(page: Page, name: str) -> list[tuple[str, str]]:
    """What stands on something else in a chart: two labels, or the legend on the curves."""
    boxes: list[Box] = page.locator(area(name)).evaluate(BOXES)
    top = next(box[2] for box in boxes if box[0] == "area")
    legend = [box for box in boxes if "each batch" in box[0]]
    return overlaps(boxes) + [("legend", "curves") for box in legend if box[4] > top + 1]


def labels_stand_apart(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    settled(page)
    still(page.locator(f"{area('Loss')} .nsewdrag").first)
    for name in CHARTS[:3]:
        wait_for(lambda name=name: not misplaced(page, name), f"{name} at {width}: {misplaced(page, name)}", 5)  # type: ignore[misc]


def test_no_label_covers_another_where_the_rate_drops_again_and_again(
    page: Page, server: Server, training: Path
) -> None:
    open_live(page, server, training)
    labels = page.locator(f"{area('Accuracy')} .textpoint, {area('Accuracy')} .annotation-text")
    before = labels.count()
    with rundir.RunWriter(training) as writer:  # in a small chart not every one of their labels has room
        for epoch in (5, 9, 13, 17, 18, 30):
            writer.event("lr", epoch=epoch, old=0.000125, new=0.000124)
    last = done(training) + 1
    train_on(training, range(last, last + 1))
    await_epoch(page, last)
    wait_for(lambda: labels.count() > before, "the drops have their labels")
    for window in WINDOWS[-2:]:
        labels_stand_apart(page, *window)
    dress(page, "light", 1280)


ICON = "document.querySelector('link[rel~=icon]').getAttribute('href')"


def test_the_tab_tells_how_far_the_run_is_and_a_message_comes_at_its_end_if_asked_for(
    page: Page, server: Server, training: Path
) -> None:
    open_live(page, server, training)
    last, new = done(training), EPOCHS - 2
    expect(page).to_have_title(re.compile(rf"^{last + 1}/40 · 0\.\d\d · .+ · Live$"), timeout=60_000)
    assert page.evaluate(ICON).startswith("data:image/png")
    early = page.evaluate(ICON)
    bell = page.get_by_role("button", name="Notify me")
    expect(bell).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("window.asked") == 0
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.asked") == 1
    train_on(training, range(last + 1, new + 1))
    expect(page).to_have_title(re.compile(rf"^{new + 1}/40 · 0\.78 · .+ · Live$"))
    assert page.evaluate(ICON) != early
    expect(page.get_by_text(re.compile(rf"Epoch {new + 1} of 40, about .* left"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=False).first.click()
    page.get_by_role("button", name="Stop after this epoch").click()
    expect(page.get_by_text(f"stops after epoch {new + 1}")).to_be_visible()
    assert ends_after_epoch(training)
    expect(page.get_by_role("button", name="Stop now")).to_be_visible()
    write_exit(training, "stopped", f"stopped after epoch {new + 1}, on request", cause="stop", code=0)
    expect(page).to_have_title(re.compile(r"^stopped · 0\.78 · .+ · Live$"))
    expect(bell).to_be_hidden()
    (message,) = page.evaluate("window.messages")
    assert re.fullmatch(r".+: stopped, best val_accuracy 0\.779", message[0])
    assert message[1] == training.name
    page.get_by_role("link", name="Mistakes").first.click()
    expect(page).to_have_title("Mistakes · Deep Hallucination Classification")
    page.wait_for_function(
        "!document.querySelector('link[rel~=icon]').getAttribute('href').startsWith('data:image/png')"
    )


def test_no_label_covers_another_in_any_window_and_the_first_curve_stands_in_the_first_screen(
    page: Page, server: Server, house: Path, screenshot: Callable[..., Path]
) -> None:
    example, next_best = "20261124-042501-vgg16-747c", "20261124-035327-vgg16-71c3"
    for name in (example, next_best):
        shutil.copytree(ROOT / "runs" / name, house / "runs" / name)
    page.set_viewport_size({"width": 600, "height": 900})
    page.goto(f"{server.url}/live?run={example}")
    expect(page.locator(".dhc-plot[data-drawn]")).to_have_count(3, timeout=60_000)
    for window in WINDOWS:
        labels_stand_apart(page, *window)
        if window in FIRST_SCREENS:
            box = still(page.locator(area("Accuracy")))
            assert box["y"] + box["height"] <= window[1]
    screenshot("live")
    expect(page.locator(".st-key-dhc-live-ended")).to_contain_text("The best of 2 runs on these pictures; next is")
    compare = page.get_by_role("link", name="Compare with VGG16")
    compare.click()
    page.wait_for_url(re.compile("/runs.*select="))
    expect(page.get_by_text("Real or noise?").first).to_be_visible()
