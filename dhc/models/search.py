"""How a search for a learning rate goes: it grows by a constant factor from batch to batch, until the loss blows up.

After Smith, 2017, "Cyclical learning rates for training neural networks", section 3.3, in the form that fast.ai 2 gave it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

BETA = 0.98  # of the running average, as in fast.ai
DIVERGED = 4.0  # times the lowest smoothed loss ends a search, as in fast.ai


def rate_of_batch(batch: int, low: float, high: float, batches: int) -> float:
    """The learning rate of a batch, from 0, of a search that goes from `low` up to `high`."""
    return float(low * (high / low) ** (batch / batches))


def smooth(losses: Iterable[float]) -> np.ndarray:
    """(N,) float64: the running average of the losses with `BETA`, without the bias of its start."""
    averages, average = [], 0.0
    for count, loss in enumerate(losses, start=1):
        average = BETA * average + (1 - BETA) * loss
        averages.append(average / (1 - BETA**count))
    return np.array(averages)


def has_diverged(averages: np.ndarray) -> bool:
    """Whether the last smoothed loss is no number, or `DIVERGED` times the lowest one."""
    return not math.isfinite(averages[-1]) or bool(averages[-1] > DIVERGED * averages.min())


def seed_of_pass(seed: int, number: int) -> int:
    """The seed of a pass, from 1: the first has the config's, and no later one that of a neighbouring search."""
    return seed if number == 1 else int(np.random.default_rng([seed, number]).integers(2**31))


def ending(ends: Sequence[float | None]) -> str:
    """How a search ended, in words, whose passes blew up at these learning rates, or at none."""
    blown = [rate for rate in ends if rate is not None]
    if not blown:
        return "all batches done"
    low, high = f"{min(blown):.2g}", f"{max(blown):.2g}"
    rates = f"a learning rate of {low}" if low == high else f"learning rates of {low} to {high}"
    return f"the loss blew up at {rates}" + (
        "" if len(blown) == len(ends) else f", in {len(blown)} of {len(ends)} passes"
    )
