"""Groups of runs that were started together, such as sweeps: progress, results, time left."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from dhc.analysis.estimate import makespan
from dhc.analysis.ranking import best_run
from dhc.runs.status import State
from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class RunGroup:
    """The runs of one name, newest first.

    fraction       of its epochs that are done, 0 to 1; a run that has ended counts whole, however it ended
    seconds_left   by the group's own measured epochs, devices side by side, of a cluster's runs as many as it takes at once; 0
                   when all have ended, None while nothing is measured yet
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
        """How many runs are in each state that occurs, in the order of the states."""
        counts = Counter(info.state for info in self.runs)
        return {state: counts[state] for state in State if counts[state]}

    @property
    def best(self) -> RunInfo | None:
        """The run of the highest val_accuracy so far, of equals the first queued; None for none."""
        return best_run(self.runs)


def run_groups(runs: Iterable[RunInfo], widths: Mapping[str, int] = MappingProxyType({})) -> tuple[RunGroup, ...]:
    """The groups of the runs (newest first): those with a live run first, then by newest run.

    `widths` says by device how many runs it takes at once: one where it is not named.
    """
    members: dict[str, list[RunInfo]] = defaultdict(list)
    for info in runs:
        if info.group:
            members[info.group].append(info)
    groups = [_group(name, infos, widths) for name, infos in members.items()]
    return tuple(sorted(groups, key=lambda group: not group.alive))


def _group(name: str, runs: Sequence[RunInfo], widths: Mapping[str, int]) -> RunGroup:
    return RunGroup(name, tuple(runs), sum(map(_fraction, runs)) / len(runs), _seconds_left(runs, widths))


def _fraction(info: RunInfo) -> float:
    if not info.state.alive:
        return 1.0
    return min(info.epochs_done / info.epochs_total, 1.0) if info.epochs_total else 0.0


def _seconds_left(runs: Sequence[RunInfo], widths: Mapping[str, int]) -> float | None:
    """The longest of the devices' remaining times, at the median pace of the group's runs there."""
    epochs: dict[str, list[float]] = defaultdict(list)
    alive = [info for info in runs if info.state.alive]
    for info in sorted(alive, key=lambda info: info.epochs_done, reverse=True):  # who goes on first, then who waits
        epochs[info.device].append(max((info.epochs_total or 0) - info.epochs_done, 0))
    times = []
    for device, counts in epochs.items():
        pace = _pace(runs, device)
        if pace is None:
            return None
        times.append(pace * makespan(counts, max(1, widths.get(device, 1))))
    return max(times, default=0.0)


def _pace(runs: Sequence[RunInfo], device: str) -> float | None:
    """Seconds an epoch on the device, the median over its runs; None where none has an epoch."""
    measured_runs = (info for info in runs if info.device == device and info.epochs_done)
    paces = [info.seconds / info.epochs_done for info in measured_runs if info.seconds]
    return median(paces) if paces else None
