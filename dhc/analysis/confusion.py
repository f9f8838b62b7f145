"""The confusion matrix: counted, normalised, its classes ordered and its pairs ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

Normalization = Literal["true", "pred"]
Order = Literal["label", "frequency", "similarity"]
ORDERS: tuple[Order, ...] = ("label", "frequency", "similarity")


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, k: int) -> np.ndarray:
    """Count the pictures of each true class by the class predicted for them.

    y_true, y_pred: (N,) integers from 0 to k - 1. Returns (k, k) int64, rows true, columns predicted:
    `confusion_matrix([0, 0, 1], [0, 1, 1], 2)` is `[[1, 1], [0, 1]]`.
    ValueError when the lengths differ or a class lies outside 0 to k - 1.
    """
    true, predicted = np.asarray(y_true, dtype=np.int64).ravel(), np.asarray(y_pred, dtype=np.int64).ravel()
    if true.size != predicted.size:
        raise ValueError(f"{true.size} true classes and {predicted.size} predicted ones: give one of each per picture.")
    for name, values in (("true", true), ("predicted", predicted)):
        if values.size and (values.min() < 0 or values.max() >= k):
            raise ValueError(
                f"The {name} classes run from {values.min()} to {values.max()}; "
                f"with {k} classes they must lie in 0 to {k - 1}."
            )
    return np.bincount(true * k + predicted, minlength=k * k).reshape(k, k)


def normalize(matrix: np.ndarray, how: Normalization | None) -> np.ndarray:
    """The matrix as shares of each true or each predicted class, or as it is: (K, K) float64.

    how: "true" (rows sum to 1), "pred" (columns do) or None, as scikit-learn calls them. A class without pictures gives
    zeros, never NaN. Example: `[[1, 1], [0, 4]]` by "true" is `[[0.5, 0.5], [0, 1]]`.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    if how is None:
        return counts
    total = counts.sum(axis=1 if how == "true" else 0, keepdims=True)
    shares: np.ndarray = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return shares


def class_order(matrix: np.ndarray, by: Order) -> np.ndarray:
    """The classes in the order in which to show them: (K,) int64, a permutation of 0 to K - 1.

    "label": as they are. "frequency": most pictures first (row sums), equals in label order. "similarity": classes
    that are mistaken for one another stand side by side, so that families appear as blocks on the diagonal; classes
    that are never confused follow at the end in label order.
    """
    k = len(matrix)
    if by == "label":
        return np.arange(k)
    if by == "frequency":
        return np.argsort(-np.asarray(matrix).sum(axis=1), kind="stable")
    alike = similarity(matrix)
    confused = np.flatnonzero(alike.any(axis=1))
    alone = np.setdiff1d(np.arange(k), confused)
    return np.concatenate([confused[_leaf_order(alike[np.ix_(confused, confused)])], alone]).astype(np.int64)


def confused_pairs(matrix: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """The cells off the diagonal that hold pictures, most pictures first.

    Cells of as many pictures stand by the larger share, then in label order. Columns: true, predicted (names), count
    (int), share (of the true class's pictures, 0 to 1), i, j (class indices).
    """
    counts = np.array(matrix, dtype=np.int64)
    share = normalize(counts, "true")
    np.fill_diagonal(counts, 0)
    i, j = np.nonzero(counts)
    rank = np.lexsort((j, i, -share[i, j], -counts[i, j]))
    i, j = i[rank], j[rank]
    names = np.asarray(classes, dtype=object)
    return pd.DataFrame(
        {"true": names[i], "predicted": names[j], "count": counts[i, j], "share": share[i, j], "i": i, "j": j}
    ).astype({"true": "str", "predicted": "str"})


def similarity(matrix: np.ndarray) -> np.ndarray:
    """How often two classes are taken for each other: (K, K) float64, 0 to 1, symmetric.

    The mean of both directions, with a zero diagonal. Shares are of all the class's pictures, so a class with one odd
    mistake counts as little confused.
    """
    share = normalize(matrix, "true")
    np.fill_diagonal(share, 0.0)
    mean: np.ndarray = (share + share.T) / 2
    return mean


def _leaf_order(similarity: np.ndarray) -> np.ndarray:
    """The classes, the most alike side by side: (K,) leaves of a tree on 1 - similarity.

    The tree is of average linkage, its leaves ordered optimally (Bar-Joseph, Gifford and Jaakkola 2001),
    from the end of the smaller class index.
    """
    if len(similarity) < 3:
        return np.arange(len(similarity))
    from scipy.cluster.hierarchy import leaves_list, linkage  # half a second, and only this order needs it
    from scipy.spatial.distance import squareform

    distance = 1.0 - similarity
    np.fill_diagonal(distance, 0.0)
    order: np.ndarray = leaves_list(linkage(squareform(distance), method="average", optimal_ordering=True))
    return order if order[0] < order[-1] else order[::-1]
