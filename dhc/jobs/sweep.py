"""A sweep: every combination of several settings' values, times a number of seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dhc.config import RunConfig, find_field
from dhc.errors import ConfigError
from dhc.jobs.values import check_values
from dhc.text import count_text

MAX_RUNS = 200  # of one sweep: more is a slip of the finger
SEED, WHERE = "fit.seed", "device.where"


def grid(base: RunConfig, values: Mapping[str, Sequence[Any]], repeats: int = 1) -> list[RunConfig]:
    """The base config with every combination of the values by dotted name, in running order.

    Each with `repeats` seeds from the base's on, seed by seed, so all combinations are seen once before the first is repeated;
    within a seed the last setting changes fastest. Combinations that differ only in settings without effect there (a factor
    with a cosine schedule) are made once. Raises ConfigError in one sentence: an unknown setting, a value out of bounds or
    twice, a setting without effect in any combination, settings that do not fit together, seeds that vary in both ways, more
    than MAX_RUNS runs.
    """
    axes = checked_axes(values)
    count = math.prod(len(axis) for axis in axes.values())
    if repeats < 1 or count * repeats > MAX_RUNS:
        product = f"{count_text(count, 'combination')} × {count_text(repeats, 'seed')} make {count_text(count * repeats, 'run')}"
        raise ConfigError(f"{product}: a sweep has 1 to {MAX_RUNS}")
    if SEED in axes and repeats > 1:
        raise ConfigError(f"{SEED} varies already: leave the repeats at 1, or leave {SEED} out of the sweep")
    configs = _combinations(base, axes)
    for name in axes:
        if not any(config.uses(name) for config in configs):
            raise ConfigError(without_effect(base, name))
    if SEED in axes:
        return configs
    seeds = range(base.fit.seed, base.fit.seed + repeats)
    return [config.with_values({SEED: seed}) for seed in seeds for config in configs]


def checked_axes(values: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
    """The settings that vary and their values, as the settings' types.

    Raises ConfigError in one sentence: none, an unknown one, a value out of bounds or twice, or where runs go.
    """
    if WHERE in values:
        raise ConfigError(f"{WHERE} says where runs go, not what comes out: set it once for the whole sweep")
    if not values:
        raise ConfigError("a sweep needs a setting that varies: name at least one, such as schedule.factor")
    return {name: check_values(find_field(name), axis) for name, axis in values.items()}


def _combinations(base: RunConfig, axes: Mapping[str, Sequence[Any]]) -> list[RunConfig]:
    configs: dict[str, RunConfig] = {}
    for values in itertools.product(*axes.values()):
        config = base.with_values(dict(zip(axes, values, strict=True)))
        configs.setdefault(repr(config.effective_settings()), config)
    return list(configs.values())


def without_effect(base: RunConfig, name: str) -> str:
    """The sentence that refuses a setting without effect in any run."""
    needs = find_field(name).when
    unmet = {other: values for other, values in needs.items() if str(base.get(other)) not in values}
    other, values = next(iter((unmet or needs).items()))
    return f"{name} has no effect with {other} {base.get(other)}: leave it out, or choose {other} {' or '.join(values)}"
