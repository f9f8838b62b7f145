"""A real folder held open: what is done in it is done there, and to real files and folders."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from types import TracebackType

from dhc.errors import UserError

RELATIVE = {os.open, os.mkdir, os.rename, os.stat, os.unlink} <= os.supports_dir_fd  # Windows goes by paths alone
# Without O_NONBLOCK, opening a pipe that nobody has at its other end would wait for ever.
DISTRUST = (
    getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISREG, "a file"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


class UnfitError(UserError, OSError):
    """Something else stands under the name of a file or a folder of ours; nothing was done to it."""


class RealFolder:
    """A folder held open, no link; a context manager.

    What has a `name` in it is never followed where it is a link. Opening raises UnfitError for a link and for anything else
    that is no folder; every method raises OSError, with the whole path in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd: int | None = None

    def __enter__(self) -> RealFolder:
        if not RELATIVE:
            _require_folder(self.path)
            return self
        try:
            self.fd = os.open(self.path, getattr(os, "O_PATH", os.O_RDONLY) | FOLDER)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EMLINK):  # the last is BSD's word for a link
                _require_folder(self.path)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.fd is not None:
            os.close(self.fd)
            if isinstance(error, OSError) and isinstance(error.filename, str):
                error.filename = str(self.path / error.filename)  # of a full path, that path

    def at(self, name: str) -> str:
        """What system calls take for `name`, beside ``dir_fd=folder.fd``."""
        return str(self.path / name) if self.fd is None else name

    def status(self, name: str) -> os.stat_result | None:
        """What stands under the name, a link itself too; None for nothing."""
        try:
            return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def require_file(self, name: str) -> os.stat_result | None:
        """Raise UnfitError unless a regular file or nothing stands under the name; returns its `status`."""
        status = self.status(name)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise refusal(self.path / name, status.st_mode, "a file")
        return status

    def open(self, name: str, flags: int) -> int:
        """A descriptor of a regular file."""
        if not flags & os.O_EXCL:
            self.require_file(name)  # first, since opening some devices does something
        fd = os.open(self.at(name), flags | DISTRUST, 0o666, dir_fd=self.fd)
        mode = os.fstat(fd).st_mode
        if not stat.S_ISREG(mode):  # exchanged in between
            os.close(fd)
            raise refusal(self.path / name, mode, "a file")
        return fd

    def names(self) -> list[str]:
        """All that lies in it."""
        fd = None if self.fd is None else os.open(".", os.O_RDONLY | FOLDER, dir_fd=self.fd)
        try:
            with os.scandir(self.path if fd is None else fd) as entries:
                return [entry.name for entry in entries]
        finally:
            if fd is not None:
                os.close(fd)

    def rename(self, name: str, new: str, into: RealFolder | None = None) -> None:
        """Rename what stands under the name, replacing a file under the new one, here or in another folder."""
        target = into or self
        os.replace(self.at(name), target.at(new), src_dir_fd=self.fd, dst_dir_fd=target.fd)

    def unlink(self, name: str) -> None:
        """Remove a file, or whatever else is no folder; nothing there is no error."""
        try:
            os.unlink(self.at(name), dir_fd=self.fd)
        except FileNotFoundError:
            return


def refusal(path: Path, mode: int, wanted: str) -> UnfitError:
    """The error for what stands where `wanted` belongs."""
    return UnfitError(f"{path.name} in {path.parent} is {kind(mode)}, where {wanted} belongs: remove it and try again")


def kind(mode: int) -> str:
    """What a file's mode says that it is."""
    return next((noun for is_kind, noun in KINDS if is_kind(mode)), "a device")


def is_real_folder(path: Path) -> bool:
    """Whether a folder stands there, and no link to one."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and not _leads_away(status)


def _require_folder(path: Path) -> None:
    status = path.lstat()
    if _leads_away(status):
        raise refusal(path, stat.S_IFLNK, "a folder")
    if not stat.S_ISDIR(status.st_mode):
        raise refusal(path, status.st_mode, "a folder")


def _leads_away(status: os.stat_result) -> bool:
    """Windows has junctions, too, which are folders that lie elsewhere."""
    return bool(getattr(status, "st_file_attributes", 0) & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0))
