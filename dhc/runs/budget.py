"""The room that the states kept to branch from may take in all runs together, and which of them go first beyond it."""

from __future__ import annotations

import contextlib
import math
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dhc.files import remove
from dhc.files.archive import DamagedError
from dhc.files.folder import is_real_folder
from dhc.runs import rundir
from dhc.runs.config_file import read_config
from dhc.runs.contract import Summary
from dhc.runs.course import Course
from dhc.runs.disk import File, files
from dhc.runs.labels import read_labels
from dhc.runs.states import Kind, epoch_of, kinds_of, read_record, state_folders
from dhc.runs.status import status_of

VARIABLE, DEFAULT = "DHC_STATES_GB", 10.0
GB = 10**9
RANKS: Mapping[Kind, int] = {"every": 0, "change": 1, "best": 2, "last": 3}  # the lowest go first
Inode = tuple[int, int]


@dataclass(frozen=True)
class Room:
    """Bytes that all kept states take beyond the networks and predictions of their runs, and that they may take.

    `problem` says in a sentence why the limit is not the one that was set, or "".
    """

    used: int
    limit: int
    problem: str = ""


def limit(environment: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """Bytes that states may take, and in a sentence why that is not what DHC_STATES_GB says, or ""."""
    text = environment.get(VARIABLE, "").strip()
    try:
        gigabytes = float(text or DEFAULT)
    except ValueError:
        gigabytes = math.nan
    if 0 <= gigabytes < 1e9:
        return int(gigabytes * GB), ""
    return int(
        DEFAULT * GB
    ), f"{VARIABLE} is {text[:40]!r}, no number of gigabytes: {DEFAULT:g} are taken until it is one"


def room(runs_dir: Path) -> Room:
    """What the kept states of all runs take, each file once, and may take."""
    most, problem = limit()
    states = [state for run in _runs(runs_dir) for state in _files_of_states(run).values()]
    return Room(sum({file.inode: file.size for state in states for file in state}.values()), most, problem)


@dataclass(frozen=True)
class KeptState:
    """A state that may be removed: of which run and epoch, where it lies, the bytes that go with it once those before it are gone."""

    run: str
    epoch: int
    place: Path
    bytes: int


def removable(runs_dir: Path) -> Iterator[KeptState]:
    """The kept states in the order in which they go where room is short.

    The oldest run's go first: of its states those of every so many epochs, then the one before a change, the best, the last one.
    Those of starred runs go after all others; those of a run that trains or waits are none.
    """
    by_run = {run: _files_of_states(run) for run in _runs(runs_dir)}
    names = Counter(file.inode for states in by_run.values() for state in states.values() for file in state)
    for run in sorted(by_run, key=lambda run: (read_labels(run).star, run.name)):
        if by_run[run] and not status_of(run).state.alive:
            for place in _in_order(run, by_run[run]):
                yield KeptState(run.name, epoch_of(place), place, _freed(by_run[run][place], names))


def make_room(runs_dir: Path) -> Room:
    """Remove kept states, as `removable` has them, until the rest is within the limit; what cannot be removed stays."""
    before = room(runs_dir)
    used = before.used
    if used <= before.limit:
        return before
    for state in removable(runs_dir):
        if used <= before.limit:
            break
        with contextlib.suppress(OSError):
            remove.tree(state.place)
            used -= state.bytes
    return Room(used, before.limit, before.problem)


def _runs(runs_dir: Path) -> list[Path]:
    """The folders of runs that may have states; nothing that is a link."""
    try:
        with os.scandir(runs_dir) as entries:
            names = [entry.name for entry in entries if rundir.RUN_ID.fullmatch(entry.name)]
    except OSError:
        return []
    return [run for name in names if is_real_folder(run := runs_dir / name) and is_real_folder(run / rundir.STATES)]


def _files_of_states(run: Path) -> dict[Path, list[File]]:
    """The files of each kept state that are not the run's own as well."""
    own = {file.inode for name in (rundir.BEST, rundir.PREDICTIONS) for file in files(run / name)}
    places = state_folders(run / rundir.STATES)
    return {place: [file for file in files(place) if file.inode not in own] for place in places}


def _in_order(run: Path, places: Collection[Path]) -> list[Path]:
    """A run's states, those that go first first."""
    config, _ = read_config(run)
    every = 0 if config is None else config.fit.keep_states_every
    changes = [change.epoch for change in Course.of(run).changes]
    last, best = max(map(epoch_of, places)), _best_epoch(run, places)

    def rank(place: Path) -> tuple[int, int]:
        kinds = kinds_of(epoch_of(place), last=last, best=best, every=every, changes=changes)
        return max((RANKS[kind] for kind in kinds), default=0), epoch_of(place)

    return sorted(places, key=rank)


def _best_epoch(run: Path, places: Collection[Path]) -> int | None:
    """The run's best epoch, by its summary or by its last state."""
    if (best := Summary.of(run).best_epoch) is not None:
        return best
    with contextlib.suppress(DamagedError, OSError):
        return read_record(max(places, key=epoch_of), rundir.MOST_EPOCHS).best_epoch
    return None


def _freed(state: Collection[File], names: Counter[Inode]) -> int:
    """The bytes of those files of a removed state that have no other name among the states."""
    freed = 0
    for file in state:
        names[file.inode] -= 1
        freed += file.size if not names[file.inode] else 0
    return freed
