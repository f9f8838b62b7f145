"""The layer bound of a network on this machine: each convolution by itself, as fast as oneDNN makes it. A part of `benchmarks.engine`.

    python -m benchmarks.torch_bound CONFIG.json CLASSES

Prints as JSON, by precision, the pictures a second at which a training would go that did nothing else: for each convolution of the
config's network the best times, in a batch of its size, of the forward pass and of the backward one (for the inputs, but for the first
convolution, and for the weights), added up.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.layer_bound import Shape, convolutions
from dhc.config import RunConfig
from dhc.machine.cores import cores
from dhc.models.plan import Conv2D

ROUNDS = 12
PRECISIONS = {"float32": torch.float32, "mixed_bfloat16": torch.bfloat16}


def seconds(action: Callable[[], object]) -> float:
    """The least that it takes."""
    spans = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        spans.append(time.perf_counter() - start)
    return min(spans)


def of_layer(layer: Conv2D, shape: Shape, filters: int, batch: int, kind: torch.dtype, *, is_first: bool) -> float:
    """Seconds of a training step's three products, of two for the first layer; channels last."""
    height, width, channels = shape
    pad = layer.kernel // 2 if layer.padding == "same" else 0
    last = torch.channels_last
    x = torch.randn(batch, channels, height, width).to(kind).contiguous(memory_format=last)
    kernel = torch.randn(filters, channels, layer.kernel, layer.kernel).to(kind).contiguous(memory_format=last)
    slope = torch.randn_like(functional.conv2d(x, kernel, None, layer.strides, pad))
    more = (None, [layer.strides] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, [not is_first, True, False])
    forward = seconds(lambda: functional.conv2d(x, kernel, None, layer.strides, pad))
    return forward + seconds(lambda: torch.ops.aten.convolution_backward(slope, x, kernel, *more))


def main() -> None:
    """Print it."""
    config = RunConfig.from_json(Path(sys.argv[1]).read_bytes())
    batch = config.fit.batch_size
    torch.set_num_threads(cores())
    layers = list(convolutions(config, int(sys.argv[2])))
    rates = {}
    for name, kind in PRECISIONS.items():
        spans = [of_layer(*layer, batch, kind, is_first=not number) for number, layer in enumerate(layers)]
        rates[name] = batch / sum(spans)
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
