"""What a run will cost: parameters, memory, time per epoch. Arithmetic only, no Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dhc.config import RunConfig
from dhc.machine.cores import cores
from dhc.models.ladder import plan_of
from dhc.models.plan import Conv2D, Dense, LayerSize, Shape, measure

# FLOPs of a picture's training step from which bfloat16 gains on a CPU; below, converting costs more than it saves.
WORTHWHILE = 4e7
ORDINARY_CORE = 5e10  # FLOP/s in float32
BYTES = {"auto": 4, "float32": 4, "mixed_bfloat16": 2, "mixed_float16": 2}


@dataclass(frozen=True)
class Cost:
    """One network's weights, FLOPs of a picture's training step, bytes of memory in training.

    `update_flops` are those that the optimizer adds: Muon's products, divided among the batch, and a second pass for SAM.
    """

    parameters: int
    step_flops: float
    activation_bytes: float  # of one picture
    memory: float
    speed: float = 1.0  # of multiplying, against float32
    update_flops: float = 0.0


@lru_cache(maxsize=256)  # a screen asks for the same ones at each click
def cost(config: RunConfig, classes: int, precision: str = "") -> Cost:
    """Size of the config's network for `classes` classes in a dtype policy.

    `precision` is the policy's name; without one, as the config says.

    Raises ValueError when its layers do not fit 64×64 pictures.
    """
    precision = precision or config.device.precision
    rows = measure(plan_of(config, classes))
    parameters = sum(row.parameters for row in rows)
    # backward costs twice forward: one product for the inputs' gradient, one for the weights'
    flops = 3.0 * sum(row.flops for row in rows)
    activations = sum(math.prod(row.shape) for row in rows) * BYTES[precision]
    # weights, gradient and Adam's two moments in float32, and the copies that averaging and SAM keep; activations kept for the backward
    # pass, and about as much working space
    copies = 4 + bool(config.optimizer.ema_momentum) + bool(config.optimizer.sam)
    memory = 4.0 * copies * parameters + 2.0 * config.fit.batch_size * activations
    update = orthogonalising_flops(rows) / config.fit.batch_size if config.optimizer.name == "muon" else 0.0
    update += flops if config.optimizer.sam else 0.0
    return Cost(parameters, flops, float(activations), memory, 4 / BYTES[precision], update)


def orthogonal_kernels(shapes: Sequence[Shape]) -> list[int]:
    """The numbers of the kernels, (h, w, in, out) or (in, out), whose steps Muon makes orthogonal: the hidden ones.

    Not the first and the last, as Jordan has it, nor one whose sides both exceed the filters of the widest convolution: for the
    report's 4069 × 4069 that would take several times as long as all the rest of a step.
    """
    widest = max((shape[-1] for shape in shapes if len(shape) == 4), default=0)
    return [
        number for number, shape in enumerate(shapes) if 0 < number < len(shapes) - 1 and min(_matrix(shape)) <= widest
    ]


def orthogonalising_flops(rows: Sequence[LayerSize]) -> float:
    """FLOPs of Muon's five Newton-Schulz steps for a network's hidden kernels: 4 s² l + 2 s³ each, of s × l."""
    shapes: list[Shape] = []
    for row in rows:
        match row.layer:
            case Conv2D(filters, kernel):
                shapes.append((kernel, kernel, (row.parameters // filters - 1) // kernel**2, filters))
            case Dense(units):
                shapes.append((row.parameters // units - 1, units))
    sides = [sorted(_matrix(shapes[number])) for number in orthogonal_kernels(shapes)]
    return float(sum(5 * (4 * short**2 * long + 2 * short**3) for short, long in sides))


def _matrix(shape: Shape) -> tuple[int, int]:
    return math.prod(shape[:-1]), shape[-1]


@lru_cache(maxsize=256)
def gains_from_bfloat16(config: RunConfig, classes: int) -> bool:
    """Whether a CPU with bfloat16 instructions trains the network faster in it than in float32.
    It does (1.1 to 1.6 times as fast) where TensorFlow's kernels multiply enough at once: filters in multiples of 16. Other
    shapes and small networks lose up to a third, and JAX and PyTorch have no such kernels.
    """
    plan = plan_of(config, classes)
    even = all(layer.filters % 16 == 0 for layer in plan if isinstance(layer, Conv2D))
    return config.device.backend == "tensorflow" and even and cost(config, classes).step_flops >= WORTHWHILE


def layer_count(config: RunConfig, classes: int) -> str:
    """``13 conv + 4 dense``, as the report counts layers."""
    plan = plan_of(config, classes)
    conv, dense = (sum(isinstance(layer, kind) for layer in plan) for kind in (Conv2D, Dense))
    return f"{conv} conv + {dense} dense"


def matrix_rate(size: int = 768, seconds: float = 0.2) -> float:
    """This CPU's float32 matrix-product rate in FLOP/s on all cores, from about `seconds`.
    The better of two measures: the fastest product by the wall clock, and all products by CPU seconds; the second says what
    a quiet machine would do at least, even while a training keeps this one busy.
    """
    a = np.random.default_rng(0).random((size, size), dtype=np.float32)
    a @ a
    spans, cpu_start, end = [], time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        a @ a
        spans.append(time.perf_counter() - start)
    busy = max(1e-9, time.process_time() - cpu_start) / (len(spans) * cores())
    return 2.0 * size**3 / min(*spans, busy)


def ordinary_seconds_per_batch(config: RunConfig, classes: int, precision: str) -> float:
    """Expected training time of one batch on as many ordinary cores as there are here: on each day the same."""
    return config.fit.batch_size * cpu_seconds_per_picture(cost(config, classes, precision), ORDINARY_CORE * cores())


def cpu_seconds_per_picture(network: Cost, rate: float, bandwidth: float = 2e10) -> float:
    """Expected training time of one picture on a CPU, in seconds.

    FLOPs at the matrix rate plus each activation moved several times.

    The second term is what keeps narrow networks from the matrix rate. `bandwidth` (bytes/s) was fitted to measured widths
    0.125 to 1 (``benchmarks/estimate.py``); expect the result within a factor of two.
    """
    flops = network.step_flops + network.update_flops
    return flops / (rate * network.speed) + 12 * network.activation_bytes / bandwidth
