"""What a stand-in data set is drawn from: a handful of numbers, by which it is known again and drawn anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from dhc.data.standin.labels import SplitRows, first_labels, split_rows
from dhc.data.standin.palettes import CLASSES
from dhc.errors import DataError

VERSION = 1  # of the drawing


@dataclass(frozen=True)
class Recipe:
    """The options of ``python -m dhc data make``; `only` is the number of first classes that are drawn alone, 0 for all."""

    classes: int = 96
    train: int = 12_000
    val: int = 1_000
    test: int = 5_000
    seed: int = 0
    only: int = 0

    @classmethod
    def noted(cls, values: Mapping[str, Any]) -> Recipe | None:
        """The recipe that somebody noted, None where that is none: a file can hold anything."""
        names = {field.name for field in fields(cls)}
        if values.keys() != names or not all(type(value) is int for value in values.values()):
            return None
        recipe = cls(**values)
        try:
            recipe.sizes()
        except DataError:
            return None
        return recipe

    def as_dict(self) -> dict[str, int]:
        """By name, as files note it and `make_dataset` takes it."""
        return asdict(self)

    def splits(self) -> dict[str, SplitRows]:
        """Files and labels of each split. Raises DataError when the numbers make no data set."""
        return _splits(self)

    def sizes(self) -> dict[str, int]:
        """How many pictures each split has. Raises DataError likewise."""
        return {split: len(rows.files) for split, rows in self.splits().items()}

    def fingerprint(self) -> str:
        """`layout.fingerprint` of the data set that is drawn from it, without drawing any. Raises DataError likewise."""
        splits = {split: rows for split, rows in self.splits().items() if split != "test" or rows.files}
        names = tuple(sorted({CLASSES[label].name for label in splits["train"].labels.tolist()}))
        places = {name: place for place, name in enumerate(names)}
        digest = hashlib.sha256(repr(names).encode())
        digest.update(repr([VERSION, self.seed]).encode())
        for split, rows in sorted(splits.items()):
            files = tuple(f"{split}_images/{file}" for file in rows.files)
            labels = [places[CLASSES[label].name] for label in rows.labels.tolist()]
            digest.update(repr((split, files, labels, [0] * len(files))).encode())
        return digest.hexdigest()[:16]


@lru_cache(maxsize=8)
def _splits(recipe: Recipe) -> dict[str, SplitRows]:
    options = recipe.as_dict()
    labels = first_labels(options.pop("only"), recipe.classes)
    return {split: rows.of(labels) for split, rows in split_rows(**options).items()}
