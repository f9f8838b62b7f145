"""Data folders, however they were written: their full paths, and names that tell them apart."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

HELD = 0.5  # seconds for which a path's links are not looked at again: ten thousand runs have few folders


def resolved_path(path: str) -> str:
    """A data folder's full path, however it was written; what cannot be a path stays as it is."""
    return _resolved(path, "" if path.startswith("/") else _here(), int(time.monotonic() / HELD))


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # deleted
        return ""


@lru_cache(maxsize=1024)
def _resolved(path: str, here: str, moment: int) -> str:
    try:
        return str(Path(path).expanduser().resolve())
    except (OSError, RuntimeError, ValueError):  # a zero byte, a loop of links, an unknown user
        return path


def is_one_folder(first: str, second: str) -> bool:
    """Whether two paths mean one data folder: the same place, or one name of which only one is there, since it was moved."""
    places = Path(resolved_path(first)), Path(resolved_path(second))
    if places[0] == places[1]:
        return True
    return places[0].name == places[1].name and os.path.lexists(places[0]) != os.path.lexists(places[1])


def folder_names(paths: Iterable[str]) -> dict[str, str]:
    """Each data folder's path → the shortest end of it that no other folder has.

    Paths of one folder have one name: ``stand-in``, or of two folders that are called so, ``old/stand-in``.
    """
    full = {path: resolved_path(path) for path in dict.fromkeys(paths)}
    parts = {path: Path(path).parts for path in full.values()}
    names = {
        path: _shortest_end(own, [other for other in parts.values() if other != own]) for path, own in parts.items()
    }
    return {path: names[full[path]] for path in full}


def _shortest_end(own: Sequence[str], others: Iterable[Sequence[str]]) -> str:
    alike = [other for other in others if other[-1:] == own[-1:]]
    length = next((n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in alike)), len(own))
    return str(Path(*own[-length:])) if own else ""
