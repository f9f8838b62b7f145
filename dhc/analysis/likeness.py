"""Whether a picture is like the training pictures: how far it lies from the nearest of them, as the network sees them.

The distance is that between the values before the last layer, each picture's brought to length 1, to the nearest training picture
that is kept, judged against the distances of pictures that are known to belong; the threshold lets 95 % of those pass. So Sun et
al., "Out-of-distribution detection with deep nearest neighbors", ICML 2022, who take a k-th nearest of all the training pictures, k
the smaller the fewer of them are kept. The pictures that are known to belong are val's, which the network was not fitted to.

Seen with three narrow VGG16 of stand-in pictures (12, 12 and 48 classes, 62, 60 and 286 val pictures, right in two of three): of
noise all were called unlike, of coarse coloured blots 59 to 82 %, of plain colours 27 to 60 %, of cut-outs of photographs 16 to 41
%, of pictures of the same kind but of other classes 16 to 44 %, of val 5 %. The probability of the likeliest class found 0 % of the
noise and 10, 16 and 7 % of the other classes at the same 5 %. With k = 5 or 10 it was much the same; at 99 % the one farthest of 60 val
pictures decided, and not even noise was beyond it. So it warns of some pictures; that a picture belongs it does not say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dhc.analysis.nearest import normalised

SHARE = 0.95  # of val's pictures that are nearer than one that is called unlike
LEAST_VAL = 20  # pictures: of fewer, none could be said to be farther than that
MOST_VAL = 2_000  # of val's pictures that are measured: the 5 % farthest are a hundred
ROWS = 256  # pictures compared at once


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What pictures are measured by.

    train   (n, F) float32, the features of n training pictures, each of length 1
    val     (V,) float32, the distances of V val pictures, growing
    """

    train: np.ndarray
    val: np.ndarray

    def farther_than(self, features: np.ndarray) -> np.ndarray | None:
        """(N,) the share, 0 to 1, of val's pictures that are nearer to training than those with the features (N, F).

        None for features of another length, as an edited file may have.
        """
        if features.shape[1] != self.train.shape[1]:
            return None
        return np.asarray(np.searchsorted(self.val, _distances(self.train, features), side="left") / len(self.val))


def yardstick(train: np.ndarray, val: np.ndarray) -> Yardstick | None:
    """The yardstick of a network by its features of training pictures, (n, F), and of val's, (V, F); None of too few."""
    if len(val) < LEAST_VAL or not len(train):
        return None
    rows, unit = np.random.default_rng(0).permutation(len(val))[:MOST_VAL], normalised(train)
    return Yardstick(unit, np.sort(_distances(unit, val[rows])))


def _distances(train: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(N,) cosine distances to the nearest, which order pictures as the distances of features of length 1 do."""
    starts = range(0, len(features), ROWS)
    return np.concatenate([1 - (normalised(features[start : start + ROWS]) @ train.T).max(axis=1) for start in starts])
