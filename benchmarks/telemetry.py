"""What the dashboard's bookkeeping costs: an epoch of our training against a bare `model.fit` of the same network.

    python -m benchmarks.telemetry [DATA] [--epochs 6] [--rounds 2] [--width 0.25]

Both sides train the same network on the same pictures in one process, in turn. Ours writes events, judges val, keeps every
picture's prediction and the best network; the bare one only trains and evaluates (`validation_data=`). The first epoch of
each side, in which the backend compiles, does not count.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

from dhc.config import RunConfig
from dhc.presets import preset_config
from dhc.runs import rundir
from dhc.runs.store import Store
from dhc.training import hardware


def bare(config: RunConfig) -> list[float]:
    """Seconds of each epoch but the first of a plain `model.fit` on arrays."""
    import keras
    import numpy as np

    from dhc.data.select import load_for_run
    from dhc.models.build import compiled

    data = load_for_run(config.data, config.fit.seed)
    model = compiled(config, len(data.classes))
    marks = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: marks.append(time.time()))
    val = (np.asarray(data.val.x), data.val.y)
    model.fit(
        np.asarray(data.train.x),
        data.train.y,
        batch_size=config.fit.batch_size,
        epochs=config.fit.epochs,
        verbose=0,
        validation_data=val,
        callbacks=[clock],
    )
    return [later - earlier for earlier, later in itertools.pairwise(marks)]


def ours(config: RunConfig, runs: Path) -> list[float]:
    """Seconds of each epoch but the first of the dashboard's training, from one epoch event to the next."""
    from dhc.training.loop import train_and_evaluate

    folder = rundir.create(runs, config.model.name)
    train_and_evaluate(config, folder)
    marks = Store(runs).history(folder.name).epochs["t"].tolist()
    return [later - earlier for earlier, later in itertools.pairwise(marks)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--width", type=float, default=0.25)
    options = parser.parse_args()
    config = preset_config("quick").with_values(
        {"data.path": options.data, "fit.epochs": options.epochs, "model.width": options.width}
    )
    os.environ.update(hardware.environment(config.device, hardware.resolve("auto")))
    times: dict[str, list[float]] = {"bare model.fit": [], "ours": []}
    with tempfile.TemporaryDirectory() as runs:
        for _ in range(options.rounds):
            times["bare model.fit"] += bare(config)
            times["ours"] += ours(config, Path(runs))
    base = statistics.median(times["bare model.fit"])
    print(
        f"\nwidth {options.width:g}, {config.data.classes} classes, {options.rounds} rounds of {options.epochs - 1} counted epochs, {hardware.cores()} cores\n"
    )
    print("| training | median s/epoch | least | most | against bare |")
    print("|---|---|---|---|---|")
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"| {name} | {middle:.2f} | {min(seconds):.2f} | {max(seconds):.2f} | {middle / base:.3f} |")


if __name__ == "__main__":
    main()
