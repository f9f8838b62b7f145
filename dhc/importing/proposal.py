"""A data set to be: each picture's split and label, as proposed and as a person has changed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from dhc.errors import DataError
from dhc.importing.division import Division

ROLES = ("file", "label", "split", "group", "unused")  # of a column


@dataclass(frozen=True)
class Choices:
    """What a person may change in a proposal.

    ``roles``: of columns by title, for every table. ``division``: how val is drawn where the source has none.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    division: Division = field(default_factory=Division)


@dataclass(frozen=True)
class Item:
    """One picture of the data set to be: its path in the source, its label ("" in test), and the group of its kind."""

    path: str
    label: str
    group: str = ""


@dataclass(frozen=True)
class SheetView:
    """The first rows of a table with the role of each column, for a person to look at."""

    name: str
    titles: tuple[str, ...]
    roles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class UnclearColumnsError(DataError):
    """The roles of a table's columns are not clear; ``view`` is the table, for a person to give them."""

    def __init__(self, sentence: str, view: SheetView) -> None:
        super().__init__(sentence)
        self.view = view


@dataclass(frozen=True)
class Proposal:
    """A data set to be.

    ``splits``: the pictures by split. ``sheets``: the tables that were read. ``notes``: sentences on what was decided,
    ``skipped``: rows without a picture and pictures without a row, in sentences. ``sample``: path of the sample
    submission in the source, "" for none.
    """

    shape: str
    splits: Mapping[str, tuple[Item, ...]]
    sheets: tuple[SheetView, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    sample: str = ""

    @property
    def classes(self) -> Mapping[str, Mapping[str, int]]:
        """How many pictures each class has in each split, classes in text order."""
        counts: dict[str, dict[str, int]] = {}
        for split, items in self.splits.items():
            for label, count in Counter(item.label for item in items if item.label).items():
                counts.setdefault(label, {})[split] = count
        return dict(sorted(counts.items()))
