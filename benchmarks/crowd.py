"""Very many run folders, made quickly: settings, sweeps, names, dates and results vary, and what is large is linked.

    python -m benchmarks.crowd FOLDER --runs 10000

FOLDER gets ``data/``, three stand-in sets, and ``runs-10000/``. A run's own files are its settings, its request, its process, its
summary, its end and, of some, its labels and its course; its events, its answers on val and its environment are a second name of
one of sixty runs that the tests' `make_run` wrote, whose results it has. Nothing may rewrite those in place.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

CLASSES = (96, 24, 12)  # of the data sets
TEMPLATES = 20  # of each data set
TOGETHER = 27  # runs of a sweep
STEP = 2_400.0  # seconds between two runs' starts
LINKED = ("events.jsonl", "predictions.npz", "environment.json")
ENDS = (  # how a run ended, and how often of a hundred
    (78, "finished", "done", "all epochs done"),
    (12, "finished", "early", "val_accuracy did not improve for 40 epochs"),
    (6, "stopped", "stop", "a person asked it to stop"),
    (2, "failed", "memory", "the machine ran out of memory"),
    (2, "killed", "signal", "something else killed it"),
)
TAGS = ("baseline", "wide", "narrow", "to repeat", "for the report", "odd")
GRID = tuple(
    (conv, factor, patience) for conv in (0.1, 0.2, 0.3) for factor in (0.5, 0.7, 0.9) for patience in (6, 12, 22)
)


@dataclass(frozen=True)
class Template:
    """A whole run of a data set: its folder, the values of its settings and of its summary."""

    folder: Path
    config: dict[str, Any]
    summary: dict[str, Any]


def furnish(root: Path, runs: int, epochs: int = 250) -> Path:
    """The data sets, the templates and a folder ``runs-<n>`` of n ended runs, which is returned."""
    templates = _templates(root, epochs)
    runs_dir = root / f"runs-{runs}"
    runs_dir.mkdir()
    start = time.time() - STEP * (runs + 1)
    for number in range(runs):
        _write(runs_dir, number, templates, start + STEP * number)
    return runs_dir


def _templates(root: Path, epochs: int) -> list[Template]:
    from make_run import make_run

    from dhc.data.standin.generate import make_dataset

    for classes in CLASSES:
        data = root / "data" / f"stand-in-{classes}"
        if data.exists():
            continue
        make_dataset(data, classes=classes, train=10 * classes, val=1000, test=0)
        for number in range(TEMPLATES):
            reached = 0.35 + 0.5 * number / TEMPLATES
            best = epochs - number * epochs // 40
            folder = root / "templates" / f"{classes}-{number:02d}"
            made = make_run(root / "made", data, epochs=epochs, accuracy=reached, best_epoch=best, seed=number)
            folder.parent.mkdir(exist_ok=True)
            made.rename(folder)
            add_batches(folder / "events.jsonl", epochs)
    return [_template(folder) for folder in sorted((root / "templates").iterdir())]


def _template(folder: Path) -> Template:
    config, summary = (json.loads((folder / name).read_text("utf-8")) for name in ("config.json", "summary.json"))
    return Template(folder, config, summary)


def add_batches(path: Path, epochs: int) -> None:
    """Eight more batch lines an epoch than `make_run` writes."""
    line = {"t": 1.0, "kind": "batch", "loss": 1.2345, "accuracy": 0.5123, "pictures_per_second": 912.3, "eta": 1234.5}
    with path.open("a", encoding="utf-8") as file:
        for step in range(8 * epochs):
            file.write(json.dumps(line | {"epoch": 1 + step // 8, "position": round(step / 8, 3)}) + "\n")


def _write(runs_dir: Path, number: int, templates: list[Template], moment: float) -> None:
    """One ended run; everything about it follows from its number, but for the moment that it was queued."""
    draw = random.Random(number)
    sweep = number // TOGETHER
    template = templates[(sweep * 7 + draw.randrange(TEMPLATES)) % TEMPLATES + TEMPLATES * (sweep % len(CLASSES))]
    folder = runs_dir / f"{datetime.fromtimestamp(moment):%Y%m%d-%H%M%S}-vgg16-{number % 65536:04x}"
    folder.mkdir()
    for name in LINKED:
        os.link(template.folder / name, folder / name)
    in_sweep = sweep % 4 != 3
    conv, factor, patience = GRID[number % TOGETHER] if in_sweep else draw.choice(GRID)
    config = {
        name: dict(section) if isinstance(section, dict) else section for name, section in template.config.items()
    }
    config["model"] |= {"conv_dropout": conv, "width": draw.choice((0.25, 0.5, 1.0))}
    config["schedule"] |= {"factor": factor, "patience": patience}
    config["fit"] |= {"seed": number % 3 if in_sweep else number}
    how, cause, reason = _end(draw)
    request = {"queued_at": moment, "device": f"gpu:{number % 4}"}
    if in_sweep:
        request |= {"group": f"Sweep {sweep}: dropout, factor and patience", "design": "grid"}
    seconds = template.summary["seconds"] * draw.uniform(0.7, 1.4)
    exit_ = {"how": how, "reason": reason, "code": 0, "signal": None, "t": moment + seconds, "cause": cause}
    for name, values in (
        ("config.json", config),
        ("request.json", request),
        ("process.json", _process() | {"run": folder.name}),
        ("summary.json", template.summary | {"seconds": seconds, "pictures_per_second": draw.uniform(800, 1200)}),
        ("exit.json", exit_),
        ("labels.json", _labels(draw, number)),
        ("course.json", _course(draw)),
    ):
        if values:
            (folder / name).write_text(json.dumps(values, indent=2), "utf-8")


def _end(draw: random.Random) -> tuple[str, str, str]:
    (_, *end), *_ = draw.choices(ENDS, [share for share, *_ in ENDS])
    how, cause, reason = end
    return str(how), str(cause), str(reason)


def _labels(draw: random.Random, number: int) -> dict[str, Any]:
    if draw.random() > 0.2:
        return {}
    name = f"try {number}" if draw.random() < 0.5 else ""
    note = f"Number {number}: does more dropout help the rare classes?" if draw.random() < 0.5 else ""
    return {
        "name": name,
        "tags": draw.sample(TAGS, draw.randrange(3)),
        "note": note,
        "star": draw.random() < 0.1,
        "archived": draw.random() < 0.1,
    }


def _course(draw: random.Random) -> dict[str, Any]:
    return {"changes": [{"epoch": 20, "learning_rate": 3e-4, "asked_at": 1.0}]} if draw.random() < 0.05 else {}


@functools.cache
def _process() -> dict[str, Any]:
    """A process of a machine that has been switched off."""
    child = {"pid": 4242, "created": 1.0, "ticks": 1, "boot": "0" * 32, "machine": "0" * 16}
    return {"child": child, "worker": child | {"pid": 4241}, "host": f"not-{socket.gethostname()}"}


def main() -> None:
    """Make the runs and say how long that took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=250)
    options = parser.parse_args()
    start = time.perf_counter()
    options.folder.mkdir(parents=True, exist_ok=True)
    runs_dir = furnish(options.folder, options.runs, options.epochs)
    print(f"{options.runs:,} runs in {runs_dir}, made in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
