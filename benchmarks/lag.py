"""How long a batch's figures take to reach Live in Chromium, with very many runs about.

    python -m benchmarks.lag [--runs 1000] [--events 20]

A run that this process pretends to train gets one batch event after the other, each with an accuracy of its own; the clock stops
when that accuracy stands on the page. The other runs are those of `benchmarks.crowd`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.crowd import ROOT, furnish
from benchmarks.spread import spread

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]


def lags(root: Path, runs: int, events: int) -> list[float]:
    """Seconds from each event's writing to its accuracy on the page."""
    from harness import chromium_flags, chromium_path, start_server
    from make_run import make_run
    from playwright.sync_api import sync_playwright

    from dhc.runs.rundir import RunWriter

    runs_dir = root / f"runs-{runs}"
    folder = make_run(runs_dir, root / "data" / "stand-in-96", epochs=20, how="running", settings={"fit.epochs": 99})
    env = {"DHC_RUNS_DIR": str(runs_dir), "DHC_DATA_DIR": str(root / "data")}
    server = start_server(ROOT / "app.py", root / "server.log", env=env)
    seconds = []
    try:
        with sync_playwright() as playwright, RunWriter(folder) as writer:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_flags())
            page = browser.new_page()
            page.goto(f"{server.url}/live?run={folder.name}")
            page.get_by_text("Best val_accuracy").wait_for(timeout=60_000)
            page.wait_for_timeout(3_000)
            for number in range(events):
                accuracy = 0.101 + number / 1000
                start = time.perf_counter()
                figures = {"loss": 1.0, "accuracy": accuracy, "pictures_per_second": 900.0}
                writer.event("batch", epoch=21, position=20 + number / 100, **figures)
                page.get_by_text(f"{accuracy:.3f}", exact=True).wait_for(timeout=20_000)
                seconds.append(time.perf_counter() - start)
                page.wait_for_timeout(137)  # not in step with the page's own clock
            browser.close()
    finally:
        server.stop()
    return seconds


def main() -> None:
    """Print the lag's median, least and most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--events", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        furnish(Path(folder), options.runs, 250)
        seconds = lags(Path(folder), options.runs, options.events)
    print("| runs in the folder | events | seconds to the screen: median (least–most) |\n|---|---|---|")
    print(f"| {options.runs} | {len(seconds)} | {spread(seconds)} |")


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
