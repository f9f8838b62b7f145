"""Which of several results is best, by one rule for the whole product: equals share a place, the one queued first leads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from dhc.runs.store import RunInfo

T = TypeVar("T")
# Below what one val picture is worth, above what float32 and float64 make of the same accuracy.
EQUAL = 1e-6


def places(items: Iterable[T], value: Callable[[T], float], age: Callable[[T], Any]) -> list[list[T]]:
    """The items by value, the highest first; those of equal value share a place, the lowest `age` first.

    0.5, 0.9 and 0.9 are two places: of both 0.9, and of 0.5.
    """
    by_place: list[list[T]] = []
    last = float("inf")
    for item in sorted(items, key=value, reverse=True):
        if last - value(item) < EQUAL:
            by_place[-1].append(item)
        else:
            by_place.append([item])
        last = value(item)
    return [sorted(place, key=age) for place in by_place]


def run_places(runs: Iterable[RunInfo]) -> list[list[RunInfo]]:
    """The runs that have a best val_accuracy, by it; of equals the first queued leads."""
    return places(filter(_has_result, runs), lambda info: info.best_val_accuracy or 0.0, queue_order)


def best_run(runs: Iterable[RunInfo]) -> RunInfo | None:
    """The first of the best runs; None where none has a result."""
    by_place = run_places(runs)
    return by_place[0][0] if by_place else None


def best_first(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """All runs, the best first, those without a result last, in their own order."""
    with_result = [info for place in run_places(runs) for info in place]
    return with_result + [info for info in runs if not _has_result(info)]


def _has_result(info: RunInfo) -> bool:
    return info.best_val_accuracy is not None and math.isfinite(info.best_val_accuracy)


def queue_order(info: RunInfo) -> tuple[float, str]:
    """A key that sorts runs by when they were queued."""
    return info.queued_at or 0.0, info.id
