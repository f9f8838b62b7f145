"""The state of many files at once, by one directory listing instead of a look-up each."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class FileState(NamedTuple):
    """What tells one version of a file from the next: size in bytes, times in nanoseconds.
    ``ctime_ns`` catches what ``mtime_ns`` alone would not: a file replaced with its old date kept, as ``cp -p`` does.
    """

    size: int
    mtime_ns: int
    ctime_ns: int


def stat_files(root: Path, files: Sequence[str]) -> list[FileState | None]:
    """The state of each of ``files``, POSIX paths below ``root``.

    None: missing, no file, a link out of ``root``.
    """
    states: dict[str, FileState | None] = {}
    for folder in {file.rpartition("/")[0] for file in files}:
        states |= {f"{folder}/{name}": state for name, state in list_folder(root, folder).items()}
    # Not listed: missing, or (on systems that fold case or accents) listed under another spelling.
    return [states[file] if file in states else _stat(root, file) for file in files]


def list_folder(root: Path, folder: str) -> dict[str, FileState | None]:
    """The state of each entry of ``root/folder`` by name; empty where there is no such folder."""
    try:
        if not inside(root, folder):
            return {}
        with os.scandir(root / folder) as entries:
            return {
                entry.name: _stat(root, f"{folder}/{entry.name}") if entry.is_symlink() else _state(entry.stat())
                for entry in entries
            }
    except (
        OSError,
        RuntimeError,
        UnicodeError,
    ):  # no such folder, not ours to read, a loop of links: none of its files is there
        return {}


def inside(root: Path, path: str) -> bool:
    """True when ``root/path``, links followed, still lies in ``root``."""
    return (root / path).resolve().is_relative_to(root.resolve())


def _stat(root: Path, file: str) -> FileState | None:
    try:
        return _state((root / file).stat()) if inside(root, file) else None
    except (OSError, RuntimeError, UnicodeError):  # missing, a name that this system cannot have, a loop of links
        return None


def _state(entry: os.stat_result) -> FileState | None:
    return FileState(entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns) if stat.S_ISREG(entry.st_mode) else None
