"""The val pictures of a run, as far as its data set still has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dhc.data.content import split_print
from dhc.data.decode import Pictures
from dhc.data.layout import Dataset, fingerprint
from dhc.errors import DataError, sentence


@dataclass(frozen=True)
class Prints:
    """What tells a data set's pictures from others: val's own print, and the fingerprint by names that older runs have."""

    val: str = ""
    names: str = ""

    @classmethod
    def noted(cls, by_split: Mapping[str, str], fingerprint: str | None) -> Prints:
        """What a run noted: the prints of its splits, and its data set's fingerprint."""
        return cls(by_split.get("val", ""), fingerprint or "")

    def differ(self, now: Prints) -> bool:
        """Whether these, noted by a run, are other pictures than those of now; False where nothing was noted."""
        if self.val:
            return self.val != now.val
        return bool(self.names) and self.names != now.names


Source = Callable[[str], tuple[Pictures, Prints]]  # a data folder → its val pictures and prints


@dataclass(frozen=True, eq=False)
class Album:
    """The pictures that a run was judged on, as far as its data set still has them.

    `problem` is a sentence about those that cannot be shown; empty when all can.

    ids: (N,) str, the run's files. x: (M, 64, 64, 3) uint8, the data set's pictures of today, None without a data set.
    rows: file → row of x.
    """

    ids: np.ndarray
    x: np.ndarray | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""

    def image(self, index: int) -> np.ndarray | None:
        """(64, 64, 3) uint8: the picture in the run's row `index`; None when it is gone."""
        row = self.rows.get(str(self.ids[index]))
        return None if self.x is None or row is None else self.x[row]


def album_of(ids: np.ndarray, path: str, noted: Prints, source: Source, split: str = "val") -> Album:
    """The album of a run on the data set in `path`, whatever has become of it.

    ids: (N,) str, the run's files of the `split` that `source` reads.

    noted: the data set's prints when the run was trained, empty where nobody noted them. `source` may raise DataError and OSError.
    """
    try:
        pictures, today = source(path)
    except (DataError, OSError) as error:
        return Album(ids, problem=f"The pictures cannot be shown: {sentence(error)}")
    rows = {file: row for row, file in enumerate(pictures.ids.tolist())}
    missing = sum(file not in rows for file in ids.tolist())
    problem = ""
    if missing:
        problem = f"Left blank: {missing:,} of this run's {len(ids):,} {split} pictures, no longer in {path} or no longer readable."
    elif noted.differ(today):
        problem = f"The data set in {path} is not quite the one that this run was trained on: its pictures or labels have changed since."
    return Album(ids, pictures.x, rows, problem)


def prints_of(dataset: Dataset, val: Pictures) -> Prints:
    """The prints of a data set whose val pictures were read."""
    return Prints(split_print(dataset, "val", val), fingerprint(dataset))
