"""What following the training pictures costs: CPU seconds of a batch with and without it, and of writing an epoch.

    python -m benchmarks.dynamics [--model vgg16] [--width 0.25] [--pictures 6000 18000] [--rounds 20] [--backend tensorflow]

CPU seconds, which other work on the machine does not stretch. Two networks of the same settings, one with `Answers` and one without, take
turns: some batches each, round by round. What following a batch costs is the median of the rounds' differences, so that a machine
that grows slower or faster meanwhile does not count. The pictures are noise.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dhc.config import RunConfig

CLASSES, WARM_UP = 96, 3


def cpu_seconds(action: Callable[[], object]) -> float:
    """The CPU seconds that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    """Print a row for each number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vgg16")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--pictures", type=int, nargs="+", default=[6000, 18_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--batches", type=int, default=30, help="of a round, for each of the two")
    parser.add_argument("--backend", default="tensorflow")
    options = parser.parse_args()
    os.environ["KERAS_BACKEND"] = options.backend
    config = RunConfig().with_values({"model.name": options.model, "model.width": options.width})
    print(f"{options.model}, width {options.width:g}, {options.backend}: median of {options.rounds} rounds")
    print("| pictures | an epoch, CPU s | following its batches | writing it | cost |")
    print("|---|---|---|---|---|")
    for pictures in options.pictures:
        bare, difference = measure(config, pictures, options.rounds, options.batches)
        steps = -(-pictures // config.fit.batch_size)
        writing = written(pictures)
        share = (difference * steps + writing) / (bare * steps)
        print(
            f"| {pictures:,} | {bare * steps:.1f} | {difference * steps:+.3f} s | {writing:.4f} s | {share:.2%} |",
            flush=True,
        )


def measure(config: RunConfig, pictures: int, rounds: int, batches: int) -> tuple[float, float]:
    """CPU seconds of a batch that is not followed, and how much more one takes that is; of `fit`, as the loop calls it."""
    from dhc.models.build import compiled_model
    from dhc.training.batches import Batches
    from dhc.training.dynamics import Answers

    rng = np.random.default_rng(0)
    size = config.fit.batch_size * batches
    x, y = rng.integers(0, 256, (size, 64, 64, 3), dtype=np.uint8), rng.integers(0, CLASSES, size)
    models = (compiled_model(config, CLASSES), compiled_model(config, CLASSES, metrics=[Answers(pictures)]))

    def some(model: Any) -> None:
        model.fit(Batches(x, y, config.fit.batch_size, seed=0), verbose=0, shuffle=False)

    for model in models * WARM_UP:
        some(model)
    bare, differences = [], []
    for number in range(rounds):
        order = models if number % 2 else models[::-1]
        spent = {id(model): cpu_seconds(lambda model=model: some(model)) / batches for model in order}  # type: ignore[misc]
        bare.append(spent[id(models[0])])
        differences.append(spent[id(models[1])] - spent[id(models[0])])
    return statistics.median(bare), statistics.median(differences)


def written(pictures: int) -> float:
    """CPU seconds of writing the record of an epoch."""
    from dhc.runs.dynamics import write_epoch

    values = np.random.default_rng(0).random((pictures, 2), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        spent = [cpu_seconds(lambda: write_epoch(Path(folder), epoch, values)) for epoch in range(1, 22)]  # noqa: B023
    return statistics.median(spent)


if __name__ == "__main__":
    main()
