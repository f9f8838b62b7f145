"""Decoded pictures on disk: where they lie, and how they are written (`dhc.data.cached` reads them).

A split's cache is two files: ``<split>.json``, the index, names ``<split>-<token>.npy``, the pixels. Neither is ever changed:
a new array gets a new token and the index is replaced last, so that readers, and two builders at once, always see a
pair that belongs together. A cache that is cut off, of another version or foreign is no cache: it is rebuilt.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from dhc.data.cached import COLUMNS, MISSING, SHAPE, SIZE, VERSION, CachedSplit, open_pair, read, read_index
from dhc.data.files import FileState
from dhc.files import remove, write
from dhc.files.folder import RealFolder
from dhc.files.user_cache import cache_of

__all__ = ["SHAPE", "SIZE", "CachedSplit", "read"]

UNSETTLED = FileState(-2, -2, -2)  # no file's state: what was read under it is read again at the next opening


def folders(root: Path) -> tuple[Path, ...]:
    """Where the cache of ``root`` may be, best first.

    Within it, or for a read-only one in the user's cache folder, which a user without a home does not have.
    """
    own = cache_of(root)
    return (root / ".dhc",) if own is None else (root / ".dhc", own)


class CacheError(Exception):
    """The cache could not be written; the text is the system's reason."""


class Writer:
    """Writes the cache of one split: ``append`` rows as they come, then ``finish``.
    A context manager: whatever was not finished is removed. Each step raises CacheError where the disk refuses it.
    """

    def __init__(self, folder: Path, split: str, most_rows: int) -> None:
        self.split, self.rows, self.finished = split, 0, False
        self.digest = hashlib.blake2b(digest_size=16)
        with _disk():
            self.folder = write.make_folder(write.root(folder.parent) / folder.name)
            with RealFolder(self.folder) as place:
                place.require_file(f"{split}.json")  # it is replaced at the end, which may be hours from now
            self.array = self.folder / f"{split}-{secrets.token_hex(8)}.npy"
            self.file = write.create(self.array)
            self.start = _header(self.file, most_rows)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk may refuse even this, and the first error is the one to raise
            self.file.close()
            if not self.finished:
                remove.file(self.array)

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
            index = _index(self.array, self.rows, files, states)
            index |= {"reasons": reasons, "conversions": conversions, "digest": self.digest.hexdigest()}
            cached = open_pair(self.folder, index)  # before others hear of it: from here on nobody can take it away
            write.text(self.folder / f"{self.split}.json", json.dumps(index, separators=(",", ":")))
            self.finished = True
            _remove_others(self.folder, self.split, self.array.name, len(files))
        return cached


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CacheError(error.strerror or str(error)) from error


def _header(file: IO[bytes], rows: int) -> int:
    npy.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (rows, *SHAPE)})
    return file.tell()


def _index(array: Path, rows: int, files: Sequence[str], states: Sequence[FileState | None]) -> dict[str, Any]:
    triples = [state or MISSING for state in states]
    columns = dict(zip(COLUMNS, map(list, zip(*triples, strict=True)), strict=True))
    status = array.lstat()
    stamp = {"array": array.name, "rows": rows, "array_bytes": status.st_size, "array_mtime_ns": status.st_mtime_ns}
    return {"version": VERSION, **stamp, "files": list(files), **columns}


def _remove_others(folder: Path, split: str, array: str, files: int) -> None:
    """Remove what dead builders left and arrays that no index names; what a living one writes stays."""
    index = read_index(folder / f"{split}.json", split, files)  # another builder's by now, perhaps
    names = "|".join(map(re.escape, (array, index["array"] if index else array)))
    remove.leftovers(folder, re.compile(rf"(?!(?:{names})$){split}-[0-9a-f]{{16}}\.(?:npy|tmp)"))
    remove.leftovers(folder, write.temporary_names(rf"{split}\.json"))
