"""A sweep: every combination of several settings' values, times a number of seeds, as configs in the order to run them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dhc.config import RunConfig, find_field
from dhc.errors import ConfigError
from dhc.jobs.values import check_values

MAX_RUNS = 200  # of one sweep: more is a slip of the finger
SEED = "fit.seed"


def grid(base: RunConfig, values: Mapping[str, Sequence[Any]], repeats: int = 1) -> list[RunConfig]:
    """The base with every combination of the values by dotted name, and each of `repeats` seeds from the base's on.

    Seed by seed, so all combinations are seen once before the first is repeated; within a seed the last setting changes
    fastest. Combinations that differ only in settings without effect there (a factor with a cosine schedule) are made once.
    Raises ConfigError in one sentence: an unknown setting, a value out of bounds or twice, a setting without effect in any
    combination, settings that do not fit together, seeds that vary by both ways, more than MAX_RUNS runs.
    """
    listed = {name: check_values(find_field(name), given) for name, given in values.items()}
    if not listed:
        raise ConfigError("a sweep needs a setting that varies: name at least one, such as schedule.factor")
    count = math.prod(len(given) for given in listed.values())
    if repeats < 1 or count * repeats > MAX_RUNS:
        raise ConfigError(f"{count:,} combinations × {repeats:,} seeds are no sweep of 1 to {MAX_RUNS} runs")
    if SEED in listed and repeats > 1:
        raise ConfigError(f"{SEED} varies already: leave the repeats at 1, or leave {SEED} out of the sweep")
    made = _combinations(base, listed)
    for name in listed:
        if not any(config.uses(name) for config in made):
            raise ConfigError(_without_effect(base, name))
    if SEED in listed:
        return made
    seeds = range(base.fit.seed, base.fit.seed + repeats)
    return [config.with_values({SEED: seed}) for seed in seeds for config in made]


def _combinations(base: RunConfig, values: Mapping[str, Sequence[Any]]) -> list[RunConfig]:
    found: dict[str, RunConfig] = {}
    for chosen in itertools.product(*values.values()):
        config = base.with_values(dict(zip(values, chosen, strict=True)))
        found.setdefault(repr(config.effective_settings()), config)
    return list(found.values())


def _without_effect(base: RunConfig, name: str) -> str:
    needs = find_field(name).when
    other, good = next(((o, g) for o, g in needs.items() if str(base.get(o)) not in g), next(iter(needs.items())))
    return f"{name} has no effect with {other} {base.get(other)}: leave it out, or choose {other} {' or '.join(good)}"
