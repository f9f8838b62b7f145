"""The LR-factor experiment: what each factor reached in runs that differ in nothing else."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from dhc.analysis.course import is_as_set
from dhc.analysis.folders import resolved_path
from dhc.analysis.ladder import is_measured
from dhc.analysis.repeats import SEED, effective_items, settings_key
from dhc.config import RunConfig
from dhc.runs.store import RunInfo

FACTOR = "schedule.factor"
REPORTED = 0.8  # the factor that the report's author chose


@dataclass(frozen=True)
class Trial:
    """One run of the experiment."""

    factor: float
    seed: int
    val_accuracy: float
    run: str


@dataclass(frozen=True)
class Family:
    """Runs alike in all that has an effect but factor and seed.

    config    of one of them
    trials    of the runs that have ended with a val_accuracy, by factor, then seed
    waiting   how many still train or wait
    """

    config: RunConfig
    trials: tuple[Trial, ...]
    waiting: int

    @property
    def key(self) -> str:
        """A short name for addresses, different for each family."""
        key = resolved_path(self.config.data.path), effective_items(self.config, (FACTOR, SEED))
        return hashlib.sha256(repr(key).encode(errors="replace")).hexdigest()[:8]

    @property
    def factors(self) -> int:
        """How many factors were measured."""
        return len({trial.factor for trial in self.trials})


def families(runs: Iterable[RunInfo]) -> tuple[Family, ...]:
    """The families with two factors or more: most factors measured first, then most runs."""
    by_key: dict[Hashable, list[RunInfo]] = defaultdict(list)
    for info in runs:
        if info.config is not None and info.config.uses(FACTOR) and _counts(info):
            by_key[_key(info.config)].append(info)
    several = [_family(members) for members in by_key.values() if len({_factor(info) for info in members}) > 1]
    return tuple(sorted(several, key=lambda family: (-family.factors, -len(family.trials), -family.waiting)))


def means(trials: Sequence[Trial]) -> list[tuple[float, float, int]]:
    """(factor, mean val_accuracy over its runs, how many), by factor."""
    by_factor: dict[float, list[float]] = defaultdict(list)
    for trial in trials:
        by_factor[trial.factor].append(trial.val_accuracy)
    return [(factor, mean(values), len(values)) for factor, values in sorted(by_factor.items())]


def not_yet_run(configs: Iterable[RunConfig], runs: Iterable[RunInfo]) -> list[RunConfig]:
    """The configs without a run that is measured, trains or waits: a second would say the same."""
    there = {
        (_key(info.config), info.config.get(FACTOR), info.config.get(SEED))
        for info in runs
        if info.config is not None and _counts(info)
    }
    return [config for config in configs if (_key(config), config.get(FACTOR), config.get(SEED)) not in there]


def can_drop(config: RunConfig) -> bool:
    """Whether the learning rate can drop before the run ends; else the factor has no effect."""
    # The first epoch always counts as better, so the wait can be full after patience + 1 epochs at the earliest.
    return config.fit.epochs > config.schedule.patience + 1 and config.schedule.min_lr < config.optimizer.learning_rate


def _family(members: Sequence[RunInfo]) -> Family:
    trials = [
        Trial(_factor(info), info.config.fit.seed, info.best_val_accuracy, info.id)
        for info in members
        if info.config is not None and info.best_val_accuracy is not None and is_measured(info)
    ]
    config = members[0].config
    assert config is not None
    trials.sort(key=lambda trial: (trial.factor, trial.seed, trial.run))
    return Family(config, tuple(trials), sum(info.state.alive for info in members))


def _counts(info: RunInfo) -> bool:
    """Whether it is measured, trains or waits, and its factor is that of its settings from the first epoch on."""
    return (info.state.alive or is_measured(info)) and is_as_set(info)


def _factor(info: RunInfo) -> float:
    assert info.config is not None
    return info.config.schedule.factor


def _key(config: RunConfig) -> Hashable:
    """All settings that have an effect but factor and seed."""
    return settings_key(config, but=(FACTOR, SEED))
