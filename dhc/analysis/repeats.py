"""When two runs ask for the same, which runs repeat another, and which seeds are free."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

from dhc.analysis.course import BOOKKEEPING, course_key, is_as_set
from dhc.analysis.folders import is_one_folder, resolved_path
from dhc.analysis.ladder import is_measured
from dhc.config import RunConfig
from dhc.runs.store import RunInfo

SEED = "fit.seed"
MOST_KEYS = 50_000  # that are remembered, of settings that are the same object: hashing ten thousand takes longer
_PARTS: dict[tuple[int, tuple[str, ...]], tuple[Any, bytes]] = {}
_KEYS: dict[tuple[int, tuple[str, ...]], tuple[RunConfig, bytes]] = {}


def settings_key(config: RunConfig, *, but: Sequence[str] = ()) -> Hashable:
    """All settings that have an effect, `but` aside: equal for configs that ask for the same.

    The data folder counts as one however it was written. A setting without effect (the factor of a schedule that is not
    used) tells no runs apart, nor does BOOKKEEPING.
    """
    return resolved_path(config.data.path), effective_key(config, but=tuple(but))


def effective_key(config: RunConfig, *, but: tuple[str, ...] = ()) -> Hashable:
    """The same wherever the pictures lie."""
    key = id(config), but
    entry = _KEYS.get(key)
    if entry is None or entry[0] is not config:
        if len(_KEYS) > MOST_KEYS:
            _KEYS.clear()
        entry = _KEYS[key] = (config, _digest(config, but))
    return entry[1]


def _digest(config: RunConfig, but: tuple[str, ...]) -> bytes:
    parts = [_part(getattr(config, section), keys) for section, keys in _compared(config.names_in_effect(), but)]
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def _part(section: Any, keys: tuple[str, ...]) -> bytes:
    """Some settings of a section as bytes, worked out once for all runs that share it."""
    key = id(section), keys
    entry = _PARTS.get(key)
    if entry is None or entry[0] is not section:
        if len(_PARTS) > MOST_KEYS:
            _PARTS.clear()
        text = repr([(name, repr(getattr(section, name))) for name in keys])
        entry = _PARTS[key] = (section, text.encode("utf-8", "surrogatepass"))
    return entry[1]


@functools.lru_cache(maxsize=1024)
def _compared(names: tuple[str, ...], but: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The sections that have settings in effect, each with the keys of those that are compared."""
    keys: dict[str, list[str]] = {}
    aside = _left_out(but)
    for name in names:
        if name not in aside:
            section, _, key = name.partition(".")
            keys.setdefault(section, []).append(key)
    return tuple((section, tuple(every)) for section, every in keys.items())


def _left_out(but: Collection[str]) -> frozenset[str]:
    """The dotted names of the settings that are not compared."""
    return frozenset((*but, *BOOKKEEPING, "data.path"))


def effective_items(config: RunConfig, but: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Dotted names of the settings that `effective_key` compares, with their values."""
    aside = _left_out(but)
    return tuple((name, repr(value)) for name, value in config.effective_settings().items() if name not in aside)


def same_but_seed(first: RunConfig, second: RunConfig) -> bool:
    """Whether two configs are repeats: alike in all that has an effect but the seed."""
    if effective_key(first, but=(SEED,)) != effective_key(second, but=(SEED,)):
        return False  # without a look at the disk
    return is_one_folder(first.data.path, second.data.path)


def are_repeats(first: RunInfo, second: RunInfo) -> bool:
    """Whether two runs are repeats: their settings are, and the same was done to both on their way."""
    if first.config is None or second.config is None:
        return False
    return course_key(first) == course_key(second) and same_but_seed(first.config, second.config)


def repeats_of(info: RunInfo, runs: Iterable[RunInfo]) -> list[RunInfo]:
    """The measured runs alike in everything but the seed, `info` among them, by seed.

    `info` only where it is measured. Of several with one seed it counts, else the first: a second run of the same
    seed is no new evidence.
    """
    if info.config is None:
        return []
    key = settings_key(info.config, but=(SEED,))
    course = course_key(info)
    by_seed: dict[int, RunInfo] = {}
    for other in (info, *runs):
        if other.config is None or not is_measured(other) or course_key(other) != course:
            continue
        if settings_key(other.config, but=(SEED,)) == key:
            by_seed.setdefault(other.config.fit.seed, other)
    return [by_seed[seed] for seed in sorted(by_seed)]


def used_seeds(config: RunConfig, runs: Iterable[RunInfo]) -> set[int]:
    """The seeds of runs alike in everything else that are measured, train or wait; one that was changed on its way is none."""
    return {
        info.config.fit.seed
        for info in runs
        if info.config is not None
        and (info.state.alive or is_measured(info))
        and is_as_set(info)
        and same_but_seed(info.config, config)
    }


def seed_matters(config: RunConfig) -> bool:
    """Whether another seed changes the run; neighbours among all training pictures, with their own labels, draw nothing."""
    return config.trains_network or config.data.train_fraction < 1 or config.data.shuffle_labels


def next_repeats(config: RunConfig, runs: Iterable[RunInfo], *, up_to: int) -> list[RunConfig]:
    """The configs that bring the repeats to `up_to` seeds: the next free ones from its own on.

    An empty list where no seed changes anything.
    """
    if not seed_matters(config):
        return []
    seeds = used_seeds(config, runs)
    repeats: list[RunConfig] = []
    seed = config.fit.seed
    while len(seeds) + len(repeats) < up_to:
        if seed not in seeds:
            repeats.append(config.with_values({SEED: seed}))
        seed = (seed + 1) % 2**31
    return repeats
