"""The most of the layer bound that TensorFlow's own convolutions leave: each by itself, as `benchmarks.torch_bound` takes them in PyTorch.

    python -m benchmarks.tensorflow_bound [--width 0.25] [--torch PYTHON]

For each convolution of `report` at that width the best times of the forward pass and of the backward one, as our layers ask TensorFlow
for them, in one batch. A training has all else besides: none with TensorFlow can come nearer to the bound than this. The bound itself is measured
where PyTorch is installed, or by the Python that `--torch` names.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.layer_bound import Shape, asked_of_torch, convolutions
from dhc.config import RunConfig
from dhc.models.plan import Conv2D
from dhc.models.presets import preset_config

ROUNDS, REPEATS = 6, 8
CLASSES = 96
PRECISIONS = ("float32", "mixed_bfloat16")


def main() -> None:
    """Print a row for each precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--torch", help="a Python that has PyTorch; default this one, if it has")
    options = parser.parse_args()
    config = preset_config("report").with_values({"model.width": options.width})
    environment.take_on(config.device, "cpu")
    has_torch = options.torch or importlib.util.find_spec("torch")
    bound = torch_bound(config, options.torch or sys.executable) if has_torch else {}
    print(
        f"`report`, width {options.width:g}, batches of {config.fit.batch_size}: pictures/s of the convolutions alone\n"
    )
    print("| precision | PyTorch's: the bound | TensorFlow's | of the bound |\n|---|---|---|---|")
    for precision in PRECISIONS:
        layers = enumerate(convolutions(config, CLASSES))
        batch = config.fit.batch_size
        rate = batch / sum(of_layer(*layer, precision, batch, is_first=not number) for number, layer in layers)
        of_bound = (
            f"{bound[precision]:,.0f} | {rate:,.0f} | {rate / bound[precision]:.2f}" if bound else f"| {rate:,.0f} |"
        )
        print(f"| {precision} | {of_bound} |", flush=True)


def torch_bound(config: RunConfig, python: str) -> dict[str, float]:
    """By precision, pictures a second, measured in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        rates: dict[str, float] = asked_of_torch(python, "benchmarks.torch_bound", config, Path(folder), str(CLASSES))
    return rates


def of_layer(plan: Conv2D, shape: Shape, filters: int, precision: str, batch: int, *, is_first: bool) -> float:
    """Seconds of our layer's forward pass and of its gradients: those of the weights, and but for the first one of the inputs."""
    import tensorflow as tf

    from dhc.models import fused

    layer = fused.Conv2D(filters, plan.kernel, strides=plan.strides, padding=plan.padding, dtype=precision)
    layer.build((None, *shape))
    x = tf.cast(tf.random.normal((batch, *shape)), layer.compute_dtype)
    kernel = tf.cast(layer.kernel.value, layer.compute_dtype)
    slope = tf.random.normal(layer.compute_output_shape((batch, *shape)))
    slope = tf.cast(slope, layer.compute_dtype)

    def both() -> list[Any]:
        sources = [kernel] if is_first else [kernel, x]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            y = layer.convolution_op(x, kernel)
        return [y, *tape.gradient(y, sources, output_gradients=slope)]

    return seconds(both)


def seconds(action: Callable[[], list[Any]]) -> float:
    """The least that it takes, of REPEATS times in one call of compiled code, one after the other."""
    import tensorflow as tf

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def repeated() -> Any:
        def body(count: Any, done: list[Any]) -> tuple[Any, list[Any]]:
            return count + 1, action()

        done = tf.while_loop(lambda count, done: count < REPEATS, body, (1, action()))[1]
        return [tf.reshape(each, [-1])[0] for each in done]  # of each, or it would not be computed

    repeated()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        repeated()
        times.append(time.perf_counter() - start)
    return min(times) / REPEATS


if __name__ == "__main__":
    main()
