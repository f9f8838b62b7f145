"""Is the learning rate that a search suggests as good as the default? Searches, then trains with both, seed by seed.

    python -m benchmarks.rates [DATA] [--preset quick] [--seeds 0,1,2] [--epochs 14]

Each seed has a search of its own, by `python -m dhc lr-find`. The runs are kept in RUNS; one that is there already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.recipes import ended, launched
from dhc.config import RunConfig
from dhc.jobs import launch
from dhc.models.presets import preset_config
from dhc.runs.store import Store
from dhc.text import rate_text


def main() -> None:
    """Search, queue what is missing, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--runs", type=Path, default=Path("benchmarks/out/rates"))
    options = parser.parse_args()
    store = Store(options.runs)
    print("| seed | search, s | suggested: start, valley | default rate | best val_accuracy: default | suggested |")
    print("|---|---|---|---|---|---|", flush=True)
    pairs = []
    for seed in map(int, options.seeds.split(",")):
        base = {"data.path": options.data, "fit.epochs": options.epochs, "fit.seed": seed}
        default = launch.with_absolute_path(preset_config(options.preset).with_values(base))
        seconds, found = _search(options.preset, default, options.runs)
        if found["start"] is None:
            sys.exit(f"seed {seed}: the search suggests no rate: {found['reason']}")
        configs = (default, _at(default, float(f"{found['start']:.2g}")))  # as the button on Train takes it
        infos = [ended(store, run_id) for run_id in [launched(store, config) for config in configs]]
        pairs.append([info.best_val_accuracy or 0.0 for info in infos])
        rates = (
            f"{rate_text(found['start'])}, {rate_text(found['valley'])} | {rate_text(default.optimizer.learning_rate)}"
        )
        print(f"| {seed} | {seconds:.0f} | {rates} | {pairs[-1][0]:.3f} | {pairs[-1][1]:.3f} |", flush=True)
    first, second = (statistics.mean(results) for results in zip(*pairs, strict=True))
    print(f"| mean |  |  |  | {first:.3f} | {second:.3f} |")


def _search(preset: str, config: RunConfig, runs: Path) -> tuple[float, dict[str, Any]]:
    """Seconds that the command took from its start to its end, and what it printed as JSON."""
    command = [sys.executable, "-m", "dhc", "lr-find", "--data", config.data.path, "--preset", preset, "--json"]
    command += ["--set", f"fit.seed={config.fit.seed}", "--runs", str(runs)]
    start = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return time.monotonic() - start, json.loads(done.stdout)


def _at(config: RunConfig, rate: float) -> RunConfig:
    """The config at that rate; a lowest rate above it is lowered, too, as on Train."""
    return config.with_values({"optimizer.learning_rate": rate, "schedule.min_lr": min(rate, config.schedule.min_lr)})


if __name__ == "__main__":
    main()
