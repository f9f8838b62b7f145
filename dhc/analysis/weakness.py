"""Where a network is weak: pairs that it mixes up, classes of which val says little, families of look-alikes.

Sources: Wilson's interval as in `significance`; the number of pictures for McNemar's test as in Connor, Biometrics 43:207 (1987);
families by average linkage, as the order *similarity* of the matrix has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dhc.analysis.confusion import similarity
from dhc.analysis.significance import Z95, ContingencyTable, wilson
from dhc.text import count_text, percent_text

LINKED = 0.05  # of two classes' pictures, on average, must be taken for each other before they are called alike
FEW = 0.3  # a recall whose interval is at least this wide is hardly known
Mark = Callable[[str], str]
Z80 = 0.8416212335729143  # of the normal distribution, for a power of 80%


@dataclass(frozen=True)
class MixedPair:
    """Two classes that are taken for each other.

    first, second   places of the classes, the smaller first
    there, back     pictures of the first taken for the second, and the other way round
    share           of all mistakes, 0 to 1
    """

    first: int
    second: int
    there: int
    back: int
    share: float

    @property
    def cell(self) -> tuple[int, int]:
        """Row and column of the fuller of its two cells."""
        return (self.first, self.second) if self.there >= self.back else (self.second, self.first)


@dataclass(frozen=True)
class UncertainClass:
    """A class of which val says little: its recall could as well lie anywhere in `interval`, 0 to 1."""

    place: int
    pictures: int
    recall: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Family:
    """Classes that are taken for one another, two or more, in their own order.

    recall   share of its pictures that are recognised exactly
    within   share of its pictures that are taken for a class of the family, right ones included
    share    of all mistakes that stay within the family
    """

    places: tuple[int, ...]
    recall: float
    within: float
    share: float


def mixed_pairs(matrix: np.ndarray, most: int = 5) -> tuple[MixedPair, ...]:
    """The pairs with most mistakes in both directions, at most `most`, of equals in label order.

    matrix: (K, K) counts, rows true.
    """
    counts = _mistakes(matrix)
    total = counts.sum()
    both = np.triu(counts + counts.T, 1)
    first, second = np.nonzero(both)
    rank = np.lexsort((second, first, -both[first, second]))[:most]
    return tuple(
        MixedPair(i, j, int(counts[i, j]), int(counts[j, i]), float(both[i, j] / total))
        for i, j in zip(first[rank].tolist(), second[rank].tolist(), strict=True)
    )


def uncertain_classes(matrix: np.ndarray, most: int = 5) -> tuple[UncertainClass, ...]:
    """The classes whose recall is hardly known (an interval of `FEW` or wider), the lowest recall first."""
    rows = []
    for place, row in enumerate(np.asarray(matrix)):
        pictures = int(row.sum())
        if pictures:
            recall = float(row[place] / pictures)
            interval = wilson(recall, pictures)
            if interval[1] - interval[0] >= FEW:
                rows.append(UncertainClass(place, pictures, recall, interval))
    return tuple(sorted(rows, key=lambda one: (one.recall, one.pictures, one.place))[:most])


def families(matrix: np.ndarray, linked: float = LINKED) -> tuple[Family, ...]:
    """The families of classes that mix at least the share `linked` of their pictures on average, most mistakes first."""
    alike = similarity(matrix)
    if len(alike) < 2:
        return ()
    from scipy.cluster.hierarchy import fcluster, linkage  # half a second, and only this needs it
    from scipy.spatial.distance import squareform

    distance = 1.0 - alike
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance), method="average"), 1.0 - linked, criterion="distance")
    groups = [tuple(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    found = [_family(np.asarray(matrix), places) for places in groups if len(places) > 1]
    return tuple(sorted(found, key=lambda family: (-family.share, family.places)))


def family_accuracy(matrix: np.ndarray, found: Sequence[Family]) -> float:
    """The accuracy if every class of a family counted as the whole family, 0 to 1."""
    counts = np.asarray(matrix)
    right = counts.trace() + sum(_mistakes(counts)[np.ix_(one.places, one.places)].sum() for one in found)
    return float(right / counts.sum())


def pair_text(pair: MixedPair, classes: Sequence[str], strong: Mark = str) -> str:
    """``tree jade and tree emerald share 12% of all mistakes (5 one way, 3 the other).``"""
    return (
        f"{strong(classes[pair.first])} and {strong(classes[pair.second])} share {percent_text(pair.share)} of all mistakes "
        f"({pair.there} one way, {pair.back} the other)."
    )


def uncertain_text(one: UncertainClass, classes: Sequence[str], strong: Mark = str) -> str:
    """``lynx: 9 val pictures; recall 0.33 could be 0.12 to 0.65.``"""
    low, high = one.interval
    pictures = count_text(one.pictures, "val picture")
    return f"{strong(classes[one.place])}: {pictures}; recall {one.recall:.2f} could be {low:.2f} to {high:.2f}."


def families_text(matrix: np.ndarray, found: Sequence[Family]) -> str:
    """How many families there are, and how often one of them at least is right."""
    if not found:
        return "No classes are taken for one another often enough to be called a family."
    share = percent_text(family_accuracy(matrix, found))
    return f"Families of look-alikes: {len(found)}. {share} of the pictures are taken for their class or for one of its family."


def pictures_needed(table: ContingencyTable) -> int | None:
    """So many val pictures would show the difference of two runs, if it is true, with a power of 80% at 5%.

    As long as the shares of pictures that only one has right stay what they are. None where both are equally good.
    """
    discordant, difference = (table.fixes + table.breaks) / table.n, abs(table.difference)
    if not difference:
        return None
    root = Z95 * math.sqrt(discordant) + Z80 * math.sqrt(max(0.0, discordant - difference**2))
    return math.ceil((root / difference) ** 2)


def needed_text(needed: int | None) -> str:
    """How many val pictures would show the difference: a guess, in two digits."""
    return "as equal as they are, no number would" if needed is None else f"about {float(f'{needed:.2g}'):,.0f} would"


def _family(matrix: np.ndarray, places: tuple[int, ...]) -> Family:
    rows = matrix[list(places)]
    inside, pictures = rows[:, list(places)], max(1, int(rows.sum()))
    right = int(inside.trace())
    mistakes = max(1, int(_mistakes(matrix).sum()))
    return Family(places, right / pictures, int(inside.sum()) / pictures, (int(inside.sum()) - right) / mistakes)


def _mistakes(matrix: np.ndarray) -> np.ndarray:
    counts = np.array(matrix, dtype=np.int64)
    np.fill_diagonal(counts, 0)
    return counts
