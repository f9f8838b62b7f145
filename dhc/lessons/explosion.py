"""A learning rate that is too large: where the loss of a search leaves all that the network knew at its start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

START = 0.1  # share of the batches whose mean loss counts as the start: the rate is still too small to teach anything


def start_loss(losses: Floats) -> float:
    """The mean loss of the first tenth of the batches, at least of one. Raises ValueError for no batch."""
    if not len(losses):
        raise ValueError("a search without a batch has no start")
    return float(losses[: max(1, int(START * len(losses)))].mean())


def blow_up(losses: Floats) -> int | None:
    """The first batch, from 0, from which on every loss is above that of the start; a loss that is no number is, too.

    None where the last batch is not above it. Losses 2, 1, 3, 1, 4, 9 start at 2, and blow up at batch 4.
    """
    is_sound = losses <= start_loss(losses)
    last_sound = int(np.flatnonzero(is_sound)[-1]) if is_sound.any() else -1
    return last_sound + 1 if last_sound + 1 < len(losses) else None


def times_off(bet: float, answer: float) -> float:
    """By which factor a bet on a rate, both above 0, was off: at least 1, since 2 and 1/2 are as far away."""
    return max(bet / answer, answer / bet)
