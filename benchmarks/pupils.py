"""A class before the read-only view: the server's memory by browser, all at once, and its work while a run trains.

    python -m benchmarks.pupils [--browsers 30] [--seconds 20]

Each browser is a session of its own that speaks Streamlit's protocol and draws nothing. The runs are written by the tests'
`make_run` on a small stand-in data set of 96 classes; one of them seems to train.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

from browsers import Browser  # noqa: E402

from benchmarks.screens import furnish  # noqa: E402

PAGES = ("", "data", "train", "live", "runs", "mistakes", "confusion", "ladder")
LIVE = "20260202-000000-vgg16-0000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    from harness import start_server
    from make_run import make_run

    with tempfile.TemporaryDirectory() as folder, ExitStack() as class_:
        root = Path(folder)
        furnish(root, runs=20, epochs=30)
        make_run(root / "runs", root / "data" / "set", epochs=30, run_id=LIVE, how="running")
        env = {"DHC_SHARE": "read", "DHC_RUNS_DIR": str(root / "runs"), "DHC_DATA_DIR": str(root / "data")}
        server = start_server(ROOT / "app.py", root / "log", env=env)
        class_.callback(server.stop)
        process = psutil.Process(server.process.pid)
        first = class_.enter_context(Browser(server.url))
        visit([first])
        alone = process.memory_info().rss
        others = [class_.enter_context(Browser(server.url)) for _ in range(arguments.browsers - 1)]
        visit(others)
        together = process.memory_info().rss
        browsers = [first, *others]
        print(f"memory, one browser on all pages: {alone / 2**20:.0f} MB")
        print(f"memory, each of {len(browsers)}: {(together - alone) / 2**20:+.1f} MB in all")
        seconds, cpu = timed(process, browsers, lambda browser: browser.open("confusion"))
        print(f"Confusion, all at once: the last after {seconds:.1f} s, {cpu:.1f} s of CPU")
        print(f"Live of a run that trains: {watched(process, browsers, arguments.seconds):.2f} of a core")


def visit(browsers: Sequence[Browser]) -> None:
    """Every page in every browser."""
    for browser in browsers:
        for page in PAGES:
            browser.open(page)


def timed(
    process: psutil.Process, browsers: Sequence[Browser], act: Callable[[Browser], object]
) -> tuple[float, float]:
    """Do something in all browsers at once; the seconds until the last is done, and the server's CPU seconds."""
    before, start = process.cpu_times(), time.perf_counter()
    threads = [threading.Thread(target=act, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, after = time.perf_counter() - start, process.cpu_times()
    return seconds, after.user + after.system - before.user - before.system


def watched(process: psutil.Process, browsers: Sequence[Browser], seconds: float) -> float:
    """The share of a core that the server takes while all browsers look at a live run, each at the pace it was given."""
    end = time.monotonic() + seconds + 5

    def look(browser: Browser) -> None:
        parts = browser.open("live", run=LIVE).ticks
        assert parts, "the run does not seem to train"
        while time.monotonic() < end:
            for part, pause in parts.items():
                browser.tick(part)
                time.sleep(pause)

    threads = [threading.Thread(target=look, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    time.sleep(5)
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    for thread in threads:
        thread.join()
    return (after.user + after.system - before.user - before.system) / seconds


if __name__ == "__main__":
    main()
