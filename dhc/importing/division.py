"""A val split where there is none: stratified, seeded, and pictures of one group all on one side."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from dhc.errors import DataError

By = Literal["picture", "column", "stem"]
KEPT: dict[By, str] = {
    "picture": "",
    "column": ", pictures of one group on one side",
    "stem": ", pictures whose names differ only in their number on one side",
}
LEAST, MOST = 0.01, 0.5


@dataclass(frozen=True)
class Division:
    """How val is drawn from train: a share of each class from 0.01 to 0.5, by a seed from 0.

    ``by``: "picture", or what keeps pictures together: a "column", or the "stem" of a name before its number.
    """

    share: float = 0.1
    seed: int = 0
    by: By = "picture"

    def __post_init__(self) -> None:
        if not LEAST <= self.share <= MOST:
            raise DataError(f"The share of val must lie between {LEAST} and {MOST}; 0.1 is usual.")
        if not 0 <= self.seed < 2**32:
            raise DataError("The seed must be a number from 0 to 4294967295; 0 is usual.")
        if self.by not in get_args(By):
            raise DataError(f"Pictures can be kept together by column or stem, not by {self.by!r}.")

    def rows_of_val(self, labels: Sequence[str], groups: Sequence[str]) -> set[int]:
        """The places that go to val, of pictures with these labels and groups.

        Raises DataError where a side would be empty.
        """
        rows = self._by_class(labels) if self.by == "picture" else self._by_group(labels, groups)
        if not rows or len(rows) == len(labels):
            raise DataError(
                "Val cannot be drawn: there are too few pictures or groups to leave some on both sides; "
                "add pictures, or keep fewer of them together."
            )
        return rows

    def sentence(self, val: int, total: int) -> str:
        """How it was done, for a person."""
        return (
            f"There was no val split: {val:,} of {total:,} training pictures were drawn for it, about the same share of each "
            f"class, by the seed {self.seed}{KEPT[self.by]}."
        )

    def _by_class(self, labels: Sequence[str]) -> set[int]:
        """Of each class its share, rounded, but at least one of two or more."""
        members: dict[str, list[int]] = defaultdict(list)
        for row, label in enumerate(labels):
            members[label].append(row)
        rng = np.random.default_rng([self.seed, 0xD])
        rows: set[int] = set()
        for label in sorted(members):
            count = max(round(self.share * len(members[label])), int(len(members[label]) > 1))
            rows.update(rng.permutation(members[label])[:count].tolist())
        return rows

    def _by_group(self, labels: Sequence[str], groups: Sequence[str]) -> set[int]:
        from sklearn.model_selection import StratifiedGroupKFold  # takes a second, and most sets have a val split

        folds = min(round(1 / self.share), len(set(groups)))
        if folds < 2:
            return set()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of classes with fewer pictures than folds
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=self.seed)
            _, val = next(splitter.split(np.zeros(len(labels)), labels, groups))
        return set(val.tolist())
