"""What the dashboard's bookkeeping costs: an epoch of our training against a bare `model.fit` of the same network.

    python -m benchmarks.telemetry [DATA] [--epochs 4] [--rounds 3] [--width 0.25] [--fraction 0.25]

Both sides train the same network on the same pictures in one process, in turn. Ours writes events, judges val, keeps every
picture's prediction and the best network; the bare one only trains and evaluates (`validation_data=`). The first epoch of
each side, in which the backend compiles, does not count. CPU seconds (all threads) are the steadier measure where other work
shares the machine.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from dhc.config import RunConfig
from dhc.presets import preset_config
from dhc.runs import rundir
from dhc.training import hardware

Marks = list[tuple[float, float]]  # wall and CPU seconds at the end of each epoch


def mark(marks: Marks) -> None:
    """Note the time and the CPU seconds that this process has used so far."""
    marks.append((time.perf_counter(), time.process_time()))


def bare(config: RunConfig) -> Marks:
    """Marks of a plain `model.fit` on arrays."""
    import keras

    from dhc.data.select import load_for_run
    from dhc.models.build import compiled

    data = load_for_run(config.data, config.fit.seed)
    model = compiled(config, len(data.classes))
    marks: Marks = []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: mark(marks))
    x, val = np.asarray(data.train.x), (np.asarray(data.val.x), data.val.y)
    fit = config.fit
    model.fit(
        x, data.train.y, batch_size=fit.batch_size, epochs=fit.epochs, verbose=0, validation_data=val, callbacks=[clock]
    )
    return marks


def ours(config: RunConfig, runs: Path) -> Marks:
    """Marks of the dashboard's training, each when the epoch's event has been written."""
    from dhc.training.callbacks import Telemetry
    from dhc.training.loop import train_and_evaluate

    marks: Marks = []
    plain = Telemetry.on_epoch_end

    def timed(self: Telemetry, epoch: int, logs: dict[str, object]) -> None:
        plain(self, epoch, logs)
        mark(marks)

    Telemetry.on_epoch_end = timed
    try:
        train_and_evaluate(config, rundir.create(runs, config.model.name))
    finally:
        Telemetry.on_epoch_end = plain
    return marks


def spans(marks: Marks) -> tuple[list[float], list[float]]:
    """Wall and CPU seconds of each epoch but the first."""
    pairs = list(itertools.pairwise(marks))
    return [b[0] - a[0] for a, b in pairs], [b[1] - a[1] for a, b in pairs]


def main() -> None:
    """Train both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--fraction", type=float, default=0.25, help="of the training pictures, of all classes")
    options = parser.parse_args()
    changes = {"data.path": options.data, "data.classes": 0, "data.train_fraction": options.fraction}
    config = preset_config("quick").with_values({**changes, "fit.epochs": options.epochs, "model.width": options.width})
    os.environ.update(hardware.environment(config.device, hardware.resolve("auto")))
    sides: dict[str, tuple[list[float], list[float]]] = {"bare model.fit": ([], []), "ours": ([], [])}
    with tempfile.TemporaryDirectory() as runs:
        for _ in range(options.rounds):
            for name, marks in (("bare model.fit", bare(config)), ("ours", ours(config, Path(runs)))):
                for kept, new in zip(sides[name], spans(marks), strict=True):
                    kept += new
    wall, cpu = (statistics.median(seconds) for seconds in sides["bare model.fit"])
    print(
        f"\nwidth {options.width:g}, {options.rounds} rounds of {options.epochs - 1} counted epochs, {hardware.cores()} cores\n"
    )
    print(
        "| training | wall s/epoch: median (least–most) | CPU s/epoch: median (least–most) | wall against bare | CPU against bare |"
    )
    print("|---|---|---|---|---|")
    for name, (seconds, used) in sides.items():
        columns = [f"{statistics.median(v):.2f} ({min(v):.2f}–{max(v):.2f})" for v in (seconds, used)]
        print(
            f"| {name} | {columns[0]} | {columns[1]} | {statistics.median(seconds) / wall:.3f} | {statistics.median(used) / cpu:.3f} |"
        )


if __name__ == "__main__":
    main()
