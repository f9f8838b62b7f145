"""What the filters of a convolution learn from, by oneDNN's own kernel and as one matrix product (`dhc.models.fused.Conv2D`).

    python -m benchmarks.filters [--batch 32] [--precision bfloat16]

Milliseconds of one layer's gradient by itself, the median of twelve tries; 3×3 filters, as many as there are maps before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

from benchmarks.spread import spread

TRIES = 12


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--precision", default="bfloat16", choices=("bfloat16", "float32"))
    options = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    print("| map | filters | oneDNN's kernel, ms | one product, ms | ratio |\n|---|---|---|---|---|")
    for side in (16, 8, 4, 2):
        for filters in (64, 128, 256, 512):
            kernel, product = measured(side, filters, options.batch, options.precision)
            ratio = statistics.median(product) / statistics.median(kernel)
            print(f"| {side}×{side} | {filters} | {spread(kernel)} | {spread(product)} | {ratio:.2f} |", flush=True)


def measured(side: int, filters: int, batch: int, precision: str) -> tuple[list[float], list[float]]:
    """Milliseconds by the kernel and by the product."""
    import tensorflow as tf

    from dhc.models import fused

    layer = fused.Conv2D(filters, 3, padding="same")
    x, slope = (tf.cast(tf.random.normal((batch, side, side, filters)), precision) for _ in range(2))

    @tf.function
    def by_kernel() -> tf.Tensor:
        sizes = {"filter_sizes": (3, 3, filters, filters), "strides": [1, 1, 1, 1], "padding": "SAME"}
        return tf.raw_ops.Conv2DBackpropFilter(input=x, out_backprop=slope, **sizes)

    @tf.function
    def by_product() -> tf.Tensor:
        return layer.filters_gradient(x, slope)

    return milliseconds(by_kernel), milliseconds(by_product)


def milliseconds(action: Callable[[], object]) -> list[float]:
    """How long an action takes that has been done before, each time."""
    action()
    spans = []
    for _ in range(TRIES):
        start = time.perf_counter()
        action()
        spans.append(1e3 * (time.perf_counter() - start))
    return spans


if __name__ == "__main__":
    main()
