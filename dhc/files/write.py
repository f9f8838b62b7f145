"""Making, appending to and replacing files and folders with distrust.

A path's parent must be a real folder, and what has the path's own name a regular file (or, for a folder, a real one): for
anything else UnfitError is raised, in a sentence, before anything is done. What lies above the parent is trusted: for a file
beside the runs pass the folder of runs as `root` gives it, since a person may well have made that a link.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dhc.files.claim import claim
from dhc.files.folder import NEW, RealFolder, UnfitError, is_real_folder, refusal

MOST_COPIED = 1_000_000_000  # bytes; no log of ours grows so long, and a file with holes could claim any length
TAIL = 50  # letters of a file's name in its temporary one, which must not become too long for the system


def root(folder: Path) -> Path:
    """The path, without links, of a folder that a person named, which is made with all above it where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    return folder.resolve()


def new_folder(path: Path) -> None:
    """Make a folder where nothing is. Raises FileExistsError."""
    with RealFolder(path.parent) as parent:
        os.mkdir(parent.at(path.name), dir_fd=parent.fd)


def make_folder(path: Path, below: Path | None = None) -> Path:
    """Make a folder where none is, and those between it and the folder `below`; returns the path."""
    if below is not None and path.parent != below:
        make_folder(path.parent, below)
    try:
        new_folder(path)
    except FileExistsError:
        if not is_real_folder(path):
            raise refusal(path, path.lstat().st_mode, "a folder") from None
    return path


def private_folder(path: Path) -> Path:
    """Make a folder into which nobody but this user may look; one that is there must be such a one. Returns the path."""
    with RealFolder(path.parent) as parent:
        with contextlib.suppress(FileExistsError):
            os.mkdir(parent.at(path.name), 0o700, dir_fd=parent.fd)
        status = parent.status(path.name)
    if status is None or not stat.S_ISDIR(status.st_mode):
        raise refusal(path, status.st_mode if status else 0, "a folder")
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        raise UnfitError(f"{path.name} in {path.parent} belongs to another user: use a folder of runs of your own")
    if hasattr(os, "geteuid") and status.st_mode & 0o077:
        raise UnfitError(
            f"other users may look into {path.name} in {path.parent}, or change it: remove it and try again"
        )
    return path


def create(path: Path) -> IO[bytes]:
    """Open a new file, claimed for as long as it is open. Raises FileExistsError."""
    with RealFolder(path.parent) as parent:
        fd = parent.open(path.name, NEW)
    claim(fd)
    return os.fdopen(fd, "wb")


def mark(path: Path) -> None:
    """Make an empty file where none is."""
    with RealFolder(path.parent) as parent:
        os.close(parent.open(path.name, os.O_WRONLY | os.O_CREAT))


def append(path: Path) -> IO[bytes]:
    """Open a file, made where there is none, to write at its end.

    A file with a second name elsewhere is copied first, so that the other stays as it is.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    with RealFolder(path.parent) as parent:
        fd = parent.open(path.name, flags)
        status = os.fstat(fd)
        if status.st_nlink > 1:
            os.close(fd)
            _part_from_its_twins(parent, path.name, status.st_size)
            fd = parent.open(path.name, flags)
    return os.fdopen(fd, "ab")


def nameless() -> IO[bytes]:
    """A file to write and read that has no name and is gone when nobody has it open any more."""
    return tempfile.TemporaryFile()


def overwrite(path: Path, data: bytes) -> None:
    """Put other bytes into a file that is there, for a disk without room for a new one; readers may see a part of them."""
    with RealFolder(path.parent) as parent:
        fd = parent.open(path.name, os.O_WRONLY)
    with os.fdopen(fd, "wb", buffering=0) as file:
        if os.fstat(fd).st_nlink > 1:
            raise UnfitError(f"{path.name} in {path.parent} has a second name elsewhere: remove it and try again")
        file.write(data)
        file.truncate()


def replace(path: Path, write: Callable[[IO[bytes]], object], *, sync: bool = True) -> None:
    """Replace `path` by what `write` puts into a file; readers never see a part of it.

    Without `sync` that may be lost if the machine stops.
    """
    with RealFolder(path.parent) as parent:
        parent.require_file(path.name)
        with _temporary(parent, path.name) as (_, file):
            write(file)
            file.flush()
            if sync:
                os.fsync(file.fileno())


def text(path: Path, words: str) -> None:
    """Replace `path` by a text in UTF-8."""
    replace(path, lambda file: file.write(words.encode()))


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """A new file for a library that writes by a path; it takes `path`'s place once the block has ended well."""
    with RealFolder(path.parent) as parent:
        parent.require_file(path.name)
        with _temporary(parent, path.name) as (name, _):
            yield path.with_name(name)


def link(source: Path, target: Path) -> None:
    """Replace `target` by a second name of the file `source`, or by a copy where there cannot be one."""
    with RealFolder(source.parent) as origin, RealFolder(target.parent) as parent:
        status, old = origin.require_file(source.name), parent.require_file(target.name)
        if status is not None and old is not None and os.path.samestat(status, old):
            return  # renaming one of a file's names to another would do nothing, and leave both
        name = temporary_name(target.name)
        try:
            _link(origin, source.name, parent, name)
        except (OSError, NotImplementedError):  # a file system without second names
            with _temporary(parent, target.name) as (_, file):
                _copy(origin, source.name, file)
            return
        try:
            parent.require_file(name)
            parent.rename(name, target.name)
        except BaseException:
            parent.unlink(name)
            raise


def temporary_name(name: str) -> str:
    """A name that nobody has yet, with the same ending."""
    return f".{secrets.token_hex(8)}.{name[-TAIL:]}"


def temporary_names(names: str) -> re.Pattern[str]:
    """Matches the temporary names of files whose names the regular expression matches."""
    return re.compile(rf"\.[0-9a-f]{{16}}\.(?:{names})")


@contextmanager
def _temporary(parent: RealFolder, target: str) -> Iterator[tuple[str, IO[bytes]]]:
    """A new file and its name; it is renamed to `target` at the end, or removed."""
    name = temporary_name(target)
    file = os.fdopen(parent.open(name, NEW), "wb")
    try:
        claim(file.fileno())
        yield name, file
        file.flush()
        if os.name == "nt":  # which renames no open file
            file.close()
        parent.rename(name, target)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            file.close()
        with contextlib.suppress(OSError):
            parent.unlink(name)
        raise
    file.close()


def _part_from_its_twins(parent: RealFolder, name: str, size: int) -> None:
    """Replace a file that has other names elsewhere by a copy of it."""
    if size > MOST_COPIED:
        raise UnfitError(
            f"{name} in {parent.path} has a second name elsewhere and is too large to be copied: remove it and try again"
        )
    with _temporary(parent, name) as (_, file):
        _copy(parent, name, file)


def _link(origin: RealFolder, source: str, parent: RealFolder, name: str) -> None:
    if origin.fd is None:
        os.link(origin.at(source), parent.at(name))
    else:
        os.link(source, name, src_dir_fd=origin.fd, dst_dir_fd=parent.fd, follow_symlinks=False)


def _copy(origin: RealFolder, source: str, new: IO[bytes]) -> None:
    """Copy a file's bytes and times into an open one."""
    with os.fdopen(origin.open(source, os.O_RDONLY), "rb") as old:
        shutil.copyfileobj(old, new)
        new.flush()
        if os.utime in os.supports_fd:
            status = os.fstat(old.fileno())
            os.utime(new.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
