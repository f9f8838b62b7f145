"""Whether file numbers give classes away: in the competition they do, modulo 100."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MODULI = range(2, 1001)
CHANCE = 1e-6  # how probable a false alarm may be, over all moduli together, were numbers and labels unrelated
MIN_HITS = 0.75  # share of held-out pictures that a modulus must get right: below it the number is a hint, no leak


@dataclass(frozen=True)
class NumberLeak:
    """A file's number modulo ``modulus`` gives the class of ``explained`` of ``total`` files."""

    modulus: int
    explained: int
    total: int


def file_number_leak(files: Sequence[str], y: np.ndarray) -> NumberLeak | None:
    """The smallest modulus, 2 to 1000, by which file numbers give labels away; None for none.
    ``files``: (N,) names; the last run of digits of each counts, then the first one. ``y``: (N,) int64 labels.

    For each modulus, half of the files (drawn with a fixed seed) say which class a residue has and the other half are
    predicted by it. If numbers and labels were unrelated, each prediction would hit with at most the probability p of
    the largest class, so n predictions with a share q of hits have at most probability exp(-n·KL(q‖p)) (Chernoff); a
    leak is reported only where that, times the number of tries, is below one in a million. A modulus so large that few
    residues repeat predicts few files and therefore is never reported. Example: ten classes, label = number mod 10,
    200 files: found, modulus 10.
    """
    for group in (-1, 0):
        numbers, labels = _file_numbers(files, y, group)
        leak = _leak(numbers, labels) if len(numbers) >= 0.9 * len(files) else None
        if leak is not None:
            return leak
    return None


def _file_numbers(files: Sequence[str], y: np.ndarray, group: int) -> tuple[np.ndarray, np.ndarray]:
    """(M,) int64 numbers and labels of the files whose name has digits.

    A name's number is its run of digits at place `group`.

    Eighteen digits at most, so that they fit in 64 bits.
    """
    digits = [re.findall(r"[0-9]+", file.rpartition("/")[2].rsplit(".", 1)[0]) for file in files]
    has = np.array([bool(groups) for groups in digits], dtype=bool)
    return np.array([int(groups[group][-18:]) for groups in digits if groups], dtype=np.int64), y[has]


def _leak(numbers: np.ndarray, labels: np.ndarray) -> NumberLeak | None:
    # One number names one thing: its copies and crops share it, and their agreeing says nothing of a rule.
    distinct, first = np.unique(numbers, return_index=True)
    labels_of_distinct = labels[first]
    order = np.random.default_rng(0).permutation(len(distinct))
    fit, test = order[: len(order) // 2], order[len(order) // 2 :]
    if not len(test):
        return None
    largest = np.bincount(labels_of_distinct).max() / len(distinct)
    share = {m: _hits(distinct, labels_of_distinct, fit, test, m, largest) for m in MODULI}
    best = max(share.values())
    if best < MIN_HITS:
        return None
    modulus = next(m for m in MODULI if share[m] >= best - 0.05)  # its multiples do as well, give or take noise
    return NumberLeak(modulus, _explained(numbers % modulus, labels), len(numbers))


def _hits(
    numbers: np.ndarray, labels: np.ndarray, fit: np.ndarray, test: np.ndarray, modulus: int, largest: float
) -> float:
    """Share of the `test` numbers whose label their residue predicts; 0 where luck might do it.

    Those `fit` say which label a residue has.
    """
    residues = numbers % modulus
    table = np.full(modulus, -1)
    table[residues[fit]] = labels[fit]
    guess = table[residues[test]]
    n = int(np.count_nonzero(guess >= 0))
    hits = int(np.count_nonzero(guess == labels[test]))
    if n == 0 or hits / n <= largest:
        return 0.0
    return hits / n if 2 * len(MODULI) * math.exp(-n * _kl(hits / n, largest)) < CHANCE else 0.0


def _kl(q: float, p: float) -> float:
    """Kullback–Leibler divergence of two coins, in nats; 0 < p < q <= 1. KL(1‖½) = ln 2."""
    return q * math.log(q / p) + ((1 - q) * math.log((1 - q) / (1 - p)) if q < 1 else 0.0)


def _explained(residues: np.ndarray, labels: np.ndarray) -> int:
    """Files whose label is the commonest of their residue."""
    pairs, counts = np.unique(np.stack([residues, labels]), axis=1, return_counts=True)
    commonest = np.zeros(int(residues.max()) + 1, dtype=np.int64)
    np.maximum.at(commonest, pairs[0], counts)
    return int(commonest.sum())
