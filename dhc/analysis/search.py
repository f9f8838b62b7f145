"""A person's search for runs: words, values of settings, state, tags, group; and the order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dhc.analysis.query import read_query
from dhc.analysis.ranking import best_first
from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class RunFilter:
    """A filter; an empty one lets every run pass that is not archived.

    words   a search, as `query.read_query` reads it
    """

    words: str = ""
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    group: str = ""
    starred: bool = False
    archived: bool = False


ORDERS: dict[str, Callable[[RunInfo], tuple[float, str]]] = {
    "newest": lambda info: (-(info.queued_at or 0.0), ""),
    "best": lambda info: (-_number(info.best_val_accuracy), ""),
    "smallest gap": lambda info: (-_number(None if info.gap is None else -abs(info.gap)), ""),
    "shortest": lambda info: (-_number(None if info.seconds is None else -info.seconds), ""),
    "name": lambda info: (0.0, info.title.casefold()),
}


def select_runs(
    runs: Sequence[RunInfo],
    run_filter: RunFilter,
    order: str = "newest",
    *,
    pictures: Mapping[str, int] | None = None,
    first: int | None = None,
) -> list[RunInfo]:
    """The runs that pass the filter, in one of ORDERS.

    `pictures` gives each run, by its id, the number of the pictures that it was judged on, the newest 0. With them, the runs on
    the same pictures stand together in every order but newest and name: those on `first` on top, then the newest.
    """
    query = read_query(run_filter.words)
    matches = [info for info in runs if _passes(info, run_filter) and query.passes(info)]
    if order == "newest":
        return matches
    matches = best_first(matches) if order == "best" else sorted(matches, key=ORDERS[order])
    return matches if order == "name" or pictures is None else _together(matches, pictures, first)


def _together(matches: list[RunInfo], pictures: Mapping[str, int], first: int | None) -> list[RunInfo]:
    """The same runs, those on the same pictures together; last, whose pictures nobody knows."""

    def rank(info: RunInfo) -> tuple[bool, float]:
        number = pictures.get(info.id, math.inf)
        return number != first, number

    return sorted(matches, key=rank)


def _passes(info: RunInfo, run_filter: RunFilter) -> bool:
    return (
        (run_filter.archived or not info.labels.archived)
        and (not run_filter.starred or info.labels.star)
        and (not run_filter.states or info.state.value in run_filter.states)
        and (not run_filter.group or info.group == run_filter.group)
        and set(run_filter.tags) <= set(info.labels.tags)
    )


def _number(value: float | None) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value
