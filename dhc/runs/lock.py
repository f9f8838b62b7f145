"""The lock of a run, for whoever trains, resumes or deletes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dhc.errors import RunError
from dhc.runs import rundir

PATIENCE = 3.0  # seconds; a training that has said how it ended lets go within one


class HeldError(RunError):
    """Someone else has the run."""


@contextmanager
def hold(folder: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a run; the system lets go of it when its holder dies.

    Raises HeldError when someone else holds it for all of `patience` seconds, RunError when it is deleted meanwhile, OSError where
    nothing can be written.
    """
    inode = _inode(folder)
    with contextlib.ExitStack() as stack:
        if inode is not None:
            try:
                stack.enter_context(FileLock(folder / rundir.LOCK).acquire(timeout=patience))
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
        return folder.stat().st_ino
    except FileNotFoundError:
        return None


def _remove_what_the_lock_made(folder: Path) -> None:
    """Remove the folder that filelock made anew for its file, where it holds nothing else."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [rundir.LOCK]:
            (folder / rundir.LOCK).unlink()
            folder.rmdir()
