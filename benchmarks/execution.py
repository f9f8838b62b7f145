"""A training step with JAX on a GPU: batch by batch as Keras does it, an execution in one call, and with our layers.

    python -m benchmarks.execution [--preset report] [--width 1] [--steps 32] [--rounds 5] [--precision mixed_bfloat16] [--kernels]

On batches of noise that lie in the GPU's memory, so nothing is read or copied. `--kernels` lists what the last side's step goes into.
In a process of its own each, since a network is compiled once in it.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spread import spread
from dhc.config import RunConfig
from dhc.models.presets import preset_config

SIDES = ("batch by batch", "in one call", "in one call, our layers")
CLASSES = 96
SHOWN = 25  # kinds of kernels


def main() -> None:
    """Measure each side in a process of its own and print the table; with `--side`, be one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="report")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        return measure(options)
    print("| a step | ms: median (least–most) | pictures/s | compiling, s |\n|---|---|---|---|", flush=True)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    for side in SIDES:
        command = [sys.executable, "-m", "benchmarks.execution", *sys.argv[1:], "--side", side]
        subprocess.run(command, check=True, env=environment)
    return None


def measure(options: argparse.Namespace) -> None:
    """Time one side's steps and print its row."""
    config = preset_config(options.preset).with_values({"model.width": options.width, "device.backend": "jax"})
    train, state, batch = _training(config, options.side, options.steps, options.precision)
    start = time.perf_counter()
    state = _run(train, state, batch, options.steps)
    compiling, spans = time.perf_counter() - start, []
    for _ in range(options.rounds):
        start = time.perf_counter()
        for _ in range(4):
            state = _run(train, state, batch, options.steps)
        spans.append(1000 * (time.perf_counter() - start) / (4 * options.steps))
    pictures = config.fit.batch_size / statistics.median(spans) * 1000
    print(f"| {options.side} | {spread(spans)} | {pictures:.0f} | {compiling:.0f} |", flush=True)
    if options.kernels and options.side == SIDES[-1]:
        _print_kernels(lambda: _run(train, state, batch, options.steps), options.steps)


def _training(config: RunConfig, side: str, steps: int, precision: str) -> tuple[Callable[..., Any], Any, Any]:
    """Keras's training function, the state that it takes, and a batch."""
    import jax
    import keras

    from dhc.models import build, execution, fused

    execution.loops_are_fast = lambda: side != SIDES[0]
    if side != SIDES[-1]:
        for ours in (fused.BatchNormalization, fused.MaxPooling2D):
            ours.call = getattr(keras.layers, ours.__name__).call
    draw, size = np.random.default_rng(0), config.fit.batch_size
    pictures = draw.integers(0, 256, (size, 64, 64, 3), dtype=np.uint8)
    batch = (jax.device_put(pictures), jax.device_put(draw.integers(0, CLASSES, size, dtype=np.int32)))
    model = build.compiled_model(config, CLASSES, precision=precision, steps=steps)
    model._symbolic_build(data_batch=batch)
    model.reset_metrics()
    kinds = ("trainable", "non_trainable", "optimizer", "metrics")
    state = model._get_jax_state(**{f"{kind}_variables": True for kind in kinds})
    model.make_train_function()
    return model.train_function, jax.tree.map(jax.numpy.copy, state), batch


def _run(train: Callable[..., Any], state: Any, batch: Any, steps: int) -> Any:
    """The state after so many steps, once it is there."""
    import jax

    batches: Iterator[Any] = itertools.repeat((*batch, None), steps)
    _, state = train(state, batches)
    return jax.block_until_ready(state)


def _print_kernels(run: Callable[[], Any], steps: int) -> None:
    """What the device did meanwhile, by its own trace."""
    import jax

    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            run()
        (path,) = Path(folder).rglob("*.trace.json.gz")
        events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    named = [event for event in events if event.get("name") in ("process_name", "thread_name")]
    names = {(event["pid"], event.get("tid"), event["name"]): event["args"]["name"] for event in named}
    devices = {pid for (pid, _, kind), name in names.items() if kind == "process_name" and "GPU" in name}
    streams = {(pid, tid) for (pid, tid, kind), name in names.items() if kind == "thread_name" and "Stream" in name}
    spent: collections.Counter[str] = collections.Counter()
    for event in events:
        place = (event.get("pid"), event.get("tid"))
        if event.get("ph") == "X" and place in streams and place[0] in devices:
            spent[event["name"].split("<")[0][:90]] += event["dur"] / 1000 / steps
    print(f"\nkernels, ms a step: {sum(spent.values()):.2f} in all")
    for name, span in spent.most_common(SHOWN):
        print(f"{span:7.3f}  {name}")


if __name__ == "__main__":
    main()
