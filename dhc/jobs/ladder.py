"""Whole experiments as one queue: rungs of the report's ladder, and its sweep of LR factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dhc.config import RunConfig, find_field
from dhc.errors import ConfigError
from dhc.jobs.sweep import grid
from dhc.models.ladder import RUNGS

FACTOR = "schedule.factor"
FACTORS = (0.1, 0.3, 0.5, 0.8, 0.9)  # the report's own and some to both sides


def steps_in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The named steps in the ladder's order, each once.

    Raises ConfigError for no names and for one that is no step's.
    """
    steps = set(names)
    if not steps:
        raise ConfigError(f"name at least one step; the steps are {', '.join(RUNGS)}")
    if unknown := sorted(steps - set(RUNGS)):
        raise ConfigError(f"there is no step {unknown[0][:80]!r}; the steps are {', '.join(RUNGS)}")
    return tuple(name for name in RUNGS if name in steps)


def rung_configs(names: Iterable[str], scale: str, changes: Mapping[str, Any]) -> dict[str, RunConfig]:
    """The config of each named step at a scale, `changes` upon it, in the ladder's order.

    A setting that has no effect in a step is passed on. Raises ConfigError for an unknown step, scale, setting or value, and for a
    change that would make another step of it.
    """
    return {name: _rung_config(name, scale, changes) for name in steps_in_order(names)}


def _rung_config(name: str, scale: str, changes: Mapping[str, Any]) -> RunConfig:
    config = RUNGS[name].config(scale).with_values(changes)
    for mark, value in RUNGS[name].marks.items():
        if config.get(mark) != value:
            raise ConfigError(f"{mark} cannot be changed in the ladder: {value} is what makes the step {name}")
    return config


def factor_configs(base: RunConfig, factors: Iterable[float | str], repeats: int = 1) -> list[RunConfig]:
    """One config for each factor, ascending, and each of `repeats` seeds from the base's on.

    Seed by seed, so all factors are seen once before the first is repeated. Raises ConfigError as `dhc.jobs.sweep.grid` does.
    """
    field = find_field(FACTOR)
    return grid(base, {FACTOR: sorted({field.parse(factor) for factor in factors})}, repeats)
