"""Makes the example runs in `runs/` out of finished ones and prints them as a table.

    python -m benchmarks.examples RUNS [OUT]

Of each step's best run in RUNS the records are kept (settings, curves, predictions, end), without the network's weights and
without anything about the machine but its kind; batch events are thinned. RUNS stays as it is.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from dhc.models.ladder import RUNGS, rung_of
from dhc.runs import rundir
from dhc.runs.config_file import write_config
from dhc.runs.contract import Environment, Labels, Request
from dhc.runs.store import RunInfo, Store

BATCH_STEP = 12  # of so many batch events one is kept
WHOLE = (rundir.SUMMARY, rundir.EXIT)
PRIVATE = {"host", "commit", "system"}


def main() -> None:
    """Write the examples and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs"))
    options = parser.parse_args()
    best: dict[str, RunInfo] = {}
    for info in sorted(Store(options.runs).runs(), key=lambda info: -(info.best_val_accuracy or 0)):
        step = None if info.config is None else rung_of(info.config)
        if step and info.state == "finished" and info.best_val_accuracy:
            best.setdefault(step, info)
    print("| step | reported | measured here | width | epochs | minutes |")
    print("|---|---|---|---|---|---|")
    for step in RUNGS:
        if step in best:
            print(row(step, best[step]))
            copy(best[step], options.out / best[step].id, RUNGS[step].title)


def row(step: str, info: RunInfo) -> str:
    """One line of the ladder."""
    assert info.config is not None
    width = f"{info.config.model.width:g}" if info.config.uses("model.width") else ""
    epochs = f"{info.epochs_done}" if info.config.uses("fit.epochs") else ""
    rung, minutes = RUNGS[step], (info.seconds or 0) / 60
    return (
        f"| {rung.title} | {rung.reported_text} | {info.best_val_accuracy:.3f} | {width} | {epochs} | {minutes:.1f} |"
    )


def copy(info: RunInfo, target: Path, name: str) -> None:
    """Write one example under its step's name."""
    assert info.config is not None
    target.mkdir(parents=True, exist_ok=True)
    path = str(Path("data") / Path(info.config.data.path).name)
    write_config(target, info.config.with_values({"data.path": path}))
    Request(queued_at=info.queued_at, device=info.device, example=True).write(target)
    Labels(name=name).write(target)
    environment = Environment.read(info.folder) or Environment()
    Environment(**environment.model_dump(exclude_unset=True, exclude=PRIVATE)).write(target)
    for name in WHOLE:
        (target / name).write_bytes((info.folder / name).read_bytes())
    _events(info.folder / rundir.EVENTS, target / rundir.EVENTS)
    with np.load(info.folder / rundir.PREDICTIONS, allow_pickle=False) as file:
        np.savez_compressed(target / rundir.PREDICTIONS, **{name: _small(name, file[name]) for name in file.files})


def _events(source: Path, target: Path) -> None:
    lines, batches = [], 0
    for line in source.read_text(encoding="utf-8").splitlines():
        kind = json.loads(line)["kind"]
        batches += kind == "batch"
        if kind != "batch" or batches % BATCH_STEP == 1:
            lines.append(line)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _small(name: str, values: np.ndarray) -> np.ndarray:
    """Probabilities with three digits or so: they compress to a third."""
    return np.round(values, 4) if name == "probabilities" else values


if __name__ == "__main__":
    main()
