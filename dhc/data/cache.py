"""Decoded pictures on disk: where they lie, and how they are written (`dhc.data.cached` reads them).

A split's cache is two files: ``<split>.json``, the index, names ``<split>-<token>.npy``, the pixels. Neither is ever changed:
a new array gets a new token and the index is replaced last, so that readers, and two builders at once, always see a
pair that belongs together. A cache that is cut off, of another version or foreign is no cache: it is rebuilt.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from dhc.data.cached import COLUMNS, MISSING, SHAPE, SIZE, VERSION, CachedSplit, open_pair, read, read_index
from dhc.data.files import FileState

__all__ = ["SHAPE", "SIZE", "CachedSplit", "read"]

STALE = 3600.0  # seconds after which an array that no index names is a dead builder's, not a slow one's
UNSETTLED = FileState(-2, -2, -2)  # no file's state: what was read under it is read again at the next opening


def folders(root: Path) -> tuple[Path, ...]:
    """Where the cache of ``root`` may be, best first.

    Within it, or for a read-only one in the user's cache folder, which a user without a home does not have.
    """
    own, mark = _user_cache(), hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]
    return (root / ".dhc",) if own is None else (root / ".dhc", own / "dhc" / mark)


def _user_cache() -> Path | None:
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    with suppress(RuntimeError):  # neither HOME nor an entry in passwd, as under `docker run --user 12345`
        return Path(base) if base else Path.home() / ".cache"
    return None


class CacheError(Exception):
    """The cache could not be written; the text is the system's reason."""


class Writer:
    """Writes the cache of one split: ``append`` rows as they come, then ``finish``.
    A context manager: whatever was not finished is removed. Each step raises CacheError where the disk refuses it.
    """

    def __init__(self, folder: Path, split: str, most_rows: int) -> None:
        self.folder, self.split = folder, split
        self.array = folder / f"{split}-{secrets.token_hex(8)}.npy"
        self.temporary = self.array.with_suffix(".tmp")
        self.rows = 0
        self.digest = hashlib.blake2b(digest_size=16)
        with _disk():
            folder.mkdir(parents=True, exist_ok=True)
            self.file = self.temporary.open("xb")
            self.start = _header(self.file, most_rows)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk may refuse even this, and the first error is the one to raise
            self.file.close()
            self.temporary.unlink(missing_ok=True)

    def append(self, rows: np.ndarray) -> None:
        """Write ``rows``, (n, 64, 64, 3) uint8 in C order, after those before."""
        with _disk():
            self.file.write(rows.data)
        self.digest.update(rows.data)
        self.rows += len(rows)

    def finish(
        self,
        files: Sequence[str],
        states: Sequence[FileState | None],
        reasons: dict[str, str],
        conversions: Mapping[str, Sequence[str]],
    ) -> CachedSplit:
        """Make what was appended the cache of the split, and open it."""
        with _disk():
            self.file.seek(0)
            start = _header(self.file, self.rows)
            assert start == self.start  # numpy leaves room in the header for the first axis
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self.temporary.replace(self.array)
            old_index = read_index(self.folder / f"{self.split}.json", self.split, len(files))
            index = _index(self.array, self.rows, files, states)
            index |= {"reasons": reasons, "conversions": conversions, "digest": self.digest.hexdigest()}
            cached = open_pair(self.folder, index)  # before others hear of it: from here on nobody can take it away
            _replace_text(self.folder / f"{self.split}.json", json.dumps(index, separators=(",", ":")))
            _remove_others(self.folder, self.split, self.array.name, old_index)
        return cached


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(error.strerror or str(error)) from error


def _header(file: BinaryIO, rows: int) -> int:
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (rows, *SHAPE)})
    return file.tell()


def _index(array: Path, rows: int, files: Sequence[str], states: Sequence[FileState | None]) -> dict[str, Any]:
    triples = [state or MISSING for state in states]
    columns = dict(zip(COLUMNS, map(list, zip(*triples, strict=True)), strict=True))
    stat = array.stat()
    stamp = {"array": array.name, "rows": rows, "array_bytes": stat.st_size, "array_mtime_ns": stat.st_mtime_ns}
    return {"version": VERSION, **stamp, "files": list(files), **columns}


def _replace_text(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.stem}-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_others(folder: Path, split: str, array: str, old_index: dict[str, Any] | None) -> None:
    """Remove the old index's array and what dead builders left, but not `array`."""
    old_array = old_index["array"] if old_index else None
    for path in _arrays(folder, split):
        with suppress(OSError):  # gone already, or mapped by a reader on Windows: what stays costs nothing but space
            if path.name != array and (path.name == old_array or time.time() - path.stat().st_mtime > STALE):
                path.unlink()


def _arrays(folder: Path, split: str) -> Iterable[Path]:
    return (path for path in folder.glob(f"{split}-*") if path.suffix in (".npy", ".tmp"))
