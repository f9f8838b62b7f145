"""Forgetting: a picture that was recognised after one epoch and is not after the next.

The definition is Toneva et al.'s, "An empirical study of example forgetting during deep neural network learning" (2019), who look
at a training picture whenever it is shown; here a val picture is looked at after each epoch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rights = NDArray[np.bool_]  # (E, N): whether picture n was recognised after epoch e
Rows = NDArray[np.int64]


def is_forgotten(rights: Rights) -> Rights:
    """(E, N): whether a picture that was recognised after the epoch before is not after this one; never after the first."""
    forgotten = np.zeros_like(rights)
    forgotten[1:] = rights[:-1] & ~rights[1:]
    return forgotten


def events(rights: Rights) -> Rows:
    """(N,): how often each picture was forgotten. Right, wrong, right, right, wrong: twice."""
    return np.asarray(is_forgotten(rights).sum(axis=0), dtype=np.int64)


def most_forgotten(rights: Rights) -> Rows:
    """The pictures that were forgotten at all, those most often forgotten first; of equals, those less often right."""
    counts = events(rights)
    rows = np.flatnonzero(counts)
    return np.asarray(rows[np.lexsort((rights[:, rows].sum(axis=0), -counts[rows]))], dtype=np.int64)


def unforgettable(rights: Rights) -> Rows:
    """The pictures that were learned and never forgotten, those learned first in front."""
    rows = np.flatnonzero((events(rights) == 0) & rights.any(axis=0))
    return np.asarray(rows[np.argsort(rights[:, rows].argmax(axis=0), kind="stable")], dtype=np.int64)


def never_learned(rights: Rights) -> Rows:
    """The pictures that were recognised after no epoch."""
    return np.asarray(np.flatnonzero(~rights.any(axis=0)), dtype=np.int64)
