"""A sweep whose values are drawn: at random, or evenly by a Sobol sequence.

Only draws allow statements on runs that were not made (`dhc.analysis.tuning`), and they try more values of each setting than a grid of
as many runs (Bergstra and Bengio, "Random search for hyper-parameter optimization", 2012). Sobol's points leave smaller gaps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dhc.config import ConfigField, RunConfig, find_field
from dhc.errors import ConfigError
from dhc.jobs.sweep import MAX_RUNS, SEED, checked_axes, without_effect
from dhc.runs.contract import Design
from dhc.text import count_text

DIGITS = 3  # of a drawn number: more would only make names long
PATIENCE = 20  # draws for each run, before the settings are said to hold no more combinations


def sample(
    base: RunConfig, values: Mapping[str, Sequence[Any]], runs: int, design: Design, seed: int = 0
) -> list[RunConfig]:
    """The base config with `runs` draws, no two alike, in running order.

    `values` by dotted name: of a number, draws lie between the smallest and the largest, evenly in its logarithm where it is tuned in
    decades; of a choice, each is as likely as the others. The `design` is random or sobol; equal seeds draw equally. Raises ConfigError
    in one sentence: an unknown setting, a value out of bounds, a setting without effect, too many runs, or fewer combinations.
    """
    axes = checked_axes(values)
    if not 1 <= runs <= MAX_RUNS:
        raise ConfigError(f"{count_text(runs, 'run')} cannot be drawn: a sweep has 1 to {MAX_RUNS}")
    if SEED in axes:
        raise ConfigError(f"{SEED} cannot be drawn: it is what repeats differ in")
    configs: dict[str, RunConfig] = {}
    for point in _points(len(axes), runs * PATIENCE, design, seed):
        drawn = {
            name: _value(find_field(name), axis, share) for (name, axis), share in zip(axes.items(), point, strict=True)
        }
        config = base.with_values(drawn)
        configs.setdefault(repr(config.effective_settings()), config)
        if len(configs) == runs:
            break
    for name in axes:
        if not any(config.uses(name) for config in configs.values()):
            raise ConfigError(without_effect(base, name))
    if len(configs) < runs:
        raise ConfigError(
            f"these values hold only {count_text(len(configs), 'combination')}: draw fewer runs, or widen them"
        )
    return list(configs.values())


def _points(dimensions: int, count: int, design: Design, seed: int) -> np.ndarray:
    """(count, dimensions) shares from 0 to below 1."""
    if design == "sobol":
        from scipy.stats.qmc import Sobol  # half a second, only where it is needed

        # a power of two at once: Sobol's balance holds for those
        return np.asarray(Sobol(dimensions, seed=seed).random_base2(math.ceil(math.log2(max(2, count)))))
    return np.random.default_rng(seed).random((count, dimensions))


def _value(field: ConfigField, axis: Sequence[Any], share: float) -> Any:
    if field.kind in ("choice", "bool", "text") or len(axis) == 1:
        return axis[min(int(share * len(axis)), len(axis) - 1)]
    low, high = min(axis), max(axis)
    if field.kind == "int":
        return low + min(int(share * (high - low + 1)), high - low)
    drawn = low * (high / low) ** share if field.log and low > 0 else low + share * (high - low)
    return min(high, max(low, float(f"{drawn:.{DIGITS}g}")))
