"""The tables of a stand-in data set, decided before any pixel: file names and labels.
Every choice here comes out of SHA-256 and integers, none out of a library's random generator, so that a seed gives the
same names and labels on every machine and in every year.
"""

from __future__ import annotations

import csv
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dhc.data.places import SPLITS
from dhc.data.standin.palettes import CLASSES
from dhc.errors import DataError

MOST_CLASSES = len(CLASSES)
MOST_PICTURES = {"train": 200_000, "val": 50_000, "test": 100_000}
MOST_SEED = 2**31 - 1
WHY_SO_MANY = "more would take hours to draw and many gigabytes to keep"
WHY_SEED = "that is what NumPy and TensorFlow take for a seed"
# This share of the pictures is drawn as a look-alike of its label: the little confusion that no network can resolve.
SLIPS = 0.03


@dataclass(frozen=True)
class SplitRows:
    """One split, row by row.

    files     names without a folder
    labels    (N,) int64, indices into `CLASSES`
    subjects  (N,) int64 likewise: the class that the picture really shows, for a few another one than the label
    """

    files: tuple[str, ...]
    labels: NDArray[np.int64]
    subjects: NDArray[np.int64]

    def of(self, labels: Collection[int]) -> SplitRows:
        """The rows with one of these labels, in their order."""
        rows = np.flatnonzero(np.isin(self.labels, list(labels)))
        return SplitRows(tuple(self.files[row] for row in rows), self.labels[rows], self.subjects[rows])


def split_rows(*, classes: int, train: int, val: int, test: int, seed: int) -> dict[str, SplitRows]:
    """Files and labels of each split; raises DataError when the numbers make no data set."""
    _check(classes, train, val, test, seed)
    names = _file_names(train, val, test, seed)
    counts = split_counts(classes=classes, train=train, val=val, test=test, seed=seed)
    return {split: _rows(split, names[split], counts[split], seed) for split in SPLITS}


def first_labels(count: int, classes: int) -> frozenset[int]:
    """The first `count` of so many classes in the order of their names, as a run with few classes takes them; 0: all.

    Raises DataError for another number than that.
    """
    if count and not 2 <= count <= classes:
        raise DataError(f"Only the first 2 to {classes} classes can be drawn alone, but {count} were asked for.")
    return frozenset(sorted(range(classes), key=lambda label: CLASSES[label].name)[: count or classes])


def frequencies() -> tuple[tuple[int, int], ...]:
    """(train, val) pictures of each of the competition's 96 classes; sums 12,000 and 1,000.

    The most frequent class first.
    """
    with Path(__file__).with_name("frequencies.csv").open(encoding="utf-8", newline="") as file:
        return tuple((int(row["train"]), int(row["val"])) for row in csv.DictReader(file))


def split_counts(*, classes: int, train: int, val: int, test: int, seed: int) -> dict[str, list[int]]:
    """Pictures of each class in each split: the competition's counts, scaled to other sizes.
    Which class gets which frequency is the seed's choice. The test split follows train and val together.
    """
    real = frequencies()
    pairs = [real[i] for i in permutation(len(real), f"{seed}/frequencies")][:classes]
    return {
        "train": apportion(train, [pair[0] for pair in pairs], at_least=1),
        "val": apportion(val, [pair[1] for pair in pairs], at_least=1),
        "test": apportion(test, [sum(pair) for pair in pairs], at_least=0),
    }


def apportion(total: int, weights: Sequence[int], at_least: int) -> list[int]:
    """Deal `total` out in proportion to `weights`, whole numbers, none below `at_least`.

    Largest remainders first.

    apportion(10, [3, 1, 1], 1) is [6, 2, 2].
    """
    assert total >= at_least * len(weights), "nothing to deal out"
    whole = sum(weights)
    shares = [max(at_least, total * weight // whole) for weight in weights]
    rest = [total * weight % whole for weight in weights]
    for i in sorted(range(len(weights)), key=lambda i: (-rest[i], i))[: max(0, total - sum(shares))]:
        shares[i] += 1
    while sum(shares) > total:  # the floor lifted rare classes: the most frequent ones pay
        shares[shares.index(max(shares))] -= 1
    return shares


def permutation(count: int, salt: str) -> list[int]:
    """0 … count - 1 in an order that depends on `salt` alone."""
    return sorted(range(count), key=lambda i: _digest(salt, i))


def _digest(salt: str, i: int) -> bytes:
    return sha256(f"{salt}/{i}".encode()).digest()


def _chance(salt: str, i: int) -> float:
    """A number in [0, 1) for item i."""
    return int.from_bytes(_digest(salt, i)[:6], "big") / 2**48


def _rows(split: str, files: tuple[str, ...], counts: Sequence[int], seed: int) -> SplitRows:
    by_class = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    labels = by_class[permutation(len(by_class), f"{seed}/{split}/order")]
    subjects = labels.copy()
    for row in range(len(labels)):
        others = _look_alikes(int(labels[row]), len(counts))
        if others and _chance(f"{seed}/{split}/slip", row) < SLIPS:
            subjects[row] = others[int(_chance(f"{seed}/{split}/as", row) * len(others))]
    return SplitRows(files, labels, subjects)


@lru_cache(maxsize=MOST_CLASSES * MOST_CLASSES)
def _look_alikes(label: int, classes: int) -> tuple[int, ...]:
    """The other classes in use of the same family."""
    return tuple(i for i in range(classes) if i != label and CLASSES[i].family == CLASSES[label].family)


def _file_names(train: int, val: int, test: int, seed: int) -> dict[str, tuple[str, ...]]:
    """Five digits for train and val, from one hat, and UUIDs for test, as in the competition.
    Unlike the competition's, the numbers say nothing about the class.
    """
    numbers = [f"{number:05d}.png" for number in permutation(train + val + test, f"{seed}/numbers")]
    uuids = (str(uuid.UUID(bytes=_digest(f"{seed}/uuid", i)[:16], version=4)) + ".png" for i in range(test))
    return {"train": tuple(numbers[:train]), "val": tuple(numbers[train : train + val]), "test": tuple(uuids)}


def _check(classes: int, train: int, val: int, test: int, seed: int) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise DataError(f"A stand-in data set has 2 to {MOST_CLASSES} classes, but {classes} were asked for.")
    for split, size in (("train", train), ("val", val)):
        if size < classes:
            raise DataError(
                f"{size} {split} pictures are too few for {classes} classes: each needs at least one, "
                f"so ask for {classes} {split} pictures or more, or for fewer classes."
            )
    for split, size in (("train", train), ("val", val), ("test", test)):
        if not 0 <= size <= MOST_PICTURES[split]:
            raise DataError(
                f"A stand-in data set has 0 to {MOST_PICTURES[split]:,} {split} pictures, but {size:,} were asked for: "
                f"{WHY_SO_MANY}."
            )
    if not 0 <= seed <= MOST_SEED:
        raise DataError(f"The seed must be 0 to {MOST_SEED:,}, but {seed:,} was given: {WHY_SEED}.")
