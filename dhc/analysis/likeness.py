"""Whether a picture is like the training pictures: how far it lies from the nearest of them, as the network sees them.

The distance is that between the values before the last layer, each picture's brought to length 1, to the k-th nearest training
picture, judged against the distances of pictures that are known to belong (Sun et al., "Out-of-distribution detection with deep
nearest neighbors", ICML 2022). Those are val's, which the network was not fitted to. The paper's threshold lets 95 % of them pass;
a person who is told of every twentieth good picture soon believes none of it, so here it is 99 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

K = 5
SHARE = 0.99  # of val's pictures that are nearer than one that is called unlike
MOST_VAL = 2_000  # of val's pictures that are measured: the 1 % farthest are twenty
ROWS = 256  # pictures compared at once


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What pictures are measured by.

    train   (M, F) float32, the features of M training pictures, each of length 1
    val     (V,) float32, the distances of V val pictures, growing
    """

    train: np.ndarray
    val: np.ndarray

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(N,) float32, 0 to 2, of pictures with the features (N, F)."""
        return _distances(self.train, features)

    def nearer(self, distances: np.ndarray) -> np.ndarray:
        """(N,) the share, 0 to 1, of val's pictures that are nearer than each distance."""
        return np.asarray(np.searchsorted(self.val, distances, side="left") / len(self.val))

    def is_unlike(self, distances: np.ndarray) -> np.ndarray:
        """(N,) whether a picture is farther away than SHARE of val's."""
        return np.asarray(self.nearer(distances) >= SHARE)


def yardstick(train: np.ndarray, val: np.ndarray) -> Yardstick:
    """The yardstick of a network by its features of training pictures, (M, F), and of val's, (V, F); neither is empty."""
    rows = np.random.default_rng(0).permutation(len(val))[:MOST_VAL]
    unit = _unit(train)
    return Yardstick(unit, np.sort(_distances(unit, val[rows])))


def _distances(train: np.ndarray, features: np.ndarray) -> np.ndarray:
    k = min(K, len(train))
    parts = [np.empty(0, np.float32)]
    for start in range(0, len(features), ROWS):
        cosines = _unit(features[start : start + ROWS]) @ train.T
        nearest = np.partition(cosines, -k, axis=1)[:, -k]
        parts.append(np.sqrt(np.maximum(0, 2 - 2 * nearest)))
    return np.concatenate(parts)


def _unit(features: np.ndarray) -> np.ndarray:
    """Rows of length 1; one of zeros, at which nothing is active, stays."""
    x = features.astype(np.float32)
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
