"""Pictures a second by the size of a batch and by how many pictures an epoch has.

    python -m benchmarks.scaling [--preset report] [--width 0.25] [--batches 16,32,64,128,256] [--pictures 500,5000,50000] [--rounds 3]

Batches are measured on epochs of 4,096 pictures, epochs in batches of the preset's size; random pictures, training alone, without what a
run keeps. So many epochs are timed after one that does not count, in which the step is compiled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks import environment
from benchmarks.spread import spread
from dhc.config import RunConfig
from dhc.machine import hardware
from dhc.models.cost import gains_from_bfloat16
from dhc.models.presets import preset_config

CLASSES, PICTURES = 96, 4096


def main() -> None:
    """Train, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="report")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--batches", default="16,32,64,128,256")
    parser.add_argument("--pictures", default="500,5000,50000")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    config = preset_config(options.preset).with_values({"model.width": options.width})
    environment.take_on(config.device, "cpu")
    print(
        f"{options.preset}, width {options.width:g}\n\n| pictures a batch | pictures an epoch | s an epoch | pictures/s |"
    )
    print("|---|---|---|---|", flush=True)
    for size in _numbers(options.batches):
        _row(config.with_values({"fit.batch_size": size}), PICTURES, options.rounds)
    for pictures in _numbers(options.pictures):
        _row(config, pictures, options.rounds)


def _numbers(text: str) -> Iterable[int]:
    return map(int, text.split(","))


def _row(config: RunConfig, pictures: int, rounds: int) -> None:
    seconds = epochs(config, pictures, rounds)
    speeds = spread([pictures / each for each in seconds], 0)
    print(f"| {config.fit.batch_size} | {pictures:,} | {spread(seconds)} | {speeds} |", flush=True)


def epochs(config: RunConfig, pictures: int, rounds: int) -> list[float]:
    """Seconds of so many of a network's epochs."""
    import keras

    from dhc.models.build import compiled_model
    from dhc.models.pipeline import of_batches
    from dhc.training.batches import Batches

    starts: list[float] = []
    clock = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: starts.append(time.perf_counter()))
    draw: Any = np.random.default_rng(0)
    x = draw.integers(0, 256, (pictures, 64, 64, 3), dtype=np.uint8)
    y = draw.integers(CLASSES, size=pictures)
    gains = gains_from_bfloat16(config, CLASSES)
    model = compiled_model(config, CLASSES, precision=hardware.precision(config.device.precision, "cpu", gains=gains))
    batches = Batches(x, y, config.fit.batch_size, config.fit.seed, augment=config.augment)
    if pictures > PICTURES:  # an epoch of them would be compiled no better than a shorter one
        short = Batches(x[:PICTURES], y[:PICTURES], config.fit.batch_size, config.fit.seed, augment=config.augment)
        model.fit(of_batches(short), shuffle=False, verbose=0)
    warm_up = 0 if pictures > PICTURES else 1
    model.fit(of_batches(batches), epochs=rounds + warm_up, shuffle=False, verbose=0, callbacks=[clock])
    ends = [*starts[1:], time.perf_counter()]
    return [end - start for start, end in zip(starts, ends, strict=True)][warm_up:]


if __name__ == "__main__":
    main()
