"""The stand-in data set before a picture of it is drawn: what a run on it will meet."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from dhc.data.layout import Dataset, Split
from dhc.data.standin.labels import SplitRows
from dhc.data.standin.palettes import CLASSES
from dhc.data.standin.recipe import Recipe
from dhc.data.table import Table


@cache
def planned_dataset(root: Path, only: int = 0) -> Dataset:
    """The whole stand-in set, or its first `only` classes, as `open_dataset` will read it at `root`."""
    rows = Recipe(only=only).splits()
    names = sorted({CLASSES[label].name for label in rows["train"].labels})
    splits = {name: _split(root, name, split, names) for name, split in rows.items() if name != "test"}
    return Dataset(root, tuple(names), splits, root)


def _split(root: Path, name: str, rows: SplitRows, names: list[str]) -> Split:
    texts = tuple(CLASSES[label].name for label in rows.labels)
    y = np.array([names.index(text) for text in texts], np.int64)
    table = Table(f"{name}.csv", f"{name}_images", rows.files, rows.files, texts, "", ("Image", "Class"), {})
    return Split(name, tuple(f"{name}_images/{file}" for file in rows.files), y, table)
