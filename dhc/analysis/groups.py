"""Groups of runs that were started together, such as sweeps: how far each is, what it reached, how long it still takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from dhc.runs.status import State
from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class RunGroup:
    """The runs of one name, newest first.

    fraction       of all its epochs' work that is done, 0 to 1; a run that has ended counts whole, however it ended
    seconds_left   expected from the group's own measured epochs, devices side by side; 0 when all have ended, None while
                   nothing is measured yet
    """

    name: str
    runs: tuple[RunInfo, ...]
    fraction: float
    seconds_left: float | None

    @property
    def alive(self) -> tuple[RunInfo, ...]:
        """Its runs that train, stop or wait."""
        return tuple(info for info in self.runs if info.state.alive)

    @property
    def counts(self) -> Mapping[State, int]:
        """How many runs are in each state, in the order of the states; those that occur."""
        found = {state: sum(info.state is state for info in self.runs) for state in State}
        return {state: count for state, count in found.items() if count}

    @property
    def best(self) -> RunInfo | None:
        """The run with the highest best val_accuracy so far, the one queued earlier at a tie; None before the first epoch."""
        known = [info for info in self.runs if info.best_val_accuracy is not None]
        return min(known, key=lambda info: (-(info.best_val_accuracy or 0.0), info.queued_at or 0.0), default=None)


def run_groups(runs: Iterable[RunInfo]) -> tuple[RunGroup, ...]:
    """The groups among the runs (given newest first), those with a run alive first, then by their newest run."""
    members: dict[str, list[RunInfo]] = defaultdict(list)
    for info in runs:
        if info.group:
            members[info.group].append(info)
    found = [_group(name, infos) for name, infos in members.items()]
    return tuple(sorted(found, key=lambda group: not group.alive))


def _group(name: str, runs: Sequence[RunInfo]) -> RunGroup:
    return RunGroup(name, tuple(runs), sum(map(_share, runs)) / len(runs), _seconds_left(runs))


def _share(info: RunInfo) -> float:
    if not info.state.alive:
        return 1.0
    return min(info.epochs_done / info.epochs_total, 1.0) if info.epochs_total else 0.0


def _seconds_left(runs: Sequence[RunInfo]) -> float | None:
    """The longest of the devices' remaining epochs, each at the median pace of the group's runs there."""
    alive = [info for info in runs if info.state.alive]
    paces = [_pace(runs, device) for device in sorted({info.device for info in alive})]
    if None in paces:
        return None
    left = [
        sum(_epochs_left(info) for info in alive if info.device == device) * (pace or 0.0)
        for device, pace in zip(sorted({info.device for info in alive}), paces, strict=True)
    ]
    return max(left, default=0.0)


def _epochs_left(info: RunInfo) -> int:
    return max((info.epochs_total or 0) - info.epochs_done, 0)


def _pace(runs: Sequence[RunInfo], device: str) -> float | None:
    """Seconds an epoch on the device, the median over its runs; None where none has an epoch."""
    known = [
        info.seconds / info.epochs_done for info in runs if info.device == device and info.seconds and info.epochs_done
    ]
    return median(known) if known else None
