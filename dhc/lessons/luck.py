"""How much of a victory is luck: the same contest, held again and again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MOST = 200_000  # pictures drawn at once


def redraw(right: NDArray[np.bool_], pictures: int, times: int, rng: np.random.Generator) -> Floats:
    """The accuracies of R networks on val pictures that are drawn again, `times` times: (times, R).

    right: (R, M), which network has which picture right. Each time `pictures` of the M are drawn, and laid back each time, so
    that some come twice and some not at all (the bootstrap, Efron 1979). All networks are judged by the same ones.
    Raises ValueError where there is no picture to draw.
    """
    total = right.shape[1]
    if not total or pictures < 1:
        raise ValueError("there is no picture to draw")
    rows, each = (
        right.T.astype(np.float32),
        max(1, MOST // max(pictures, total)),
    )  # whole numbers, which float32 adds up exactly
    accuracies = []
    for first in range(0, times, each):
        count = min(each, times - first)
        drawn = (
            rng.integers(total, size=(count, pictures)) + total * np.arange(count)[:, None]
        )  # of each contest its own M
        counts = np.bincount(drawn.ravel(), minlength=count * total).reshape(count, total)
        accuracies.append(counts.astype(np.float32) @ rows / pictures)
    return np.concatenate(accuracies).astype(np.float64)


def with_seeds(accuracies: Floats, spread: float, rng: np.random.Generator) -> Floats:
    """The accuracies (times, R) as they would be, had each network been trained from another seed each time.

    spread: by how much the accuracy of one and the same setting varies from seed to seed (a standard deviation).
    """
    return np.asarray(accuracies + rng.normal(0.0, spread, accuracies.shape))


def wins(accuracies: Floats) -> Floats:
    """The share of the contests (times, R) that each network wins: (R,), together 1; those who tie share the victory."""
    best = accuracies == accuracies.max(axis=1, keepdims=True)
    return np.asarray((best / best.sum(axis=1, keepdims=True)).mean(axis=0))


def spread_of_seeds(groups: Sequence[Sequence[float]]) -> float | None:
    """How much one setting's accuracy varies from seed to seed, out of `groups` of repeats; None where nothing was repeated.

    The pooled standard deviation: squared distances from each group's own mean, over the number of runs less that of groups.
    """
    repeated = [np.asarray(group, float) for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in repeated)
    if not freedom:
        return None
    return float(np.sqrt(sum(((group - group.mean()) ** 2).sum() for group in repeated) / freedom))
