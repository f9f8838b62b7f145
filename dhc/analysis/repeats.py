"""When two runs ask for the same: settings compared by their effect, repeats over seeds, and the next seeds nobody has used."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from dhc.analysis.ladder import is_measured, resolved_path
from dhc.config import RunConfig, fields
from dhc.runs.store import RunInfo

SEED = "fit.seed"
BOOKKEEPING = ("fit.keep_resume_state",)  # what is kept on disk; no result hangs on it


def settings_key(config: RunConfig, *, but: Sequence[str] = ()) -> Hashable:
    """All settings that have an effect, those in `but` aside; equal for configs that ask for the same.

    The data folder counts as one however it was written. A setting without effect (the factor of a schedule that is not
    used) tells no runs apart, nor does BOOKKEEPING.
    """
    used = tuple(
        (field.name, repr(config.get(field.name)))
        for field in fields()
        if field.name not in (*but, *BOOKKEEPING, "data.path") and config.uses(field.name)
    )
    return resolved_path(config.data.path), used


def same_but_seed(first: RunConfig, second: RunConfig) -> bool:
    """Whether two configs are repeats of each other: alike in all that has an effect but the seed."""
    return settings_key(first, but=(SEED,)) == settings_key(second, but=(SEED,))


def repeats_of(info: RunInfo, runs: Iterable[RunInfo]) -> list[RunInfo]:
    """The measured runs alike in everything but the seed, `info` among them where it is measured; one a seed, by seed.

    Of several with one seed `info` counts, else the first given: a second run of the same seed is no new evidence.
    """
    if info.config is None:
        return []
    key = settings_key(info.config, but=(SEED,))
    by_seed: dict[int, RunInfo] = {}
    for other in (info, *runs):
        if other.config is not None and is_measured(other) and settings_key(other.config, but=(SEED,)) == key:
            by_seed.setdefault(other.config.fit.seed, other)
    return [by_seed[seed] for seed in sorted(by_seed)]


def used_seeds(config: RunConfig, runs: Iterable[RunInfo]) -> set[int]:
    """The seeds of runs alike in everything else that are measured, train or wait."""
    key = settings_key(config, but=(SEED,))
    return {
        info.config.fit.seed
        for info in runs
        if info.config is not None
        and (info.state.alive or is_measured(info))
        and settings_key(info.config, but=(SEED,)) == key
    }


def seed_matters(config: RunConfig) -> bool:
    """Whether another seed gives another run: nearest neighbours among all training pictures draw nothing by it."""
    return config.trains_network or config.data.train_fraction < 1


def next_repeats(config: RunConfig, runs: Iterable[RunInfo], *, up_to: int) -> list[RunConfig]:
    """The configs that bring the repeats of `config` up to that many seeds: the lowest that are free, from its own on.

    None where no seed changes anything.
    """
    if not seed_matters(config):
        return []
    taken = used_seeds(config, runs)
    found: list[RunConfig] = []
    seed = config.fit.seed
    while len(taken) + len(found) < up_to:
        if seed not in taken:
            found.append(config.with_values({SEED: seed}))
        seed = (seed + 1) % 2**31
    return found
