"""100 runs of 250 epochs overlaid: from the click to the curves in Chromium.

    python -m benchmarks.overlay [--runs 100] [--epochs 250] [--repeats 5]

The runs are written by the tests' `make_run`. A small app draws `dhc.ui.runs.compare.curves` of none of them (the chart library is loaded by then), and at a click of all. The
browser has no GPU. Times end with the second frame after the chart was drawn. Script times are those of Streamlit's AppTest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from harness import chromium_flags, chromium_path, settled, start_server  # noqa: E402
from make_run import make_run  # noqa: E402

from benchmarks.spread import spread  # noqa: E402
from dhc.data.standin.generate import make_dataset  # noqa: E402

APP = """
import streamlit as st
from dhc.ui.shell import session
from dhc.ui.runs.compare import curves
from dhc.ui.shell.frame import frame
frame("Runs", ":material/table_rows:")
curves.draw(session.store().runs() if st.toggle("All runs") else [])
"""
# The texts of what is clicked, one after the other.
CLICKS = ("All runs", "Val only", "Time", "learning rate")
_WATCH = """() => {
  const watch = window.dhcWatch = { start: 0, end: 0 };
  const drawn = () => document.querySelector('.dhc-plot')?.dataset.drawn;
  const before = drawn();
  addEventListener('pointerup', () => { watch.start = performance.now(); }, { capture: true, once: true });
  const look = () => {
    if (!watch.start || drawn() === before) { requestAnimationFrame(look); return; }
    requestAnimationFrame(() => requestAnimationFrame(() => { watch.end = performance.now(); }));
  };
  look();
}"""


def furnish(root: Path, runs: int, epochs: int) -> None:
    """A small data set, and finished runs on it that differ in LR factor, dropout and seed."""
    data = root / "data" / "set"
    make_dataset(data, classes=12, train=120, val=240, test=0)
    for number in range(runs):
        factor, dropout = (0.3, 0.5, 0.8)[number % 3], (0.1, 0.4)[number % 2]
        settings = {"schedule.factor": factor, "model.conv_dropout": dropout, "fit.seed": number}
        course = {"epochs": epochs, "best_epoch": epochs - number % 50, "accuracy": 0.5 + 0.4 * number / runs}
        run_id = f"20260101-{number:06d}-vgg16-0000"
        make_run(root / "runs", data, run_id=run_id, seed=number, settings=settings, **course)


def script_seconds(app: Path, repeats: int) -> tuple[float, float]:
    """Seconds of the first script run that draws all runs, and the median of later ones.

    The first one reads the runs' folders.
    """
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_file(str(app), default_timeout=120).run()
    times = [_timed(lambda: at.toggle[0].set_value(True).run())]
    times += [_timed(at.run) for _ in range(repeats)]
    assert not at.exception, at.exception
    return times[0], statistics.median(times[1:])


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def browser_seconds(page: Page, url: str) -> dict[str, float]:
    """Seconds from each click to its picture, by the text of what is clicked, in a fresh page."""
    page.goto(url)
    page.wait_for_selector(".dhc-plot[data-drawn]")
    settled(page)
    seconds = {text: _to_picture(page, text) for text in CLICKS}
    seconds["a name in the legend"] = _isolate(page)
    return seconds


def _to_picture(page: Page, text: str) -> float:
    page.evaluate(_WATCH)
    page.get_by_text(text, exact=True).first.click()
    page.wait_for_function("window.dhcWatch.end > 0", timeout=60_000)
    settled(page)
    return float(page.evaluate("(window.dhcWatch.end - window.dhcWatch.start) / 1000"))


def _isolate(page: Page) -> float:
    """Seconds from the click on a legend entry to one run alone.

    Plotly waits 0.3 s of them for a double click.
    """
    page.evaluate("""() => {
      const watch = window.dhcWatch = { start: 0, end: 0 };
      addEventListener('mouseup', () => { watch.start = performance.now(); }, { capture: true, once: true });
      document.querySelector('.dhc-plot-area').on('plotly_afterplot', () => {
        requestAnimationFrame(() => requestAnimationFrame(() => { watch.end ||= performance.now(); }));
      });
    }""")
    page.locator(".legendtoggle").nth(1).click()
    page.wait_for_function("window.dhcWatch.end > 0", timeout=60_000)
    return float(page.evaluate("(window.dhcWatch.end - window.dhcWatch.start) / 1000"))


def main() -> None:
    """Furnish a house, time the script and the browser, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        furnish(root, options.runs, options.epochs)
        names = {"DHC_RUNS_DIR": root / "runs", "DHC_DATA_DIR": root / "data", "XDG_CACHE_HOME": root / "cache"}
        os.environ.update({name: str(path) for name, path in names.items()} | {"PYTHONPATH": str(ROOT)})
        app = root / "app.py"
        app.write_text(APP, encoding="utf-8")
        first, later = script_seconds(app, options.repeats)
        print(f"\n{options.runs} runs of {options.epochs} epochs, accuracy and loss, train and val")
        print(f"script: {1000 * first:.0f} ms the first time, which reads the runs, then {1000 * later:.0f} ms\n")
        rounds = _rounds(app, root, options.repeats)
    print("| click on | seconds to the picture: median (least–most) |\n|---|---|")
    for text in rounds[0]:
        times = [one[text] for one in rounds]
        print(f"| {text} | {spread(times)} |")


def _rounds(app: Path, root: Path, repeats: int) -> list[dict[str, float]]:
    server = start_server(app, root / "server.log", env=dict(os.environ))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_flags())
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            rounds = [browser_seconds(context.new_page(), server.url) for _ in range(repeats)]
            browser.close()
        return rounds
    finally:
        server.stop()


if __name__ == "__main__":
    main()
