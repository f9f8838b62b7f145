"""What the table remembers of runs: once for each, and anew for one that was read anew."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

from test_query import PLAIN

from dhc.runs.store import RunInfo
from dhc.ui.runs.memory import PerRun, Same


def test_work_is_done_once_a_run_until_it_is_read_anew() -> None:
    done: list[RunInfo] = []
    counted = PerRun(lambda info: done.append(info) or len(done))
    again = dataclasses.replace(PLAIN)
    assert [counted(PLAIN), counted(PLAIN), counted(again), counted(again)] == [1, 1, 2, 2]
    assert again == PLAIN, "equal, and yet read anew: a file may have changed that the line does not show"


def test_no_more_is_remembered_than_needed() -> None:
    counted = PerRun(lambda info: info.id)
    for number in range(PerRun.MOST + 10):
        counted(dataclasses.replace(PLAIN, id=str(number)))
    assert len(counted._results) < PerRun.MOST


def test_a_cache_tells_equal_values_apart_by_what_they_are() -> None:
    calls = []

    @lru_cache
    def size(values: tuple[Same[list[int]], ...]) -> int:
        calls.append(values)
        return len(values)

    one, other = [1], [1]
    assert size((Same(one),)) == size((Same(one),)) == 1
    assert len(calls) == 1
    assert size((Same(other),)) == 1
    assert len(calls) == 2
