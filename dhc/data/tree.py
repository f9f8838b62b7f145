"""The names below a data set's root, on a disk or in an archive; paths are POSIX and relative, "." is the root."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from dhc.data.files import inside


class Tree(Protocol):
    """What can be asked of a folder of tables and pictures without opening any."""

    def is_file(self, path: str) -> bool:
        """Whether there is a file of that path, links followed."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that path, links followed."""

    def names(self, folder: str) -> list[str]:
        """All that lies in a folder, in text order; nothing where there is none, or it leads out of the root."""


class DiskTree:
    """The tree of a folder on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def is_file(self, path: str) -> bool:
        """Whether there is a file of that path, links followed."""
        try:
            return (self._root / path).is_file()
        except (OSError, ValueError):  # a name too long for the system
            return False

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that path, links followed."""
        try:
            return (self._root / path).is_dir()
        except (OSError, ValueError):
            return False

    def names(self, folder: str) -> list[str]:
        """All that lies in a folder, in text order; nothing where there is none, or it leads out of the root."""
        try:
            return sorted(os.listdir(self._root / folder)) if inside(self._root, folder) else []  # noqa: PTH208 - names only
        except OSError:
            return []


class NameTree:
    """The tree of a list of files, such as an archive's."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files = set(files)
        self._folders: dict[str, set[str]] = {".": set()}
        for file in self._files:
            self._enter(file)

    def _enter(self, path: str) -> None:
        """Put the path into its folder, and that into its own."""
        folder, _, name = path.rpartition("/")
        is_entered = (folder or ".") in self._folders
        self._folders.setdefault(folder or ".", set()).add(name)
        if not is_entered:
            self._enter(folder)

    def is_file(self, path: str) -> bool:
        """Whether there is a file of that path."""
        return path.removeprefix("./") in self._files

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that path."""
        return path in self._folders

    def names(self, folder: str) -> list[str]:
        """All that lies in a folder, in text order; nothing where there is none."""
        return sorted(self._folders.get(folder or ".", ()))
