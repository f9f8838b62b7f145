"""The disk space of runs, and giving some of it up: the state to go on from, the network."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dhc.errors import RunError
from dhc.files import remove
from dhc.runs import rundir
from dhc.runs.status import status_of

if TYPE_CHECKING:
    from dhc.runs.store import RunInfo

BLOCK = 512  # bytes; the unit of st_blocks, whatever the file system's own is
OF_STATES = (rundir.RESUME, rundir.STATES)  # folders of states to go on from
GROWING = (rundir.EVENTS, rundir.LOG)  # appended to, so that their folder's time does not tell of it


@dataclass(frozen=True)
class Usage:
    """Bytes that a run takes on disk: what is linked twice counts once, holes do not count.

    bytes     the whole folder, itself included; of a run whose folder is a link, the link
    network   best.keras
    resume    what resume/ and states/ hold beyond the network and the predictions that they are linked to
    """

    bytes: int
    network: int = 0
    resume: int = 0


@dataclass(frozen=True)
class Totals:
    """Bytes that all runs and the trash take, and that are free on their disk.

    resume     the states to go on from of runs that have ended: what can be given up without losing a network
    ensembles  submissions of several runs together
    """

    runs: int
    networks: int
    resume: int
    trash: int
    ensembles: int
    free: int

    @property
    def freeable(self) -> int:
        """Bytes that can be freed without losing a run or a network."""
        return self.resume + self.trash


def usage(folder: Path) -> Usage:
    """The space that a run takes, by a look at every file of it.

    A folder that is not there takes none; no link is followed.
    """
    if folder.is_symlink():
        return Usage(_size_of(folder))
    network = _size_of(folder / rundir.BEST)
    outside = {file.inode: file.size for file in files(folder, but=OF_STATES)}
    states = (file for name in OF_STATES for file in files(folder / name))
    resume = sum({file.inode: file.size for file in states if file.inode not in outside}.values())
    return Usage(bytes=sum(outside.values()) + resume, network=network, resume=resume)


class Ledger:
    """`usage` of many runs, each measured again only when its folder has changed.

    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._entries: dict[Path, tuple[tuple[int, ...], Usage]] = {}
        self._lock = threading.Lock()

    def usage(self, folder: Path) -> Usage:
        """The space that the run takes now."""
        signature = _signature(folder)
        with self._lock:
            entry = self._entries.get(folder)
        if entry is not None and entry[0] == signature:
            return entry[1]
        current = usage(folder)
        with self._lock:
            self._entries[folder] = (signature, current)
        return current


def totals(runs_dir: Path, runs: Iterable[RunInfo], usage: Callable[[Path], Usage] = usage) -> Totals:
    """The sums over `runs`; the trash is that of `runs_dir`."""
    usages = [(info, usage(info.folder)) for info in runs]
    return Totals(
        runs=sum(space.bytes for _, space in usages),
        networks=sum(space.network for _, space in usages),
        resume=sum(space.resume for info, space in usages if not info.state.alive),
        trash=_all_below(runs_dir / rundir.TRASH),
        ensembles=_all_below(runs_dir / rundir.ENSEMBLES),
        free=free(runs_dir),
    )


def _all_below(folder: Path) -> int:
    return sum({file.inode: file.size for file in files(folder)}.values())


def free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def drop_resume_state(runs_dir: Path, run_id: str) -> int:
    """Remove the states to go on from: the run can only start again, or be gone on with from its best network.

    Returns the bytes freed.

    Raises RunError for a run that is not there, is alive, or whose folder is a link.
    """
    folder = _folder_of_ended_run(runs_dir, run_id)
    before = usage(folder).bytes
    _remove_states(folder)
    return before - usage(folder).bytes


def drop_network(runs_dir: Path, run_id: str) -> int:
    """Remove a run's network and the states to go on from. Returns the bytes freed.

    Curves and answers on val stay; new pictures cannot be answered any more. Raises RunError as `drop_resume_state` does.
    """
    folder = _folder_of_ended_run(runs_dir, run_id)
    before = usage(folder).bytes
    remove.file(folder / rundir.BEST)
    _remove_states(folder)
    return before - usage(folder).bytes


def _remove_states(folder: Path) -> None:
    for name in OF_STATES:
        remove.tree(folder / name)


def _folder_of_ended_run(runs_dir: Path, run_id: str) -> Path:
    folder = rundir.run_dir(runs_dir, run_id)
    if folder.is_symlink():
        raise RunError(f"the folder of run {run_id} is a link: what lies where it leads is left alone")
    state = status_of(folder).state
    if state.alive:
        raise RunError(f"run {run_id} is {state.value}: stop it before you give up what it needs")
    return folder


@dataclass(frozen=True)
class File:
    """A file or folder: which it is, whatever its names, and the bytes that it takes."""

    inode: tuple[int, int]
    size: int


def files(place: Path, but: Collection[str] = ()) -> Iterator[File]:
    """Everything at and below `place` but the entries of those names; what vanishes is skipped, and so is what lies too deep for a path."""
    waiting = [place]  # no recursion: a stranger's folders may lie thousands deep
    while waiting:
        path = waiting.pop()
        with contextlib.suppress(OSError):
            status = path.lstat()
            yield File((status.st_dev, status.st_ino), _size(status))
            if stat.S_ISDIR(status.st_mode):
                waiting += [entry for entry in path.iterdir() if path != place or entry.name not in but]


def _size_of(path: Path) -> int:
    return sum(file.size for file in files(path))


def _size(status: os.stat_result) -> int:
    blocks = getattr(status, "st_blocks", None)  # not on Windows
    return status.st_size if blocks is None else int(blocks) * BLOCK


def _signature(folder: Path) -> tuple[int, ...]:
    """Changes whenever a file in the folder or its folders of states comes, goes, is replaced, or grows."""
    parts = []
    for path in (folder, *(folder / name for name in (*OF_STATES, *GROWING))):
        try:
            status = path.lstat()
            parts += [status.st_mtime_ns, status.st_size]
        except OSError:
            parts += [0, 0]
    return tuple(parts)
