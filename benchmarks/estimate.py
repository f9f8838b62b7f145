"""The estimate before launch: predicted and measured pictures/s of VGG16 by width.

    python -m benchmarks.estimate [--widths 0.125 0.25 0.5 1] [--batches 12]

The prediction is what the Train page says where no earlier run is known: FLOPs over this CPU's matrix-product rate plus a
term for moving activations.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from benchmarks import environment
from benchmarks.spread import spread
from dhc.config import RunConfig
from dhc.machine import hardware
from dhc.machine.cores import cores
from dhc.models.cost import cost, cpu_seconds_per_picture, gains_from_bfloat16, matrix_rate
from dhc.models.presets import preset_config

ROUNDS = 3


def measure(width: float, batches: int) -> list[float]:
    """Training pictures/s over so many batches of 32, ROUNDS times, after two batches that do not count."""
    from dhc.models.build import compiled_model

    config = preset_config("report-meant").with_values({"model.width": width})
    model = compiled_model(config, 96, precision=_precision(config))
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 256, (32, 64, 64, 3), dtype=np.uint8), draw.integers(0, 96, 32)
    for _ in range(2):
        model.train_on_batch(x, y)
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(batches):
            model.train_on_batch(x, y)
        speeds.append(32 * batches / (time.perf_counter() - start))
    return speeds


def _precision(config: RunConfig) -> str:
    return hardware.precision("auto", "cpu", gains=gains_from_bfloat16(config, 96))


def main() -> None:
    """Measure each width and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=float, nargs="+", default=[0.125, 0.25, 0.5, 1.0])
    parser.add_argument("--batches", type=int, default=12)
    options = parser.parse_args()
    config = preset_config("report-meant")
    environment.take_on(config.device, "cpu")
    rate = matrix_rate()
    print(f"\nmatrix products: {rate / 1e9:.0f} GFLOP/s, {cores()} cores\n")
    print("| width | expected pictures/s | measured | measured / expected |")
    print("|---|---|---|---|")
    for width in options.widths:
        wide = config.with_values({"model.width": width})
        expected = 1 / cpu_seconds_per_picture(cost(wide, 96, _precision(wide)), rate)
        speeds = measure(width, options.batches)
        ratio = statistics.median(speeds) / expected
        print(f"| {width:g} | {expected:.0f} | {spread(speeds, 0)} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
