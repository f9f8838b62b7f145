"""Nearest neighbours, exactly, by three metrics, and how they vote. NumPy and OpenCV.
Pixels are whole numbers, so that distances can be compared without rounding: sums of absolute differences are int32; inner
products are summed in float32 over so few pixels at a time that no partial sum leaves the range of exact whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from dhc.errors import DataError
from dhc.machine.cores import cores

METRICS = ("euclidean", "manhattan", "cosine")
KS = (3, 5, 6, 9, 11)  # the numbers of neighbours that the report compares
QUERIES, ROWS = 1000, 512  # pictures compared at a time: 50 MB as float32, and 25 MB a core
MIDDLE = 128  # of a pixel's range: less that, no pixel is farther from 0
COLUMNS = 1024  # products of two such sum to at most 128² · 1024 = 2²⁴, up to where float32 holds every whole number

PIXELS = 64 * 64 * 3
# Of the matrix product in whose time one pixel of two pictures is compared by all metrics, measured.
FLOPS_PER_PIXEL = 10

_Nearest = tuple[np.ndarray, np.ndarray]  # (Q, k) distances that grow along the rows, (Q, k) int64 training rows


def neighbours(
    train: np.ndarray,
    pictures: np.ndarray,
    k: int,
    metrics: Collection[str],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """The (Q, k) int64 rows of `train` nearest to each picture, by metric, nearest first.
    train (N, …) and pictures (Q, …) uint8, equal in all but the first axis. Of training pictures at the same distance the
    earlier one is the nearer. Euclidean and manhattan are exact; cosine is as exact as one float64 division. A black picture
    is at right angles to every other. `progress(done, total)` counts comparisons of two pictures. Raises DataError where
    there are fewer than `k` training pictures.
    """
    if not 1 <= k <= len(train):
        raise DataError(f"{k} neighbours cannot be found among {len(train)} training pictures: choose a smaller k")
    a, b = (np.asarray(x).reshape(len(x), -1) for x in (train, pictures))
    parts: dict[str, list[np.ndarray]] = {metric: [np.empty((0, k), np.int64)] for metric in metrics}
    starts = range(0, len(a), ROWS)
    count, total = 0, len(a) * len(b)
    with _workers() as pool:
        for first in range(0, len(b), QUERIES):
            queries = _Queries(b[first : first + QUERIES], k, metrics)
            blocks = [a[start : start + ROWS] for start in starts]
            for start, rows, nearest in zip(starts, blocks, pool.map(queries.compare, blocks), strict=True):
                queries.merge(nearest, start)
                count += len(queries.x) * len(rows)
                if progress is not None:
                    progress(count, total)
            for metric in metrics:
                parts[metric].append(queries.nearest[metric][1])
    return {metric: np.concatenate(rows) for metric, rows in parts.items()}


def nearest(picture: np.ndarray, pool: np.ndarray, k: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The k pictures of the pool nearest to one picture by Euclidean distance, on one thread.
    picture: (H, W, C) uint8. pool: (M, H, W, C) uint8, memory-mapped or not, read in pieces. Returns two (k,) arrays: int64
    rows of the pool and float64 distances between the pixels / 255, nearest first, equals in the pool's order; fewer when the
    pool has fewer. All black against all white is sqrt(64 · 64 · 3) = 110.85. ValueError when the pool's pictures are of
    another shape.
    """
    if pool.shape[1:] != picture.shape:
        raise ValueError(f"The picture is {picture.shape} and the pool's are {pool.shape[1:]}: compare equal shapes.")
    query = _Queries(picture.reshape(1, -1), k, ["euclidean"])
    rows = pool.reshape(len(pool), picture.size)
    for start in range(0, len(rows), ROWS):
        query.merge(query.compare(rows[start : start + ROWS]), start)
    squared, nearest_rows = query.nearest["euclidean"]
    return nearest_rows[0], np.sqrt(squared[0]) / 255


@contextmanager
def _workers() -> Iterator[ThreadPoolExecutor]:
    """A thread for each core, with BLAS and OpenCV on one thread each.

    On a busy machine their own threads wait for each other.
    """
    import cv2
    from threadpoolctl import threadpool_limits

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(_threads())
    try:
        with threadpool_limits(1, user_api="blas"):
            yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # a run that is to stop does not wait for the comparisons still to come
        cv2.setNumThreads(before)


def _threads() -> int:
    """One for each core, but no more than 16: each takes some 50 MB."""
    return min(16, cores())


def vote(labels: np.ndarray, classes: int) -> np.ndarray:
    """(Q, K) float32: each class's share of the votes of (Q, k) neighbours' labels.

    The largest share's first class is the answer: of classes with as many votes the lowest wins, as with scikit-learn.
    ``[[2, 0, 2]]`` of 3 classes gives ``[[1/3, 0, 2/3]]``.
    """
    q, k = labels.shape
    flat = labels + classes * np.arange(q)[:, None]
    counts = np.bincount(flat.ravel(), minlength=q * classes).reshape(q, classes)
    shares: np.ndarray = (counts / k).astype(np.float32)
    return shares


def accuracies(
    labels: Mapping[str, np.ndarray], y: np.ndarray, classes: int, ks: Collection[int]
) -> dict[str, dict[int, float]]:
    """Share of right answers by metric and k.

    From the (Q, k_max) labels of each metric's neighbours, nearest first.
    """
    return {
        metric: {k: float((vote(nearest[:, :k], classes).argmax(axis=1) == y).mean()) for k in ks}
        for metric, nearest in labels.items()
    }


