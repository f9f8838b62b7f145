"""The report's ladder as measured here: the best run of each step on the same pictures."""

from __future__ import annotations

import functools
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dhc.analysis.course import is_as_set
from dhc.analysis.differences import effective_value
from dhc.analysis.folders import resolved_path
from dhc.analysis.ranking import best_run
from dhc.config import RunConfig, differences, fields
from dhc.models.ladder import RUNGS, SCALES, Rung, rung_of
from dhc.runs.status import State
from dhc.runs.store import RunInfo

MEASURED = (State.FINISHED, State.STOPPED)  # a run that failed may have stopped anywhere
NO_LESSON = ("data.path", "data.classes", "data.train_fraction", "data.skip_bad", "device.device", "device.where")


@dataclass(frozen=True, order=True)
class PictureSet:
    """The pictures of runs that may be compared.

    path             the data folder
    classes          how many of its classes, from the first on; 0 for all
    train_fraction   the share of the training pictures, above 0 to 1
    """

    path: str
    classes: int = 0
    train_fraction: float = 1.0

    @property
    def key(self) -> str:
        """A short name for addresses, of letters, digits and dashes; different for each set."""
        name = re.sub(r"[^a-z0-9]+", "-", Path(self.path).name.lower()).strip("-")[:30]
        digest = hashlib.sha256(repr((self.path, self.classes, self.train_fraction)).encode(errors="replace"))
        return f"{name or 'data'}-{digest.hexdigest()[:8]}"

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that make a config's runs use these pictures."""
        return {
            "data.path": self.path,
            "data.classes": self.classes,
            "data.train_fraction": self.train_fraction,
        }


@dataclass(frozen=True)
class Change:
    """A setting that differs from the step before; a value is None where it has no effect."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """One rung and the runs of a picture set on it.

    best_run     the run of the highest val_accuracy among the finished and stopped ones; None: not measured yet
    count        how many runs `best_run` was chosen from
    live_run     the run that is training, else the one that waits
    failed_run   the newest run, where it ended badly and nothing else is there
    changes      what differs from the step before: between both best runs where `compared`, else as the report ran them
    """

    name: str
    rung: Rung
    best_run: RunInfo | None
    count: int
    live_run: RunInfo | None
    failed_run: RunInfo | None
    changes: tuple[Change, ...]
    compared: bool

    @property
    def missing(self) -> bool:
        """Whether there is neither a measurement nor a run that will bring one."""
        return self.best_run is None and self.live_run is None

    @property
    def run(self) -> RunInfo | None:
        """The run to look at."""
        return self.best_run or self.live_run or self.failed_run


def picture_set_of(config: RunConfig, resolve: Callable[[str], str] = resolved_path) -> PictureSet:
    """The pictures that a config's run learns from and is judged on; `resolve` makes a full path of its folder's."""
    return PictureSet(resolve(config.data.path), config.data.classes, config.data.train_fraction)


def picture_sets(runs: Iterable[RunInfo], folders: Iterable[str] = ()) -> tuple[PictureSet, ...]:
    """The picture sets of runs and data folders: most rungs measured first, then most runs."""
    by_pictures = by_picture_set(runs)
    for folder in folders:
        by_pictures.setdefault(PictureSet(resolved_path(folder)), [])

    def rank(pictures: PictureSet) -> tuple[int, int, PictureSet]:
        infos = by_pictures[pictures]
        rungs = {rung_of(info.config) for info in infos if info.config is not None and is_measured(info)}
        return -len(rungs - {None}), -len(infos), pictures

    return tuple(sorted(by_pictures, key=rank))


def by_picture_set(runs: Iterable[RunInfo]) -> dict[PictureSet, list[RunInfo]]:
    """The runs whose settings can be read, by their pictures, in their own order."""
    by_pictures: dict[PictureSet, list[RunInfo]] = defaultdict(list)
    resolve = functools.cache(
        resolved_path
    )  # a thousand runs have a few folders, each of which takes a look at the disk
    for info in runs:
        if info.config is not None:
            by_pictures[picture_set_of(info.config, resolve)].append(info)
    return dict(by_pictures)


def is_measured(info: RunInfo) -> bool:
    """Whether the run's best val_accuracy counts."""
    return info.state in MEASURED and info.best_val_accuracy is not None


def ladder(runs: Iterable[RunInfo], pictures: PictureSet) -> tuple[Step, ...]:
    """One step for each of RUNGS, in their order, from the runs (newest first) on the pictures."""
    by_rung: dict[str | None, list[RunInfo]] = defaultdict(list)
    for info in by_picture_set(runs).get(pictures, []):
        if is_as_set(info):  # one that was changed on its way is no step of the report's
            by_rung[rung_of(_config(info))].append(info)
    steps: list[Step] = []
    for name in RUNGS:
        steps.append(_step(name, by_rung[name], steps[-1] if steps else None))
    return tuple(steps)


def scale_of(config: RunConfig) -> str | None:
    """The scale whose settings the config has, pictures, device and seed aside; None for none."""
    name = rung_of(config)
    if name is None:
        return None
    scales = {scale: _at_scale(name, scale) for scale in SCALES}
    return next((scale for scale, other in scales.items() if not compare(other, config, but=("fit.seed",))), None)


def compare(before: RunConfig, after: RunConfig, *, but: Sequence[str] = ()) -> tuple[Change, ...]:
    """The settings that differ in effect, in field order; pictures, device and `but` aside.

    Between nearest neighbours and a network only settings of different values count: else all of a network's were new.
    """
    alike = before.trains_network and after.trains_network
    changes = []
    for name in [field.name for field in fields()] if alike else differences([before, after]):
        change = Change(name, _text(before, name), _text(after, name))
        silent = {change.before, change.after} == {None, "0"}  # what comes or goes at 0 was never felt
        if name not in (*NO_LESSON, *but) and change.before != change.after and not silent:
            changes.append(change)
    return tuple(changes)


@functools.cache
def _at_scale(name: str, scale: str) -> RunConfig:
    return RUNGS[name].config(scale)


def _step(name: str, runs: Sequence[RunInfo], before: Step | None) -> Step:
    measured_runs = [info for info in runs if is_measured(info)]
    best = best_run(measured_runs)
    live = min((info for info in runs if info.state.alive), key=lambda info: info.state is State.QUEUED, default=None)
    failed = runs[0] if runs and best is None and live is None else None
    changes: tuple[Change, ...] = ()
    compared = before is not None and before.best_run is not None and best is not None
    if before is not None:
        pair = (before.best_run, best) if compared else (None, None)
        first, second = (_settings(n, info) for n, info in zip((before.name, name), pair, strict=True))
        changes = compare(first, second)
    return Step(name, RUNGS[name], best, len(measured_runs), live, failed, changes, compared)


def _settings(name: str, info: RunInfo | None) -> RunConfig:
    return _at_scale(name, "full") if info is None else _config(info)


def _config(info: RunInfo) -> RunConfig:
    assert info.config is not None
    return info.config


def _text(config: RunConfig, name: str) -> str | None:
    value = effective_value(config, name)
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
