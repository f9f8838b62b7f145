"""A person's search for runs: words, values of settings, state, tags, group; and the order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dhc.analysis.differences import setting_text
from dhc.config import fields
from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class RunFilter:
    """A filter; an empty one lets every run pass that is not archived.

    words   each must occur in name, id, note, tags, group, network or state; ``factor=0.8`` looks at a setting's value
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


def select_runs(runs: Sequence[RunInfo], run_filter: RunFilter, order: str = "newest") -> list[RunInfo]:
    """The runs that pass the filter, in one of ORDERS."""
    words = run_filter.words.casefold().split()
    matches = [info for info in runs if _passes(info, run_filter) and all(_has(info, word) for word in words)]
    return matches if order == "newest" else sorted(matches, key=ORDERS[order])


def _passes(info: RunInfo, run_filter: RunFilter) -> bool:
    return (
        (run_filter.archived or not info.labels.archived)
        and (not run_filter.starred or info.labels.star)
        and (not run_filter.states or info.state.value in run_filter.states)
        and (not run_filter.group or info.group == run_filter.group)
        and set(run_filter.tags) <= set(info.labels.tags)
    )


def _has(info: RunInfo, word: str) -> bool:
    name, is_setting, value = word.partition("=")
    if is_setting and name:
        return _has_setting(info, name, value)
    network = "" if info.config is None else info.config.model.name
    labels = info.labels
    texts = (info.id, labels.name, labels.note, *labels.tags, info.group, network, info.state.value)
    return any(word in text.casefold() for text in texts)


def _has_setting(info: RunInfo, name: str, value: str) -> bool:
    """Whether a setting in use, named in full or by its last part, has that value."""
    names = [field.name for field in fields() if name in (field.name, field.key)]
    return any(setting_text(info.config, setting).casefold() == value for setting in names)


def sparkline(curve: Sequence[float], points: int = 40) -> list[float]:
    """At most `points` of a run's val accuracies, evenly spread, the best and the last included.

    What is not finite is left out.
    """
    values = [value for value in curve if math.isfinite(value)]
    if len(values) <= points:
        return values
    best = max(range(len(values)), key=values.__getitem__)
    even = {round(number * (len(values) - 1) / (points - 2)) for number in range(points - 1)}
    return [values[place] for place in sorted(even | {best})]


def _number(value: float | None) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value
