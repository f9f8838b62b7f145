"""What was worked out of runs and need not be worked out again while they stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from dhc.runs.store import RunInfo

T = TypeVar("T")


class PerRun(Generic[T]):
    """What was worked out of each run, until that run is read anew."""

    MOST: Final = 5_000

    def __init__(self, work: Callable[[RunInfo], T]) -> None:
        self._work = work
        self._results: dict[str, tuple[RunInfo, T]] = {}

    def __call__(self, info: RunInfo) -> T:
        """The result for a run."""
        entry = self._results.get(info.id)
        if entry is None or entry[0] is not info:
            if len(self._results) > self.MOST:
                self._results.clear()
            entry = self._results[info.id] = (info, self._work(info))
        return entry[1]


class Same(Generic[T]):
    """A value as a cache's key that is equal to itself alone: comparing a thousand settings would take longer than the work."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Same) and self.value is other.value
