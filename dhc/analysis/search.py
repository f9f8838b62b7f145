"""Which runs a person means: words in what is said of them, settings by value, state, tags, group; and in which order."""

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

    words     of which each must occur in name, id, note, tags, group, network or state; ``factor=0.8`` asks a setting's value
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


def select(runs: Sequence[RunInfo], run_filter: RunFilter, order: str = "newest") -> list[RunInfo]:
    """The runs that pass, in one of ORDERS; starred ones keep their place."""
    words = run_filter.words.casefold().split()
    kept = [info for info in runs if _passes(info, run_filter) and all(_has(info, word) for word in words)]
    return kept if order == "newest" else sorted(kept, key=ORDERS[order])


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
    told = (info.id, info.labels.name, info.labels.note, *info.labels.tags, info.group, network, info.state.value)
    return any(word in text.casefold() for text in told)


def _has_setting(info: RunInfo, name: str, value: str) -> bool:
    """Whether a setting in use, named in full or by its last part, has that value."""
    named = [field.name for field in fields() if name in (field.name, field.key)]
    return any(setting_text(info.config, setting).casefold() == value for setting in named)


def sparkline(curve: Sequence[float], points: int = 40) -> list[float]:
    """At most so many val accuracies of a run, evenly over its epochs, its best and its last one among them; NaN left out."""
    known = [value for value in curve if math.isfinite(value)]
    if len(known) <= points:
        return known
    best = max(range(len(known)), key=known.__getitem__)
    even = {round(number * (len(known) - 1) / (points - 2)) for number in range(points - 1)}
    return [known[place] for place in sorted(even | {best})]


def _number(value: float | None) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value