def seconds(train: int, pictures: int, rate: float) -> float:
    """Expected seconds to compare by all metrics on a CPU with a matrix-product rate in FLOP/s."""
    return FLOPS_PER_PIXEL * PIXELS * train * pictures / rate


def memory(train: int) -> float:
    """Bytes in use while comparing: the training pictures, and as float32 those at a time."""
    return float(PIXELS * (train + 4 * QUERIES + 4 * ROWS * _threads()))


class _Queries:
    """Some pictures, and by metric the nearest training pictures among those compared so far."""

    def __init__(self, x: np.ndarray, k: int, metrics: Collection[str]) -> None:
        self.x, self._k = np.ascontiguousarray(x), k
        nothing_to_multiply = set(metrics) <= {"manhattan"}
        self._centred = np.empty((0, 0), np.float32) if nothing_to_multiply else _centred(self.x)
        self._squares, self._sums = _squares_and_sums(self._centred)
        nothing = (np.empty((len(x), 0)), np.empty((len(x), 0), np.int64))
        self.nearest: dict[str, _Nearest] = dict.fromkeys(metrics, nothing)

    def compare(self, rows: np.ndarray) -> dict[str, _Nearest]:
        """By metric the nearest among (R, P) uint8 training pictures, numbered from 0.

        Changes nothing: for any thread.
        """
        nearest = {}
        if "manhattan" in self.nearest:
            nearest["manhattan"] = _manhattan(self.x, rows, self._k)
        if not self._centred.size:
            return nearest
        products, squares, sums = _products(self._centred, rows)
        if "cosine" in self.nearest:  # the picture's own length changes nothing in the order of its neighbours
            pixels = rows.shape[1] * MIDDLE**2
            whole = products + MIDDLE * (self._sums[:, None] + sums) + pixels
            lengths = np.sqrt(np.maximum(squares + 2 * MIDDLE * sums + pixels, 1))
            nearest["cosine"] = _smallest(-whole / lengths, self._k)
        if "euclidean" in self.nearest:  # what is taken off both changes no distance
            products *= -2
            products += squares
            products += self._squares[:, None]
            nearest["euclidean"] = _smallest(products, self._k)
        return nearest

    def merge(self, new: Mapping[str, _Nearest], start: int) -> None:
        """Keep the nearest of the old and the new ones.

        The first of the new ones is number `start`, later than all before.

        A stable sort leaves equals in the order of the training pictures.
        """
        for metric, (distances, rows) in new.items():
            distances = np.concatenate([self.nearest[metric][0], distances], axis=1)
            rows = np.concatenate([self.nearest[metric][1], rows + start], axis=1)
            order = np.argsort(distances, axis=1, kind="stable")[:, : self._k]
            self.nearest[metric] = (
                np.take_along_axis(distances, order, axis=1),
                np.take_along_axis(rows, order, axis=1),
            )


def _manhattan(x: np.ndarray, rows: np.ndarray, k: int) -> _Nearest:
    """Sums of absolute differences by OpenCV, which keeps the earlier of equals."""
    import cv2

    distances, nearest = cv2.batchDistance(
        x, np.ascontiguousarray(rows), cv2.CV_32S, normType=cv2.NORM_L1, K=min(k, len(rows))
    )
    return distances, nearest.astype(np.int64)


def _smallest(distances: np.ndarray, k: int) -> _Nearest:
    """The min(k, R) smallest of each row of (Q, R) distances, and their columns.

    The earlier of equals first.
    """
    k = min(k, distances.shape[1])
    edges = np.partition(distances, k - 1, axis=1)[:, k - 1]
    nearest = np.empty((len(distances), k), np.int64)
    for number, (row, edge) in enumerate(zip(distances, edges, strict=True)):
        candidates = np.flatnonzero(row <= edge)
        nearest[number] = candidates[np.argsort(row[candidates], kind="stable")[:k]]
    return np.take_along_axis(distances, nearest, axis=1), nearest


def _centred(x: np.ndarray) -> np.ndarray:
    """(N, P) uint8 pictures as float32, less MIDDLE."""
    values = x.astype(np.float32)
    values -= MIDDLE
    return values


def _products(x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exact (Q, R) float64 inner products, the rows' (R,) squared lengths and their sums, all of centred pictures.

    Of (Q, P) float32, which are centred, and (R, P) uint8, which are not.
    """
    products, squares, sums = np.zeros((len(x), len(rows))), np.zeros(len(rows)), np.zeros(len(rows))
    some = np.empty(products.shape, np.float32)
    for column in range(0, x.shape[1], COLUMNS):
        part = _centred(rows[:, column : column + COLUMNS])
        products += np.matmul(x[:, column : column + COLUMNS], part.T, out=some)
        more_squares, more_sums = _squares_and_sums(part)
        squares += more_squares
        sums += more_sums
    return products, squares, sums


def _squares_and_sums(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact (N,) float64 squared lengths and sums of (N, P) centred pictures."""
    squares, sums = np.zeros(len(x)), np.zeros(len(x))
    for column in range(0, x.shape[1], COLUMNS):
        part = x[:, column : column + COLUMNS]
        squares += np.einsum("rc,rc->r", part, part)
        sums += part.sum(axis=1)
    return squares, sums
