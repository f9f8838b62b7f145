"""Settings against results: what each run reached with which value, repeats taken together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, Literal

from dhc.analysis.course import course_key
from dhc.analysis.differences import (
    differing_settings,
    effective_value,
    effective_values,
    is_number,
    value_rank,
    value_text,
)
from dhc.analysis.repeats import SEED, settings_key
from dhc.config import RunConfig
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
    """The runs with a result, by value.

    dots      one a run
    repeats   one for each set of repeats among the same runs
    numeric   whether the values are numbers
    """

    dots: tuple[Dot, ...]
    repeats: tuple[Repeats, ...]
    numeric: bool


@dataclass(frozen=True)
class Dimension:
    """One axis of parallel coordinates.

    ticks    the values in order
    places   the index into `ticks` of each run
    """

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
    """A run's best val_accuracy, seconds of training or gap at the end; None where it has none."""
    return {"val_accuracy": info.best_val_accuracy, "seconds": info.seconds, "gap": info.gap}[result]


def scatter(runs: Iterable[RunInfo], name: str, result: Result) -> Scatter:
    """A setting, by its dotted name, against a result; runs without either are left out."""
    by_key: dict[Hashable, list[Dot]] = defaultdict(list)
    # Against the seed itself there are no repeats: each of its values stands alone.
    but = () if name == SEED else (SEED,)
    for info, config, figure in _with_result(runs, result):
        by_key[settings_key(config, but=but), course_key(info)].append(
            Dot(info.id, effective_value(config, name), figure)
        )
    dots = sorted((dot for same in by_key.values() for dot in same), key=lambda dot: value_rank(dot.value))
    repeats = sorted((_repeats(same) for same in by_key.values()), key=lambda repeats: value_rank(repeats.value))
    values = [dot.value for dot in dots if dot.value is not None]
    return Scatter(tuple(dots), tuple(repeats), bool(values) and all(is_number(value) for value in values))


def parallel(runs: Sequence[RunInfo], result: Result) -> Parallel:
    """The settings on which runs with a result differ, each an axis with its values in order."""
    rows = list(_with_result(runs, result))
    configs = [config for _, config, _ in rows]
    dimensions = []
    for name in differing_settings(configs):
        values = effective_values(configs, name)
        distinct = sorted(dict.fromkeys(values), key=value_rank)
        ticks = tuple(value_text(value, name) for value in distinct)
        dimensions.append(Dimension(name, ticks, tuple(distinct.index(value) for value in values)))
    return Parallel(tuple(info.id for info, _, _ in rows), tuple(dimensions), tuple(figure for _, _, figure in rows))


def _with_result(runs: Iterable[RunInfo], result: Result) -> Iterator[tuple[RunInfo, RunConfig, float]]:
    for info in runs:
        figure = result_of(info, result)
        if info.shown_config is not None and figure is not None:
            yield info, info.shown_config, figure


def _repeats(dots: Sequence[Dot]) -> Repeats:
    results = [dot.result for dot in dots]
    spread = stdev(results) if len(results) > 1 else None
    return Repeats(dots[0].value, mean(results), spread, tuple(dot.run for dot in dots))
