"""Removing and moving with distrust: a link goes itself, never what it leads to.

Paths are as for `dhc.files.write`: the parent a real folder, what lies above it trusted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from pathlib import Path

from dhc.files.claim import is_abandoned
from dhc.files.folder import RealFolder, refusal

DEEP = 100  # folders in folders; each is held open while what is in it is removed


def file(path: Path) -> None:
    """Remove a file, or a link, a pipe or a socket of that name; nothing there is no error.

    Raises UnfitError for a folder, and OSError.
    """
    with contextlib.suppress(FileNotFoundError), RealFolder(path.parent) as parent:
        status = parent.status(path.name)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise refusal(path, status.st_mode, "a file")
        parent.unlink(path.name)


def empty_folder(path: Path) -> None:
    """Remove a folder in which nothing is. Raises OSError."""
    with RealFolder(path.parent) as parent:
        os.rmdir(parent.at(path.name), dir_fd=parent.fd)


def tree(path: Path) -> None:
    """Remove a folder with all in it, or whatever else has the name; nothing there is no error. Raises OSError."""
    with contextlib.suppress(FileNotFoundError), RealFolder(path.parent) as parent:
        _remove(parent, path.name)


def trees(folder: Path, names: re.Pattern[str]) -> None:
    """Remove, as `tree` does, all in a folder whose names match; what cannot be removed stays."""
    with contextlib.suppress(OSError), RealFolder(folder) as parent:
        for name in filter(names.fullmatch, parent.names()):
            with contextlib.suppress(OSError):
                _remove(parent, name)


def leftovers(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the files whose names match and which nobody writes any more; what cannot be removed stays."""
    with contextlib.suppress(OSError), RealFolder(folder) as parent:
        for name in filter(names.fullmatch, parent.names()):
            with contextlib.suppress(OSError):
                fd = parent.open(name, os.O_RDWR)
                abandoned = is_abandoned(fd)
                os.close(fd)
                if abandoned:
                    parent.unlink(name)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder to a name that nothing has yet. Raises FileExistsError and other OSErrors."""
    with RealFolder(source.parent) as origin, RealFolder(target.parent) as parent:
        if parent.status(target.name) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        origin.rename(source.name, target.name, into=parent)


def _remove(parent: RealFolder, name: str) -> None:
    status = parent.status(name)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        parent.unlink(name)
        return
    if _is_deep(parent.path / name):
        _flatten(parent, name)
    _remove_folder(parent, name)


def _is_deep(path: Path) -> bool:
    waiting = [(str(path), 0)]
    while waiting:
        folder, depth = waiting.pop()
        if depth > DEEP:
            return True
        try:
            with os.scandir(folder) as entries:
                waiting += [(entry.path, depth + 1) for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return True
    return False


def _remove_folder(parent: RealFolder, name: str) -> None:
    if parent.fd is None:
        shutil.rmtree(parent.at(name))
    else:
        shutil.rmtree(name, dir_fd=parent.fd)  # follows no link on its way


def _flatten(parent: RealFolder, name: str) -> None:
    """Put every folder below one into that one itself: a stranger's may lie thousands deep, more than can be held open at once."""
    with RealFolder(parent.path / name) as top:
        waiting = top.names()
        while waiting:
            status = top.status(outer := waiting.pop())
            if status is None or not stat.S_ISDIR(status.st_mode):
                continue
            with RealFolder(top.path / outer) as folder:
                for inner in folder.names():
                    status = folder.status(inner)
                    if status is not None and stat.S_ISDIR(status.st_mode):
                        waiting.append(unique := secrets.token_hex(16))
                        folder.rename(inner, unique, into=top)
