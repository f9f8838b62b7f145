"""Decoded pictures in memory alone, where a process may write no cache: a few splits, of which the oldest goes first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from dhc.data.cached import SHAPE, CachedSplit
from dhc.data.files import FileState

MOST: Final = 6  # splits; one of 12,000 pictures takes 147 MB
_splits: dict[tuple[Path, str], CachedSplit] = {}


def read(root: Path, split: str) -> CachedSplit | None:
    """The split as it was decoded last, None where it was not."""
    return _splits.get((root, split))


class Writer:
    """Collects one split, as `dhc.data.cache.Writer` writes it."""

    def __init__(self, root: Path, split: str, most_rows: int) -> None:
        self._key, self._rows = (root, split), 0
        self._x = np.empty((most_rows, *SHAPE), np.uint8)
        self._digest = hashlib.blake2b(digest_size=16)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._x

    def append(self, rows: np.ndarray) -> None:
        """Put ``rows``, (n, 64, 64, 3) uint8 in C order, after those before."""
        self._x[self._rows : self._rows + len(rows)] = rows
        self._digest.update(rows.data)
        self._rows += len(rows)

    def finish(
        self,
        files: Sequence[str],
        states: Sequence[FileState | None],
        reasons: dict[str, str],
        conversions: Mapping[str, Sequence[str]],
    ) -> CachedSplit:
        """Make what was appended the cache of the split."""
        x = self._x[: self._rows]
        x.flags.writeable = False
        kinds = {file: tuple(names) for file, names in conversions.items()}
        split = CachedSplit(tuple(files), tuple(states), reasons, kinds, self._digest.hexdigest(), x)
        _splits.pop(self._key, None)
        _splits[self._key] = split
        while len(_splits) > MOST:
            _splits.pop(next(iter(_splits)))
        return split
