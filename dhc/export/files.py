"""Where exports go: files that appear whole, in the place of another only where forced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from dhc.errors import RunError
from dhc.runs.rundir import write_atomic

Progress = Callable[[int, int], None]  # (runs exported, runs in all)


def refuse(out: Path, *, force: bool) -> None:
    """Raise RunError where `out` is a folder, or is there already and not to be replaced."""
    if out.is_dir():
        raise RunError(f"{out} is a folder: name a file")
    if out.exists() and not force:
        raise RunError(f"{out} already exists: choose another file, or --force to replace it")


def write(out: Path, data: bytes) -> None:
    """Put `data` into `out`, atomically, making its folder.

    Raises RunError in one sentence where the system refuses.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out, lambda file: _put(file, data))
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}") from error


def _put(file: IO[bytes], data: bytes) -> None:
    file.write(data)
