"""What very many runs cost: the listing, the screens, the server's memory, and a hundred trainings at once.

    python -m benchmarks.scale [--runs 0 100 1000 3000 10000] [--trainings 100]

The runs are those of `benchmarks.crowd`. Each row but the browser's is a process of its own, as after a server's start. *Cold* is
its first listing or its screen's first script, imports and all; *warm* the median (least–most) of later ones, in seconds and, beside them, in seconds of a core, which a busy machine changes less; the memory is the process's own
(resident). All files lie in the system's page cache, since they were written just before. The index of lines is empty for the row
``listing, no index``, and whole for those after it. The browser's rows are of a real server and Chromium. The hundred trainings are those of
`benchmarks.trainings`, beside the most of the runs.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.crowd import ROOT, furnish

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e")]

SCREENS = ("home", "runs", "search", "live", "ladder")
QUERIES = ("acc>0.6", "state=failed", "tag has wide", "patience<10", "factor=0.5 acc<0.7", "try 1")
LATER = 5
COUNT = re.compile(r"^[\d,]+ runs?, 0 selected")
CELL = "canvas[data-testid=data-grid-canvas]"


def memory(pid: int | str = "self") -> float:
    """MB that a process has resident; 0.0 where the system has no /proc."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1000
    return 0.0


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock, and of a core, None where nobody looked; of a median, the least and the most by the clock."""

    wall: float
    cpu: float | None = None
    span: tuple[float, float] | None = None


def _timed(action: Callable[[], object], process: psutil.Process | None = None) -> Cost:
    """The cost of an action, to this process or to another one."""

    def cpu() -> float:
        return time.process_time() if process is None else sum(process.cpu_times()[:2])

    start, used = time.perf_counter(), cpu()
    action()
    return Cost(time.perf_counter() - start, cpu() - used)


def _median(costs: Sequence[Cost]) -> Cost:
    walls = [cost.wall for cost in costs]
    cpu = statistics.median(cost.cpu or 0.0 for cost in costs)
    return Cost(statistics.median(walls), cpu, (min(walls), max(walls)))


def script_costs(screen: str) -> list[Cost]:
    """What the first and later runs of one screen's script cost, in this process; of searches each of a query of its own."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if screen != "home":
        app.switch_page(f"pages/{'runs' if screen == 'search' else screen}.py")
    if run := os.environ.get("DHC_BENCHMARK_RUN"):
        app.query_params["run"] = run

    def look(number: int) -> Cost:
        if screen == "search":
            app.query_params["q"] = QUERIES[number % len(QUERIES)]
        cost = _timed(app.run)
        assert not app.exception, app.exception
        return cost

    return [look(number) for number in range(LATER + 1)]


def store_costs() -> list[Cost]:
    """What the first and later listings cost, without any screen."""
    from dhc.runs.store import Store

    store = Store(Path(os.environ["DHC_RUNS_DIR"]))
    return [_timed(store.runs) for _ in range(LATER + 1)]


def _environment(root: Path, runs_dir: Path) -> dict[str, str]:
    places = {"DHC_RUNS_DIR": str(runs_dir), "DHC_DATA_DIR": str(root / "data"), "XDG_CACHE_HOME": str(root / "cache")}
    return {**os.environ, **places}


def _measure(what: str, root: Path, runs_dir: Path, **more: str) -> tuple[list[Cost], float]:
    """`script_costs` or `store_costs` of a process of its own, and its memory in MB."""
    command = [sys.executable, "-m", "benchmarks.scale", "--measure", what]
    env = _environment(root, runs_dir) | more
    process = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True, encoding="utf-8")
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return [Cost(*cost) for cost in answer["costs"]], answer["memory"]


def _say(runs: int, what: str, cold: Cost | None, warm: Cost | None, megabytes: float | None = None) -> None:
    cells = [_text(cold), _text(warm), "–" if megabytes is None else f"{megabytes:.0f}"]
    print(f"| {runs:,} | {what} | {' | '.join(cells)} |", flush=True)


