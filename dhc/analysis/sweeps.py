"""Reading a sweep: the best of each value with the other settings tuned away, an optimum at the edge, two settings together.

After Google's Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue and Nado, 2023), "Extracting insight from experimental
results": isolation plots, the check of the search space's boundary, and infeasible points, which are shown and not dropped.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dhc.analysis.differences import effective_value, is_number, value_rank
from dhc.analysis.ladder import is_measured
from dhc.analysis.repeats import SEED, settings_key
from dhc.analysis.significance import SeedResults
from dhc.config import ConfigField, find_field
from dhc.runs.status import State
from dhc.runs.store import RunInfo

FEWEST_VALUES = 3  # of two values one is always at the edge


@dataclass(frozen=True)
class Isolated:
    """The best setting among those with one value, the others tuned away.

    value     of the setting
    results   of its repeats, each its best val_accuracy
    settings  how many different settings were tried with this value
    runs      ids of the repeats
    """

    value: Any
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
    further   values to try beyond it, within the setting's bounds, nearest first; empty where it lies at its bound
    """

    value: float
    neighbour: float
    further: tuple[float, ...]


@dataclass(frozen=True)
class Together:
    """Two settings: the best mean for each pair of values, None where none was tried."""

    rows: tuple[Any, ...]
    columns: tuple[Any, ...]
    best: tuple[tuple[float | None, ...], ...]


def isolate(runs: Iterable[RunInfo], name: str) -> tuple[Isolated, ...]:
    """For each value of the setting, the best mean over seeds that any choice of the others reached, values in order."""
    by_value: dict[Any, dict[Hashable, list[RunInfo]]] = defaultdict(lambda: defaultdict(list))
    for info, value in _measured(runs, name):
        assert info.config is not None
        by_value[value][settings_key(info.config, but=() if name == SEED else (SEED,))].append(info)
    return tuple(_best_of(value, by_value[value].values()) for value in sorted(by_value, key=value_rank))


def infeasible(runs: Iterable[RunInfo], name: str) -> tuple[Infeasible, ...]:
    """The runs that failed or crashed, by value; what a person stopped is none."""
    found = [
        Infeasible(info.id, effective_value(info.config, name), info.status.cause)
        for info in runs
        if info.config is not None and info.config.uses(name) and info.state in (State.FAILED, State.CRASHED)
    ]
    return tuple(sorted(found, key=lambda one: value_rank(one.value)))


def edge(isolated: Sequence[Isolated], name: str, failed: Sequence[Infeasible] = ()) -> Edge | None:
    """Where the best value lies at an end of the numbers tried; None for fewer than FEWEST_VALUES of them.

    What `failed` is not proposed again.
    """
    field = find_field(name)
    points = [(float(one.value), one.results.mean) for one in isolated if is_number(one.value)]
    if len(points) < FEWEST_VALUES or name == SEED:
        return None
    best = max(range(len(points)), key=lambda place: points[place][1])
    if best not in (0, len(points) - 1):
        return None
    value, neighbour = points[best][0], points[1 if best == 0 else -2][0]
    further = _beyond(field, value, neighbour)
    bad = [float(one.value) for one in failed if is_number(one.value)]
    return Edge(value, neighbour, tuple(one for one in further if one not in bad))


def together(runs: Iterable[RunInfo], first: str, second: str) -> Together:
    """The best mean over seeds for each pair of values of two settings, the others tuned away."""
    every = [info for info, _ in _measured(runs, first)]
    rows = tuple(sorted({value for _, value in _measured(every, first)}, key=value_rank))
    columns = tuple(sorted({value for _, value in _measured(every, second)}, key=value_rank))
    best: dict[tuple[Any, Any], float] = {}
    for row in rows:
        for one in isolate([info for info, value in _measured(every, first) if value == row], second):
            best[row, one.value] = one.results.mean
    return Together(rows, columns, tuple(tuple(best.get((row, column)) for column in columns) for row in rows))


def _best_of(value: Any, settings: Iterable[Sequence[RunInfo]]) -> Isolated:
    several = [sorted(infos, key=lambda info: info.id) for infos in settings]
    best = max(several, key=lambda infos: _results(infos).mean)
    return Isolated(value, _results(best), len(several), tuple(info.id for info in best))


def _results(infos: Sequence[RunInfo]) -> SeedResults:
    return SeedResults(tuple(info.best_val_accuracy for info in infos if info.best_val_accuracy is not None))


def _measured(runs: Iterable[RunInfo], name: str) -> list[tuple[RunInfo, Any]]:
    return [
        (info, info.config.get(name))
        for info in runs
        if info.config is not None and info.config.uses(name) and is_measured(info)
    ]


def _beyond(field: ConfigField, value: float, neighbour: float, count: int = 2) -> tuple[float, ...]:
    """The next values in the step of the last two, by ratio where the setting is tuned in decades."""
    steps: list[float] = []
    for number in range(1, count + 1):
        if field.log and value > 0 and neighbour > 0:
            candidate = value * (value / neighbour) ** number
        else:
            candidate = value + (value - neighbour) * number
        candidate = float(round(candidate)) if field.kind == "int" else float(f"{candidate:.3g}")
        if not math.isclose(candidate, value) and _is_within(field, candidate):
            steps.append(candidate)
    return tuple(dict.fromkeys(steps))


def _is_within(field: ConfigField, value: float) -> bool:
    above = field.low is None or (value > field.low if field.low_open else value >= field.low)
    below = field.high is None or (value < field.high if field.high_open else value <= field.high)
    return above and below
