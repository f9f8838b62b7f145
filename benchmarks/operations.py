"""What a training step's time goes into, by operation, on a CPU with TensorFlow.

    python -m benchmarks.operations [--preset report] [--width 0.25] [--steps 30] [--set KEY=VALUE …]

A short training on random pictures under TensorFlow's own profiler. The seconds are those that operations ran, two at a time where two
cores are free: their sum is more than a step takes. The group of each is named; what is in none is listed by itself. One batch between
two looks, unless ``--set device.steps_per_execution=4`` says otherwise.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import environment
from benchmarks.spread import spread
from dhc.config import RunConfig, read_assignment
from dhc.machine import hardware
from dhc.models.cost import gains_from_bfloat16
from dhc.models.presets import preset_config

CLASSES, ROUNDS = 96, 5
GROUPS: Mapping[str, tuple[str, ...]] = {
    "convolutions: forward": ("Conv2D", "FusedConv2D"),
    "convolutions: for the inputs": ("Conv2DBackpropInput",),
    "convolutions: for the weights": ("Conv2DBackpropFilter", "Conv2DBackpropFilterWithBias"),
    "dense products": ("MatMul", "FusedMatMul", "BatchMatMulV2"),
    "batch normalisation": ("FusedBatchNormV3", "FusedBatchNormGradV3"),
    "ReLU's gradient": ("ReluGrad",),
    "pooling": ("MaxPool", "MaxPoolGrad"),
    "optimizer's steps": ("ResourceApplyAdam", "ResourceApplyGradientDescent", "AssignSubVariableOp"),
    "random numbers": ("StatelessRandomUniformFullIntV2", "StatelessRandomUniformV2", "RandomUniform"),
    "moving pictures": ("ImageProjectiveTransformV3", "ReverseV2", "SelectV2"),
    "from one precision to another": ("Cast",),
    "sums, products, comparisons": ("Mul", "Sub", "AddV2", "AddN", "GreaterEqual", "RealDiv", "Sum"),
}


def main() -> None:
    """Train, profile, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="report")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    changes = dict(read_assignment(word) for word in options.set)
    config = preset_config(options.preset).with_values({"model.width": options.width, **changes})
    environment.take_on(config.device, "cpu")
    precision = hardware.precision(config.device.precision, "cpu", gains=gains_from_bfloat16(config, CLASSES))
    steps, spans = profiled(config, precision, options.steps)
    print(f"{options.preset}, width {options.width:g}, batches of {config.fit.batch_size}, {precision}: ", end="")
    print(f"{spread([1e3 * each for each in steps], 1)} ms a step\n")
    print("| operations | ms a step | share |\n|---|---|---|")
    for name, milliseconds in grouped(spans).most_common():
        share = milliseconds / spans.total()
        if share >= 0.005:
            print(f"| {name} | {milliseconds:.2f} | {share:.1%} |")


def profiled(config: RunConfig, precision: str, steps: int) -> tuple[list[float], Counter[str]]:
    """Seconds of a step without the profiler, ROUNDS times, and milliseconds of each kind of operation in a step with it."""
    import tensorflow as tf

    from dhc.models.build import compiled_model
    from dhc.models.pipeline import of_batches
    from dhc.training.batches import Batches

    draw = np.random.default_rng(0)
    count = steps * config.fit.batch_size
    x = draw.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    y = draw.integers(CLASSES, size=count)
    at_once = config.device.steps_per_execution or 1
    model = compiled_model(config, CLASSES, precision=precision, steps=at_once)
    batches = of_batches(Batches(x, y, config.fit.batch_size, config.fit.seed, augment=config.augment))
    model.fit(batches, shuffle=False, verbose=0)
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        seconds.append((time.perf_counter() - start) / steps)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            model.fit(batches, shuffle=False, verbose=0)
        return seconds, read(next(Path(folder).rglob("*.xplane.pb")), steps)


def read(trace: Path, steps: int) -> Counter[str]:
    """Milliseconds a step of each kind of operation that the profiler's file has."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space: Any = xplane_pb2.XSpace()
    space.ParseFromString(trace.read_bytes())
    spans: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if name.startswith("StatefulPartitionedCall/") and ":" in name:
                    spans[_kind(name)] += event.duration_ps / 1e9 / steps  # type: ignore[assignment]
    return spans


def _kind(name: str) -> str:
    """Of the operation ``place:kind``, without what says that oneDNN computes it."""
    return name.rpartition(":")[2].removeprefix("_Mkl").removeprefix("Native")


def grouped(spans: Counter[str]) -> Counter[str]:
    """The same by group."""
    group_of = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
    groups: Counter[str] = Counter()
    for kind, milliseconds in spans.items():
        groups[group_of.get(kind, kind)] += milliseconds
    return groups


if __name__ == "__main__":
    main()