def _text(cost: Cost | None) -> str:
    if cost is None:
        return "–"
    more = [] if cost.span is None else ["–".join(f"{each:.2f}" for each in cost.span)]
    more += [] if cost.cpu is None else [f"{cost.cpu:.2f}"]
    return f"{cost.wall:.2f}" + (f" ({'; '.join(more)})" if more else "")


def scripts(root: Path, runs: int) -> None:
    """The rows of one folder of runs: listings, the command line, screens."""
    runs_dir = root / f"runs-{runs}"
    shutil.rmtree(root / "cache", ignore_errors=True)
    for what in ("listing, no index", "listing"):
        (first, *later), megabytes = _measure("store", root, runs_dir)
        _say(runs, what, first, _median(later), megabytes)
    command = [sys.executable, "-m", "dhc", "runs", "list", "--runs", str(runs_dir)]
    env = _environment(root, runs_dir)
    cost = _timed(lambda: subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL))
    _say(runs, "`runs list`", Cost(cost.wall), None)
    for screen in SCREENS:
        (first, *later), megabytes = _measure(screen, root, runs_dir)
        _say(runs, screen.capitalize(), first, _median(later), megabytes)


@contextlib.contextmanager
def _browser(root: Path, runs_dir: Path) -> Iterator[tuple[Any, Any]]:
    """A server, and a page of a browser that has seen nothing yet."""
    from harness import chromium_flags, chromium_path, start_server
    from playwright.sync_api import sync_playwright

    server = start_server(ROOT / "app.py", root / "server.log", env=_environment(root, runs_dir))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=chromium_flags())
            page = browser.new_page()
            page.set_default_timeout(120_000)
            yield server, page
            browser.close()
    finally:
        server.stop()


def in_a_browser(root: Path, runs: int) -> None:
    """The rows of one folder of runs in Chromium: from the click to what it shows, and the server's memory."""
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    with _browser(root, root / f"runs-{runs}") as (server, page):
        at_first = memory(server.process.pid)

        def home() -> None:
            page.goto(server.url)
            page.get_by_text("Latest runs").wait_for()

        def table() -> None:
            page.goto(f"{server.url}/runs")
            page.locator(CELL).first.wait_for()

        def search(query: str) -> None:
            count = page.get_by_text(COUNT)
            before = count.inner_text()
            page.get_by_role("textbox", name="Search", exact=True).fill(query)
            page.keyboard.press("Enter")
            expect(count).not_to_have_text(before)

        def click(screen: str, shows: Any) -> None:
            page.get_by_role("link", name=screen, exact=True).first.click()
            shows.first.wait_for()

        process = psutil.Process(server.process.pid)
        for what, action in (("Home, browser", home), ("Runs, browser", table)):
            first = _timed(action, process)
            later = _median([_timed(action, process) for _ in range(LATER)])
            _say(runs, what, first, later, memory(server.process.pid))
        to_home = functools.partial(click, "Home", page.get_by_text("Latest runs"))
        to_runs = functools.partial(click, "Runs", page.locator(CELL))
        clicks = [(_timed(to_home, process), _timed(to_runs, process)) for _ in range(LATER + 1)]
        for what, costs in zip(("Home, a click", "Runs, a click"), zip(*clicks, strict=True), strict=True):
            _say(runs, what, costs[0], _median(costs[1:]), memory(server.process.pid))
        costs = []
        for query in QUERIES:  # the whole table before each, so that the count of its runs is sure to change
            costs.append(_timed(functools.partial(search, query), process))
            search("")
        _say(runs, "Search, browser", costs[0], _median(costs[1:]), memory(server.process.pid))
        _say(runs, "the server before all this", None, None, at_first)


