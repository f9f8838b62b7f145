"""A lock file, taken with distrust; the system lets go of it when its holder dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from filelock import Timeout as Timeout

from dhc.files.folder import RealFolder


@contextmanager
def hold_lock(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock file, made where there is none.

    Raises Timeout where another holds it for all of `patience` seconds, UnfitError where the name is no regular file's, OSError.
    """
    with RealFolder(path.parent) as parent:
        parent.require_file(path.name)
    with FileLock(path).acquire(timeout=patience):
        yield
