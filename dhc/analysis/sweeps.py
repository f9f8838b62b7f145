"""Reading a sweep: the best of each value with the other settings tuned away, an optimum at the edge, two settings together.

After Google's Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue and Nado, 2023), "Extracting insight from experimental
results": isolation plots, the check of the search space's boundary, and infeasible points, which are shown and not dropped. A run that was changed on
its way says nothing of the value that it began with, and does not count.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dhc.analysis.course import is_as_set
from dhc.analysis.differences import effective_value, is_number, value_rank
from dhc.analysis.ladder import is_measured
from dhc.analysis.repeats import SEED, settings_key
from dhc.analysis.significance import SeedResults
from dhc.config import ConfigField, find_field
from dhc.runs.status import State
from dhc.runs.store import RunInfo

FEWEST_VALUES = 3  # of two values one is always at the edge
MOST_VALUES = 12  # numbers that stand each alone; more, as where they were drawn, are taken together by ranges
RANGES, PAIRED_RANGES = 8, 5  # of equal width, alone and where two settings are seen together


@dataclass(frozen=True)
class Isolated:
    """The best setting among those with one value, or with values in one range, the others tuned away.

    value     of the setting
    span      the range in which it is the best; the value twice where each stands alone
    results   of its repeats, each its best val_accuracy
    settings  how many different settings were tried there
    runs      ids of the repeats
    """

    value: Any
    span: tuple[Any, Any]
    results: SeedResults
    settings: int
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Infeasible:
    """A run that failed, crashed or diverged: it says of its value what a result could not."""

    run: str
    value: Any
    cause: str


@dataclass(frozen=True)
class Edge:
    """The best value lies at the end of what was tried.

    value     that one
    neighbour the one that was tried beside it
    further   values to try beyond it, within the setting's bounds and before a run that failed, nearest first
    failed    the nearest value beyond it at which a run failed
    """

    value: float
    neighbour: float
    further: tuple[float, ...]
    failed: float | None = None


@dataclass(frozen=True)
class Together:
    """Two settings: the best mean for each pair of values or ranges, None where none was tried."""

    rows: tuple[tuple[Any, Any], ...]
    columns: tuple[tuple[Any, Any], ...]
    best: tuple[tuple[float | None, ...], ...]


def isolate(runs: Iterable[RunInfo], name: str) -> tuple[Isolated, ...]:
    """For each value of the setting, the best mean over seeds that any choice of the others reached, values in order."""
    measured = _measured(runs, name)
    spans = _spans([value for _, value in measured], name, RANGES)
    but = () if name == SEED else (SEED,)
    by_span: dict[tuple[Any, Any], dict[Hashable, list[RunInfo]]] = defaultdict(lambda: defaultdict(list))
    for info, value in measured:
        assert info.config is not None
        by_span[spans[value]][settings_key(info.config, but=but)].append(info)
    return tuple(_best_of(name, span, by_span[span].values()) for span in sorted(by_span, key=_span_rank))


def infeasible(runs: Iterable[RunInfo], name: str) -> tuple[Infeasible, ...]:
    """The runs that failed or crashed, by value; what a person stopped is none."""
    found = [
        Infeasible(info.id, effective_value(info.config, name), info.status.cause)
        for info in runs
        if info.config is not None
        and info.config.uses(name)
        and info.state in (State.FAILED, State.CRASHED)
        and is_as_set(info)
    ]
    return tuple(sorted(found, key=lambda one: value_rank(one.value)))


def edge(isolated: Sequence[Isolated], name: str, failed: Sequence[Infeasible] = ()) -> Edge | None:
    """Where the best value lies at an end of the numbers tried; None for fewer than FEWEST_VALUES of them.

    None, too, where another value did as well: then nothing says that it gets better beyond the end. What `failed` is not proposed
    again, nor what lies beyond it where a setting is tuned in decades: a rate that is too high is too high from there on.
    """
    points = [one for one in isolated if is_number(one.value)]
    if len(points) < FEWEST_VALUES or name == SEED:
        return None
    best = max(points, key=lambda one: one.results.mean)
    if best not in (points[0], points[-1]) or any(
        one.results.mean == best.results.mean for one in points if one is not best
    ):
        return None
    neighbour = points[1 if best is points[0] else -2]
    end, inner = float(best.value), float(neighbour.value)
    if best.span[0] != best.span[1]:  # a drawn value stands somewhere within its range
        end, inner = best.span if best is points[0] else best.span[::-1]
    field, bad = find_field(name), [float(one.value) for one in failed if is_number(one.value)]
    limit = _limit(field, end, inner, bad)
    further = [value for value in _beyond(field, end, inner) if value not in bad]
    near = tuple(value for value in further if limit is None or abs(value - end) < abs(limit - end))
    return Edge(float(best.value), float(neighbour.value), near, limit)


def _limit(field: ConfigField, end: float, inner: float, failed: Iterable[float]) -> float | None:
    """Of a setting that is tuned in decades, the failed value that lies nearest beyond the end, seen from the inner one."""
    beyond = [value for value in failed if (value > end) == (end > inner) and value != end]
    return min(beyond, key=lambda value: abs(value - end), default=None) if field.log else None


def together(runs: Iterable[RunInfo], first: str, second: str) -> Together:
    """The best mean over seeds for each pair of values of two settings, the others tuned away."""
    measured = [
        (info, value) for info, value in _measured(runs, first) if info.config is not None and info.config.uses(second)
    ]
    spans = _spans([value for _, value in measured], first, PAIRED_RANGES)
    others = _spans([value for _, value in _measured([info for info, _ in measured], second)], second, PAIRED_RANGES)
    cells: dict[tuple[Any, Any], dict[Hashable, list[RunInfo]]] = defaultdict(lambda: defaultdict(list))
    for info, value in measured:
        assert info.config is not None
        cell = spans[value], others[info.config.get(second)]
        cells[cell][settings_key(info.config, but=(SEED,))].append(info)
    rows, columns = (tuple(sorted(set(found.values()), key=_span_rank)) for found in (spans, others))
    best = {cell: max(_results(infos).mean for infos in settings.values()) for cell, settings in cells.items()}
    return Together(rows, columns, tuple(tuple(best.get((row, column)) for column in columns) for row in rows))


def _spans(values: Iterable[Any], name: str, count: int) -> dict[Any, tuple[Any, Any]]:
    """Each value with the range in which it is seen: itself alone, or one of `count` where there are more than MOST_VALUES numbers."""
    distinct = sorted(set(values), key=value_rank)
    if len(distinct) <= MOST_VALUES or not all(map(is_number, distinct)):
        return {value: (value, value) for value in distinct}
    is_log = find_field(name).log and distinct[0] > 0
    scaled = np.log(distinct) if is_log else np.array(distinct, dtype=np.float64)
    bounds = np.linspace(scaled[0], scaled[-1], count + 1)
    places = np.clip(np.searchsorted(bounds, scaled, side="right") - 1, 0, count - 1)
    ends = [float(f"{end:.3g}") for end in (np.exp(bounds) if is_log else bounds)]
    ends[0], ends[-1] = float(distinct[0]), float(distinct[-1])
    return {value: (ends[place], ends[place + 1]) for value, place in zip(distinct, places, strict=True)}


def _span_rank(span: tuple[Any, Any]) -> tuple[int, float, str]:
    return value_rank(span[0])


def _best_of(name: str, span: tuple[Any, Any], settings: Iterable[Sequence[RunInfo]]) -> Isolated:
    several = [sorted(infos, key=lambda info: info.id) for infos in settings]
    best = max(several, key=lambda infos: _results(infos).mean)
    assert best[0].config is not None
    return Isolated(best[0].config.get(name), span, _results(best), len(several), tuple(info.id for info in best))


def _results(infos: Sequence[RunInfo]) -> SeedResults:
    return SeedResults(tuple(info.best_val_accuracy for info in infos if info.best_val_accuracy is not None))


def _measured(runs: Iterable[RunInfo], name: str) -> list[tuple[RunInfo, Any]]:
    return [
        (info, info.config.get(name))
        for info in runs
        if info.config is not None and info.config.uses(name) and is_measured(info) and is_as_set(info)
    ]


def _beyond(field: ConfigField, value: float, neighbour: float, count: int = 2) -> tuple[float, ...]:
    """The next values in the step of the last two, by ratio where the setting is tuned in decades; the last one at most at the bound."""
    steps = [value]
    for number in range(1, count + 1):
        if field.log and value > 0 and neighbour > 0:
            candidate = value * (value / neighbour) ** number
        else:
            candidate = value + (value - neighbour) * number
        is_within = _is_within(field, candidate)
        candidate = candidate if is_within else _towards_bound(field, steps[-1], rising=value > neighbour)
        candidate = float(round(candidate)) if field.kind == "int" else float(f"{candidate:.3g}")
        if not math.isclose(candidate, steps[-1]) and _is_within(field, candidate):
            steps.append(candidate)
        if not is_within:
            break
    return tuple(steps[1:])


def _towards_bound(field: ConfigField, value: float, *, rising: bool) -> float:
    """The bound itself where it may be taken, else half way to it; the value where there is none."""
    bound, is_open = (field.high, field.high_open) if rising else (field.low, field.low_open)
    if bound is None:
        return value
    return (value + bound) / 2 if is_open else bound


def _is_within(field: ConfigField, value: float) -> bool:
    above = field.low is None or (value > field.low if field.low_open else value >= field.low)
    below = field.high is None or (value < field.high if field.high_open else value <= field.high)
    return above and below