def trainings(root: Path, runs: int, count: int) -> None:
    """The rows of so many trainings beside the runs: scripts, and the lag of Live in a browser."""
    runs_dir, data = root / f"runs-{runs}", root / "data" / "stand-in-96"
    command = [
        sys.executable,
        "-m",
        "benchmarks.trainings",
        str(runs_dir),
        str(data),
        "--runs",
        str(count),
        "--seconds",
        "600",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "writing"
        one = sorted(path.name for path in runs_dir.glob("2999*"))[count // 2]
        for what in ("store", "home", "runs", "live"):
            (first, *later), megabytes = _measure(what, root, runs_dir, DHC_BENCHMARK_RUN=one)
            name = "listing" if what == "store" else what.capitalize()
            _say(runs + count, f"{name}, {count} of them train", first, _median(later), megabytes)
        seconds, megabytes, share = _lags(root, runs_dir, one)
        worst = f"worst {max(seconds):.2f}; the server {share:.2f} of a core"
        _say(
            runs + count,
            f"Live, browser: from a figure to the screen ({worst})",
            None,
            Cost(statistics.median(seconds)),
            megabytes,
        )
    finally:
        process.kill()
        process.wait()


def _lags(root: Path, runs_dir: Path, run: str, events: int = 12) -> tuple[list[float], float, float]:
    """Seconds from a figure's writing to the page, the server's MB, and the share of a core that it took."""
    from dhc.runs.rundir import RunWriter

    seconds = []
    with _browser(root, runs_dir) as (server, page), RunWriter(runs_dir / run) as writer:
        page.goto(f"{server.url}/live?run={run}")
        page.get_by_text("Best val_accuracy").wait_for()
        page.wait_for_timeout(3_000)
        process = psutil.Process(server.process.pid)
        start, used = time.perf_counter(), sum(process.cpu_times()[:2])
        for number in range(events):
            values = {"loss": 2.0, "accuracy": 0.5, "pictures_per_second": 900.0, "val_loss": 2.0, "seconds": 1.0}
            best = 0.951 + number / 1000
            written = time.perf_counter()
            writer.event("epoch", epoch=100 + number, **values, val_accuracy=best, learning_rate=1e-3, best=True)
            page.get_by_text(f"{best:.3f}").first.wait_for()
            seconds.append(time.perf_counter() - written)
            page.wait_for_timeout(137)  # not in step with the page's own clock
        share = (sum(process.cpu_times()[:2]) - used) / (time.perf_counter() - start)
        return seconds, memory(server.process.pid), share


def long_history(root: Path) -> tuple[float, float]:
    """Seconds of reading 50,000 epochs of events, and of reading on after one more."""
    from dhc.runs.events import EventLog

    path, epochs = root / "long.jsonl", 50_000
    epoch = {"kind": "epoch", "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "learning_rate": 1e-3}
    lines = [json.dumps(epoch | {"t": float(n), "epoch": n, "seconds": 2.0}) for n in range(1, epochs + 1)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    log, times = EventLog(path), []
    for number in (epochs + 1, epochs + 2):
        start = time.perf_counter()
        log.refresh()
        log.history()
        times.append(time.perf_counter() - start)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(epoch | {"t": 0.0, "epoch": number, "seconds": 2.0}) + "\n")
    return times[0], times[1]


def _circumstances() -> str:
    import streamlit

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = f"Python {platform.python_version()}, Streamlit {streamlit.__version__}"
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, {versions}, {time.strftime('%Y-%m-%d')}"


def main() -> None:
    """Furnish the folders, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[0, 100, 1000, 3000, 10_000])
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--trainings", type=int, default=100)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        costs = store_costs() if options.measure == "store" else script_costs(options.measure)
        print(json.dumps({"costs": [(cost.wall, cost.cpu) for cost in costs], "memory": memory()}))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        print(
            _circumstances(),
            "\n\n| runs | what | cold: s (of a core) | warm: s (least–most; of a core) | MB |\n|---|---|---|---|---|",
            flush=True,
        )
        for runs in options.runs:
            furnish(root, runs, options.epochs)
            time.sleep(3)  # what changed within the last two seconds is read each time
            scripts(root, runs)
        in_a_browser(root, max(options.runs))
        if options.trainings:
            trainings(root, max(options.runs), options.trainings)
        first, next_ = long_history(root)
        _say(1, "50,000 epochs of events", Cost(first), Cost(next_))
        print(_circumstances())


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
