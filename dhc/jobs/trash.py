"""Deleting runs and bringing them back: ``runs/.trash`` holds them until it is emptied.

Nothing outside that folder is ever removed. A run whose folder is a link is deleted by its link alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dhc.errors import RunError
from dhc.files import remove, write
from dhc.runs import disk, rundir
from dhc.runs.disk import Usage
from dhc.runs.lock import hold
from dhc.runs.status import status_of

PLACE = re.compile(rf"({rundir.RUN_ID.pattern})\.(\d{{10,20}})")  # id and time of deletion in nanoseconds since 1970
REMOVAL = "."  # before the name of what is being removed: half of a run is never offered to be brought back


@dataclass(frozen=True)
class TrashedRun:
    """A deleted run: its id, when it was deleted (seconds since 1970), its bytes, its folder."""

    id: str
    when: float
    bytes: int
    place: Path


@dataclass(frozen=True)
class Deletion:
    """What became of several runs: where the deleted ones are, and why others were refused."""

    places: tuple[Path, ...]
    refusals: Mapping[str, str]


def delete(runs_dir: Path, run_id: str) -> Path:
    """Move a run into ``runs/.trash``; returns where it is now.

    Raises RunError where there is no such run and for one that trains or waits, OSError where it cannot be moved.
    """
    folder = rundir.run_dir(runs_dir, run_id)
    _refuse_alive(folder)
    with _hold(folder):
        _refuse_alive(folder)  # asked again: someone may have resumed it meanwhile
        trash = _trash(runs_dir)
        write.make_folder(trash)
        place = trash / f"{run_id}.{time.time_ns()}"
        with _one_file_system(run_id):
            remove.move(trash.with_name(run_id), place)
    return place


@contextmanager
def _one_file_system(run_id: str) -> Iterator[None]:
    """Say what is in the way of a move where two file systems are; nothing is copied, and nothing lost."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EXDEV:
            reason = (
                f"the trash {rundir.TRASH} is on another file system: unmount it, or remove the run's folder by hand"
            )
        elif error.errno == errno.EBUSY:
            reason = "a file system is mounted on its folder: unmount it first"
        else:
            raise
        raise RunError(f"run {run_id} cannot be moved: {reason}") from error


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Hold the run where possible: a full disk must not keep anyone from making room.

    What a link leads to is left alone.
    """
    with contextlib.ExitStack() as stack:
        if not folder.is_symlink():
            with contextlib.suppress(OSError):
                stack.enter_context(hold(folder))
        yield


def _refuse_alive(folder: Path) -> None:
    state = status_of(folder).state
    if state.alive:
        raise RunError(f"run {folder.name} is {state.value}: stop it before you delete it")


def delete_all(runs_dir: Path, run_ids: Iterable[str]) -> Deletion:
    """Delete those of the runs that can be."""
    places, refusals = [], {}
    for run_id in run_ids:
        try:
            places.append(delete(runs_dir, run_id))
        except RunError as error:
            refusals[run_id] = str(error)
        except OSError as error:
            refusals[run_id] = f"run {run_id} could not be moved to the trash: {error.strerror or error}"
    return Deletion(tuple(places), refusals)


def restore(runs_dir: Path, place: Path) -> str:
    """Bring a deleted run back from the trash; returns its id. Raises RunError where it cannot."""
    place, run_id = _locate(runs_dir, place)
    target = place.parents[1] / run_id
    if not os.path.lexists(place):
        raise RunError(f"run {run_id} cannot be brought back: the trash was emptied")
    if os.path.lexists(target):
        raise RunError(f"run {run_id} cannot be brought back: a run of that name is there")
    with _one_file_system(run_id):
        remove.move(place, target)
    return run_id


def id_of(place: Path) -> str:
    """The id of the run that was moved to that place in the trash."""
    return place.name.removeprefix(REMOVAL).partition(".")[0]


def latest(runs_dir: Path, run_id: str) -> Path:
    """Where the run of that id is in the trash; of several, the last. Raises RunError."""
    for run in trashed_runs(runs_dir):
        if run.id == run_id:
            return run.place
    raise RunError(f"there is no run {run_id[:80]!r} in the trash: `python -m dhc runs trash` lists those that are")


def trashed_runs(runs_dir: Path, usage: Callable[[Path], Usage] = disk.usage) -> list[TrashedRun]:
    """The deleted runs that can be brought back, last deleted first; other files are ignored."""
    pairs = [(PLACE.fullmatch(place.name), place) for place in _entries(runs_dir)]
    runs = [TrashedRun(name[1], int(name[2]) / 1e9, usage(place).bytes, place) for name, place in pairs if name]
    return sorted(runs, key=lambda run: run.place.name.rpartition(".")[2], reverse=True)


def empty(runs_dir: Path, places: Iterable[Path] | None = None) -> int:
    """Remove deleted runs for good, all or those at `places`; returns the bytes freed.

    Raises RunError for a place that is no deleted run's, before anything is removed; OSError where the system refuses.
    """
    if places is None:
        places = [place for place in _entries(runs_dir) if PLACE.fullmatch(place.name.removeprefix(REMOVAL))]
    size = 0
    for place in [_locate(runs_dir, place)[0] for place in places]:
        size += disk.usage(place).bytes
        target = place.with_name(REMOVAL + place.name.removeprefix(REMOVAL))
        if target != place and os.path.lexists(place):
            remove.move(place, target)
        remove.tree(target)
    return size


def _trash(runs_dir: Path) -> Path:
    trash = runs_dir.resolve() / rundir.TRASH
    if trash.is_symlink():
        raise RunError(f"{trash} is a link and not a folder: remove the link, and the trash is made anew")
    return trash


def _entries(runs_dir: Path) -> list[Path]:
    trash = _trash(runs_dir)
    return list(trash.iterdir()) if trash.is_dir() else []


def _locate(runs_dir: Path, place: Path) -> tuple[Path, str]:
    """A place in this trash and the id of its run. Raises RunError for any other path."""
    name = PLACE.fullmatch(place.name.removeprefix(REMOVAL))
    if name is None or place.parent.resolve() != _trash(runs_dir).resolve():
        raise RunError(f"{str(place)[:200]!r} is no deleted run in {runs_dir / rundir.TRASH}")
    return _trash(runs_dir) / place.name, name[1]
