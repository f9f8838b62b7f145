"""Settings against results: what each run reached with which value, repeats over seeds taken together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, Literal

from dhc.analysis.differences import differing_settings, value_text
from dhc.analysis.repeats import SEED, settings_key
from dhc.runs.store import RunInfo

Result = Literal["val_accuracy", "seconds", "gap"]
RESULTS: tuple[Result, ...] = ("val_accuracy", "seconds", "gap")


@dataclass(frozen=True)
class Dot:
    """One run: the setting's `value` in it, None where it has no effect, and its `result`."""

    run: str
    value: Any
    result: float


@dataclass(frozen=True)
class Repeats:
    """Repeats: the runs alike in all that has an effect but the seed.

    mean     of their results
    spread   their sample standard deviation, None for a single run
    runs     their ids
    """

    value: Any
    mean: float
    spread: float | None
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Scatter:
    """Every run with a result, and the same runs grouped by repeats, both by value; `numeric`: the values are numbers."""

    dots: tuple[Dot, ...]
    repeats: tuple[Repeats, ...]
    numeric: bool


@dataclass(frozen=True)
class Dimension:
    """One axis of parallel coordinates: its ordered `ticks`, and the place of each run on it, 0 to len(ticks) - 1."""

    name: str
    ticks: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class Parallel:
    """The runs with a result, as ids, the differing settings as axes, and the results."""

    runs: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    results: tuple[float, ...]


def result_of(info: RunInfo, result: Result) -> float | None:
    """A run's best val_accuracy, seconds of training, or gap at the end; None where there is none."""
    return {"val_accuracy": info.best_val_accuracy, "seconds": info.seconds, "gap": info.gap}[result]


def scatter(runs: Iterable[RunInfo], name: str, result: Result) -> Scatter:
    """The runs by the setting of that dotted name against a result. Runs without config or result are left out."""
    by_key: dict[Hashable, list[Dot]] = defaultdict(list)
    for info in runs:
        reached = result_of(info, result)
        if info.config is None or reached is None:
            continue
        value = info.config.get(name) if info.config.uses(name) else None
        # Of the seed itself there are no repeats to take together: each of its values stands alone.
        by_key[settings_key(info.config, but=() if name == SEED else (SEED,))].append(Dot(info.id, value, reached))
    dots = sorted((dot for members in by_key.values() for dot in members), key=lambda dot: _place(dot.value))
    groups = sorted((_group(members) for members in by_key.values()), key=lambda group: _place(group.value))
    values = [dot.value for dot in dots if dot.value is not None]
    return Scatter(tuple(dots), tuple(groups), bool(values) and all(_is_number(value) for value in values))


def parallel(runs: Sequence[RunInfo], result: Result) -> Parallel:
    """The settings on which the runs with a result differ, an axis each: the values tried, in order and evenly spaced."""
    known = [
        (info, reached) for info in runs if info.config is not None and (reached := result_of(info, result)) is not None
    ]
    configs = [info.config for info, _ in known if info.config is not None]
    dimensions = []
    for name in differing_settings(configs):
        values = [config.get(name) if config.uses(name) else None for config in configs]
        ordered = sorted(dict.fromkeys(values), key=_place)
        ticks = tuple(value_text(value, name) for value in ordered)
        dimensions.append(Dimension(name, ticks, tuple(ordered.index(value) for value in values)))
    return Parallel(tuple(info.id for info, _ in known), tuple(dimensions), tuple(reached for _, reached in known))


def _group(members: Sequence[Dot]) -> Repeats:
    results = [dot.result for dot in members]
    spread = stdev(results) if len(results) > 1 else None
    return Repeats(members[0].value, mean(results), spread, tuple(dot.run for dot in members))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _place(value: Any) -> tuple[int, float, str]:
    """A key to sort values by: what has none first, then numbers, then texts."""
    if value is None:
        return (0, 0.0, "")
    return (1, float(value), "") if _is_number(value) else (2, 0.0, str(value))
