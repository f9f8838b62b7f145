"""The lock of a run, for whoever trains, resumes or deletes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dhc.errors import RunError
from dhc.files import remove
from dhc.files.lock import Timeout, hold_lock
from dhc.runs import rundir

PATIENCE = 3.0  # seconds; a training that has said how it ended lets go within one


class HeldError(RunError):
    """Someone else has the run."""


@contextmanager
def hold(folder: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a run; the system lets go of it when its holder dies.

    Raises HeldError when someone else holds it for all of `patience` seconds, RunError when it is deleted meanwhile, OSError where
    nothing can be written, UnfitError among them for a folder or a lock that is a link.
    """
    inode = _inode(folder)
    with contextlib.ExitStack() as stack:
        if inode is not None:
            try:
                stack.enter_context(hold_lock(folder / rundir.LOCK, patience))
            except FileNotFoundError:
                inode = None
            except Timeout:
                raise HeldError(f"run {folder.name} is being started or ended: try again in a moment") from None
        if inode is None or _inode(folder) != inode:
            _remove_what_the_lock_made(folder)
            raise RunError(f"run {folder.name} was deleted just now")
        yield


def _inode(folder: Path) -> int | None:
    try:
        return folder.lstat().st_ino
    except FileNotFoundError:
        return None


def _remove_what_the_lock_made(folder: Path) -> None:
    """Remove the folder that filelock made anew for its file, where it holds nothing else."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [rundir.LOCK]:
            remove.file(folder / rundir.LOCK)
            remove.empty_folder(folder)
