"""How long each screen's script takes with many runs, and when the first page stands.

    python -m benchmarks.screens [--runs 50] [--epochs 60]

The runs are written by the tests' `make_run` on a small stand-in data set of 96 classes. Script times are those of Streamlit's
AppTest in one process, the median of five runs after the first; the first page is timed in a real Chromium, from starting the server.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

SCREENS = ("home", "data", "train", "live", "runs", "mistakes", "confusion")


def furnish(root: Path, runs: int, epochs: int) -> None:
    """A data set of 96 classes and 1,000 val pictures, and so many finished runs on it."""
    from make_run import make_run

    from dhc.data.standin.generate import make_dataset

    make_dataset(root / "data" / "set", classes=96, train=960, val=1000, test=0)
    for number in range(runs):
        make_run(
            root / "runs", root / "data" / "set", epochs=epochs, run_id=f"20260101-{number:06d}-vgg16-0000", seed=number
        )


def script_times(screen: str, repeats: int = 5) -> list[float]:
    """Seconds of the first and of later runs of one screen's script."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["run"] = "20260101-000000-vgg16-0000"
    if screen != "home":
        app.switch_page(f"pages/{screen}.py")
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - start)
        assert not app.exception, app.exception
    return times


def first_page(root: Path) -> float:
    """Seconds from starting the server to the title in a browser."""
    from harness import chromium_flags, chromium_path, start_server
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_flags())
        page = browser.new_page()
        start = time.perf_counter()
        server = start_server(ROOT / "app.py", root / "server.log", env=dict(os.environ))
        page.goto(server.url)
        page.wait_for_selector("h1")
        seconds = time.perf_counter() - start
        browser.close()
        server.stop()
    return seconds


def main() -> None:
    """Furnish a house, time its screens and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        furnish(root, options.runs, options.epochs)
        os.environ.update(
            {
                "DHC_RUNS_DIR": str(root / "runs"),
                "DHC_DATA_DIR": str(root / "data"),
                "XDG_CACHE_HOME": str(root / "cache"),
            }
        )
        print(
            f"\nfirst page {first_page(root):.1f} s after starting the server; {options.runs} runs of {options.epochs} epochs in the folder\n"
        )
        print("| screen | script, median ms | first time ms |")
        print("|---|---|---|")
        for screen in SCREENS:
            first, *later = script_times(screen)
            print(f"| {screen} | {1000 * statistics.median(later):.0f} | {1000 * first:.0f} |", flush=True)


if __name__ == "__main__":
    main()
