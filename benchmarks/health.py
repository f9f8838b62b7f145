"""What looking at the layers costs: seconds of a look beside those of an epoch.

    python -m benchmarks.health [--width 0.25] [--pictures 6000 18000] [--model vgg16] [--backend tensorflow]

CPU seconds, which other work on the machine does not stretch: the median of five looks, each with its copy of the weights before the
epoch's last step, and that of 20 batches, from which an epoch of so many pictures follows. The pictures are noise.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from dhc.config import RunConfig

BATCHES, LOOKS, CLASSES = 20, 5, 96


def seconds(action: Callable[[], object], times: int) -> float:
    """The median of the CPU seconds that an action takes, once it was done before."""
    action()
    spent = []
    for _ in range(times):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


def main() -> None:
    """Print a row for each number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--model", default="vgg16")
    parser.add_argument("--pictures", type=int, nargs="+", default=[6000, 18_000])
    parser.add_argument("--backend", default="tensorflow")
    options = parser.parse_args()
    os.environ["KERAS_BACKEND"] = options.backend
    config = RunConfig().with_values({"model.name": options.model, "model.width": options.width})
    look, batch = measure(config)
    print(f"{options.model}, width {options.width:g}, {options.backend}: a look {look:.2f} CPU s, a batch {batch:.3f}")
    print("| pictures | an epoch, CPU s | a look after each | a look every | cost |")
    print("|---|---|---|---|---|")
    for pictures in options.pictures:
        epoch = batch * pictures / config.fit.batch_size
        every = max(1, -int(-look // (0.01 * epoch)))
        print(f"| {pictures:,} | {epoch:.1f} | {look / epoch:.2%} | {every} epochs | {look / epoch / every:.2%} |")


def measure(config: RunConfig) -> tuple[float, float]:
    """CPU seconds of a look and of a batch."""
    from keras import ops

    from dhc.models.build import compiled_model
    from dhc.training.health import FEW, PICTURES, _norm
    from dhc.training.probe import Probe

    rng = np.random.default_rng(0)
    model = compiled_model(config, CLASSES)
    size = config.fit.batch_size
    x = rng.integers(0, 256, (max(size, PICTURES), 64, 64, 3), dtype=np.uint8)
    y = rng.integers(0, CLASSES, len(x))
    probe = Probe(model, x[:PICTURES], y[:PICTURES], FEW)

    def look() -> None:
        before = [ops.copy(kernel) for kernel in probe.kernels()]
        changes = [_norm(new - old) for old, new in zip(before, probe.kernels(), strict=True)]
        [float(ops.convert_to_numpy(change)) for change in changes]
        probe.look()

    batch = seconds(lambda: model.train_on_batch(x[:size], y[:size]), BATCHES)
    return seconds(look, LOOKS), batch


if __name__ == "__main__":
    main()
