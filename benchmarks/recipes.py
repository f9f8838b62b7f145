"""Which recipe is best for VGG16? Trains each with the same pictures, epochs and seeds.

    python -m benchmarks.recipes [DATA] [--arms "report-meant;tuned"] [--seeds 0,1,2] [--classes 24] [--epochs 15] [--width 0.25]

An arm is a preset, with some settings changed perhaps: ``tuned optimizer.name=adamw``. A width of its own makes arms of equal
multiplications: ``cnn9-skip model.width=0.4``. The table says what a training step multiplies. `--classes 0` takes all. The runs are kept in
RUNS; one that is there already is not trained again, so that a table is made again from its settings alone, or a stopped one goes on.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dhc.config import RunConfig, read_assignment
from dhc.data.layout import open_dataset
from dhc.data.select import class_count
from dhc.jobs import launch
from dhc.models.cost import cost
from dhc.models.presets import preset_config
from dhc.runs.store import RunInfo, Store


def main() -> None:
    """Queue what is missing, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--arms", default="report-meant;tuned", help="separated by semicolons")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--classes", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--runs", type=Path, default=Path("benchmarks/out/recipes"))
    options = parser.parse_args()
    store = Store(options.runs)
    common = {"data.path": options.data, "data.classes": options.classes, "fit.epochs": options.epochs}
    seeds = [int(seed) for seed in options.seeds.split(",")]
    arms = options.arms.split(";")
    configs = {arm: [_config(arm, options.width, {**common, "fit.seed": seed}) for seed in seeds] for arm in arms}
    runs = {arm: [launched(store, config) for config in configs[arm]] for arm in arms}
    print(f"{options.classes} classes, {options.epochs} epochs, width {options.width:g}, seeds {options.seeds}\n")
    print(
        "| recipe | GFLOP a picture | best val_accuracy: mean ± standard error (each) | val_accuracy by epoch, mean | s |"
    )
    print("|---|---|---|---|---|", flush=True)
    for arm, ids in runs.items():
        print(_row(store, arm, ids), flush=True)


def _config(arm: str, width: float, changes: Mapping[str, Any]) -> RunConfig:
    preset, *words = arm.split()
    own = dict(read_assignment(word) for word in words)
    return launch.with_absolute_path(preset_config(preset).with_values({"model.width": width, **own, **changes}))


def launched(store: Store, config: RunConfig) -> str:
    """The id of the run with that config, launched where there is none yet."""
    for info in store.runs():
        if info.config == config and info.state in ("finished", "queued", "running"):
            return info.id
    return launch.launch(config, store.runs_dir)


def _row(store: Store, arm: str, ids: list[str]) -> str:
    infos = [ended(store, run_id) for run_id in ids]
    best = [info.best_val_accuracy or 0.0 for info in infos]
    courses = zip(*(store.history(run_id).epochs["val_accuracy"] for run_id in ids), strict=False)
    error = statistics.stdev(best) / len(best) ** 0.5 if len(best) > 1 else float("nan")
    config = infos[0].config
    assert config is not None
    flops = cost(config, class_count(open_dataset(Path(config.data.path)), config.data.classes)).step_flops / 1e9
    means = " ".join(f"{statistics.mean(values):.2f}" for values in courses)
    each = ", ".join(f"{value:.3f}" for value in best)
    return f"| {arm} | {flops:.2f} | {statistics.mean(best):.3f} ± {error:.3f} ({each}) | {means} | {sum(i.seconds or 0 for i in infos):.0f} |"


def ended(store: Store, run_id: str) -> RunInfo:
    """The run once it has ended."""
    while (info := store.run(run_id)).state.alive:
        time.sleep(1)
    return info


if __name__ == "__main__":
    main()
