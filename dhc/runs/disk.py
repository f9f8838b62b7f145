"""What a run costs on disk, and what of it can be given up: the state to go on from, and the network."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dhc.errors import RunError
from dhc.runs import rundir
from dhc.runs.status import status_of
from dhc.runs.store import RunInfo

BLOCK = 512  # bytes; the unit of st_blocks, whatever the file system's own is
GROWING = (rundir.EVENTS, rundir.LOG)  # appended to, so that their folder's time does not tell of it


@dataclass(frozen=True)
class Usage:
    """Bytes that a run takes on disk, what is linked several times counted once, holes not at all.

    bytes     the whole folder, itself included; of a run whose folder is a link, the link
    network   best.keras
    resume    what resume/ holds beyond the network and the predictions that it is linked to
    """

    bytes: int
    network: int = 0
    resume: int = 0


@dataclass(frozen=True)
class Totals:
    """What all runs cost and the trash beside them, and what is free on that disk, in bytes.

    resume    the states to go on from of runs that have ended: what can be given up without losing a network
    """

    runs: int
    networks: int
    resume: int
    trash: int
    free: int

    @property
    def freeable(self) -> int:
        """Bytes that can be won without losing a run or a network."""
        return self.resume + self.trash


def usage(folder: Path) -> Usage:
    """Look at every file of a run. A folder that is not there costs nothing; no link is followed."""
    if folder.is_symlink():
        return Usage(_taken(folder))
    network = _taken(folder / rundir.BEST)
    outside = {file.inode: file.size for file in _files(folder, but=rundir.RESUME)}
    state = {file.inode: file.size for file in _files(folder / rundir.RESUME) if file.inode not in outside}
    resume = sum(state.values())
    return Usage(bytes=sum(outside.values()) + resume, network=network, resume=resume)


class Ledger:
    """`usage` of many runs, each looked at again only when its folder has changed. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], Usage]] = {}
        self._lock = threading.Lock()

    def usage(self, folder: Path) -> Usage:
        """What the run costs now."""
        signature = _signature(folder)
        with self._lock:
            known = self._known.get(folder)
        if known is not None and known[0] == signature:
            return known[1]
        found = usage(folder)
        with self._lock:
            self._known[folder] = (signature, found)
        return found


def totals(runs_dir: Path, runs: Iterable[RunInfo], usage: Callable[[Path], Usage] = usage) -> Totals:
    """The sums over `runs`; the trash is that of `runs_dir`."""
    each = [(info, usage(info.folder)) for info in runs]
    return Totals(
        runs=sum(one.bytes for _, one in each),
        networks=sum(one.network for _, one in each),
        resume=sum(one.resume for info, one in each if not info.state.alive),
        trash=sum({file.inode: file.size for file in _files(runs_dir / rundir.TRASH)}.values()),
        free=free(runs_dir),
    )


def free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def drop_resume_state(runs_dir: Path, run_id: str) -> int:
    """Give up the state from which a run could go on, so that it can only start again; returns the bytes won.

    Raises RunError for a run that is not there, is alive, or whose folder is a link.
    """
    folder = _ended(runs_dir, run_id)
    before = usage(folder).bytes
    remove(folder / rundir.RESUME)
    return before - usage(folder).bytes


def drop_network(runs_dir: Path, run_id: str) -> int:
    """Give up a run's network and the state to go on from, which holds it too; returns the bytes won.

    Curves and answers on val stay; new pictures cannot be answered any more. Raises RunError as `drop_resume_state` does.
    """
    folder = _ended(runs_dir, run_id)
    before = usage(folder).bytes
    remove(folder / rundir.RESUME)
    (folder / rundir.BEST).unlink(missing_ok=True)
    return before - usage(folder).bytes


def remove(place: Path) -> None:
    """Remove a folder and all in it; of a link only the link. Nothing there is no error. Raises OSError."""
    if place.is_symlink() or place.is_file():
        place.unlink(missing_ok=True)
    elif place.exists():
        shutil.rmtree(place)  # follows no link on its way


def _ended(runs_dir: Path, run_id: str) -> Path:
    folder = rundir.run_dir(runs_dir, run_id)
    if folder.is_symlink():
        raise RunError(f"the folder of run {run_id} is a link: what lies where it leads is left alone")
    state = status_of(folder).state
    if state.alive:
        raise RunError(f"run {run_id} is {state.value}: stop it before you give up what it needs")
    return folder


@dataclass(frozen=True)
class _File:
    inode: tuple[int, int]
    size: int


def _files(place: Path, but: str = "") -> Iterator[_File]:
    """Everything at and below `place` but for the entry of that name in it; what vanishes meanwhile is passed over."""
    try:
        found = place.lstat()
    except OSError:
        return
    yield _File((found.st_dev, found.st_ino), _size(found))
    if not stat.S_ISDIR(found.st_mode):
        return
    try:
        inside = list(place.iterdir())
    except OSError:
        return
    for path in inside:
        if path.name != but:
            yield from _files(path)


def _taken(path: Path) -> int:
    return sum(file.size for file in _files(path))


def _size(found: os.stat_result) -> int:
    blocks = getattr(found, "st_blocks", None)  # not on Windows
    return found.st_size if blocks is None else int(blocks) * BLOCK


def _signature(folder: Path) -> tuple[int, ...]:
    """Changes whenever a file in the folder or its resume/ comes, goes, is replaced, or grows."""
    parts = []
    for path in (folder, folder / rundir.RESUME, *(folder / name for name in GROWING)):
        try:
            found = path.lstat()
            parts += [found.st_mtime_ns, found.st_size]
        except OSError:
            parts += [0, 0]
    return tuple(parts)
