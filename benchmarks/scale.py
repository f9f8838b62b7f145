"""How long the screens take with very many runs: just after the server's start, and later.

    python -m benchmarks.scale [--runs 50 1000] [--epochs 250]

Twenty different runs are written by the tests' `make_run` on a stand-in data set of 96 classes, with a batch line every tenth
of an epoch, and linked into as many folders as are asked for. Each screen has a fresh process, as after a server's start; the
cold figure is its script's first run, imports and all, beside which that of an empty folder stands, the warm one the median of
nine later ones. The last row is one reading of the events of a run of 50,000 epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

SCREENS = ("home", "runs", "live", "mistakes")
TEMPLATES, LATER = 20, 9


def furnish(root: Path, runs: int, epochs: int) -> None:
    """A data set, templates of runs on it, and a folder ``runs-<n>`` of n links to them."""
    from make_run import make_run

    from dhc.data.standin.generate import make_dataset

    if not (root / "data").exists():
        make_dataset(root / "data" / "set", classes=96, train=960, val=1000, test=0)
        for number in range(TEMPLATES):
            settings = {"model.conv_dropout": 0.02 * number, "schedule.patience": 2 + number % 5, "fit.seed": number}
            folder = make_run(root / "templates", root / "data" / "set", epochs=epochs, seed=number, settings=settings)
            _add_batches(folder / "events.jsonl", epochs)
    templates = sorted((root / "templates").iterdir())
    (root / f"runs-{runs}").mkdir()
    for number in range(runs):
        day, second = divmod(number, 60)
        folder = root / f"runs-{runs}" / f"20260101-{day:04d}{second:02d}-vgg16-0000"
        folder.mkdir()
        for path in templates[number % len(templates)].iterdir():
            os.link(path, folder / path.name)


def _add_batches(path: Path, epochs: int) -> None:
    """Eight more batch lines an epoch than `make_run` writes."""
    line = {"t": 1.0, "kind": "batch", "loss": 1.2345, "accuracy": 0.5123, "pictures_per_second": 912.3, "eta": 1234.5}
    with path.open("a", encoding="utf-8") as file:
        for step in range(8 * epochs):
            file.write(json.dumps(line | {"epoch": 1 + step // 8, "position": round(step / 8, 3)}) + "\n")


def script_times(screen: str) -> list[float]:
    """Seconds of the first and of later runs of one screen's script, in this process."""
    start = time.perf_counter()
    from streamlit.testing.v1 import AppTest

    library = time.perf_counter() - start
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if screen != "home":
        app.switch_page(f"pages/{screen}.py")
    times = [library]
    for _ in range(LATER + 1):
        start = time.perf_counter()
        app.run()
        times.append(time.perf_counter() - start)
        assert not app.exception, app.exception
    return times[1:]


def store_times() -> list[float]:
    """Seconds of the first and of later listings, without any screen."""
    from dhc.runs.store import Store

    store, times = Store(Path(os.environ["DHC_RUNS_DIR"])), []
    for _ in range(LATER + 1):
        start = time.perf_counter()
        store.runs()
        times.append(time.perf_counter() - start)
    return times


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


def _measure(what: str, runs_dir: Path, root: Path) -> list[float]:
    """`script_times` or `store_times` of a process of its own."""
    places = {"DHC_RUNS_DIR": str(runs_dir), "DHC_DATA_DIR": str(root / "data"), "XDG_CACHE_HOME": str(root / "cache")}
    command = [sys.executable, "-m", "benchmarks.scale", "--measure", what]
    env = {**os.environ, **places}
    process = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    times: list[float] = json.loads(process.stdout.splitlines()[-1])
    return times


def main() -> None:
    """Furnish the folders, time the screens and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[50, 1000])
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(store_times() if options.measure == "store" else script_times(options.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        print("| runs | what | cold ms | warm ms |\n|---|---|---|---|")
        for runs in (0, *options.runs):
            furnish(root, runs, options.epochs)
            time.sleep(3)  # what changed within the last two seconds is read each time
            for what in ("store", *SCREENS):
                first, *later = _measure(what, root / f"runs-{runs}", root)
                print(f"| {runs} | {what} | {1000 * first:.0f} | {1000 * statistics.median(later):.0f} |", flush=True)
        first, next_ = long_history(root)
        print(f"| – | 50,000 epochs of events | {1000 * first:.0f} | {1000 * next_:.0f} |")


if __name__ == "__main__":
    main()
