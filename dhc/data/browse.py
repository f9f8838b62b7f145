"""Looking through a split: which of its pictures a person asks for, and what a class looks like on average."""

from __future__ import annotations

import unicodedata

import numpy as np

from dhc.data.decode import Pictures

BLOCK = 1024  # pictures summed at a time: 255 · 1024 is below 2²⁴, up to where float32 holds every whole number


def matching_rows(pictures: Pictures, label: int | None = None, search: str = "") -> np.ndarray:
    """(M,) int64 rows of the pictures with this label, None for any, whose file name has all words of `search` in it.

    In whichever case, and however accents are written.
    """
    rows = np.arange(len(pictures.ids))
    if label is not None:
        rows = rows[:0] if pictures.y is None else np.flatnonzero(pictures.y == label)
    words = _folded(search).split()
    if not words:
        return rows
    names = pictures.ids[rows].tolist()
    return rows[[all(word in name for word in words) for name in map(_folded, names)]]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def class_means(pictures: Pictures, classes: int) -> np.ndarray:
    """(classes, 64, 64, 3) uint8: the mean of each class's pictures, pixel by pixel; black for a class without any."""
    assert pictures.y is not None
    x, y = pictures.x.reshape(len(pictures.x), -1), pictures.y
    sums = np.zeros((classes, x.shape[1]))
    for start in range(0, len(x), BLOCK):
        members = (y[start : start + BLOCK] == np.arange(classes)[:, None]).astype(np.float32)
        sums += members @ x[start : start + BLOCK].astype(np.float32)
    counts = np.bincount(y, minlength=classes)
    means = np.rint(sums / np.maximum(counts, 1)[:, None]).astype(np.uint8)
    return means.reshape(classes, *pictures.x.shape[1:])
