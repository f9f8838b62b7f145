"""Nearest neighbours, ours and scikit-learn's on the same pictures: time and answers.

    python -m benchmarks.knn [DATA] [--pictures 1000] [--manhattan 100]

DATA is a folder in the Kaggle layout, by default data/stand-in. Its val pictures (the first so many) are classified by their
nearest among all training pictures.

ours   `dhc.models.knn.neighbours` of one metric, and the votes for every k of the report from that one pass, uint8.
table  the same for all three metrics together, on all the pictures: what a knn run does.
theirs KNeighborsClassifier(k, metric=…).fit and one predict for k = 5, float64, all cores; manhattan, which takes long, on fewer
       pictures (on which ours is then measured too).

Answers are compared for every k. Where the k-th and the next picture are equally far, either may vote: scikit-learn's choice
depends on its threads and chunks, ours is the earlier training picture. Such pictures are counted apart.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spread import spread
from dhc.config import DataConfig
from dhc.data.select import RunData, load_for_run
from dhc.models import knn

K_TIMED, ROUNDS = 5, 3


def main() -> None:
    """Measure each metric and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="data/stand-in")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--manhattan", type=int, default=100)
    arguments = parser.parse_args()
    data = load_for_run(DataConfig(path=str(Path(arguments.data))), 0)
    x = np.asarray(data.val.x[: arguments.pictures])
    seconds, _ = timed(lambda: answers(data, x, knn.METRICS))
    print(f"\n{len(data.train.ids):,} training pictures; all metrics and k on {len(x):,} pictures: {seconds:.1f} s\n")
    print("| metric | pictures | ours, every k (s) | scikit-learn, one k (s) | times as fast | equal answers |")
    print("|---|---|---|---|---|---|")
    for metric in knn.METRICS:
        print(row(data, x[: arguments.manhattan] if metric == "manhattan" else x, metric), flush=True)


def row(data: RunData, x: np.ndarray, metric: str) -> str:
    """One metric's line."""
    tries = [timed(lambda: answers(data, x, [metric])[metric]) for _ in range(ROUNDS)]
    ours, mine = [seconds for seconds, _ in tries], tries[0][1]
    train, flat = (np.asarray(pictures, np.float64).reshape(len(pictures), -1) for pictures in (data.train.x, x))
    tries = [timed(lambda: sklearns(train, data.train.y, flat, metric, K_TIMED)) for _ in range(ROUNDS)]
    theirs, first = [seconds for seconds, _ in tries], tries[0][1]
    others = {k: sklearns(train, data.train.y, flat, metric, k) for k in knn.KS if k != K_TIMED} | {K_TIMED: first}
    different = [(number, k) for k in knn.KS for number in np.flatnonzero(mine[k] != others[k])]
    tied = sum(is_tied(train, flat[number], metric, k) for number, k in different)
    equal = "yes" if len(different) == tied else f"no: {len(different) - tied} differ"
    exception = f", but for {tied} of {len(knn.KS) * len(x):,} with equal distances" if tied else ""
    ratio = statistics.median(theirs) / statistics.median(ours)
    return f"| {metric} | {len(x):,} | {spread(ours)} | {spread(theirs)} | {ratio:.1f}× | {equal}{exception} |"


def answers(data: RunData, x: np.ndarray, metrics: Any) -> dict[str, dict[int, np.ndarray]]:
    """Ours: the (N,) predicted classes by metric and k."""
    assert data.train.y is not None
    neighbours = knn.neighbours(data.train.x, x, max(knn.KS), metrics)
    labels = {metric: data.train.y[rows] for metric, rows in neighbours.items()}
    k_classes = len(data.classes)
    return {m: {k: knn.vote(near[:, :k], k_classes).argmax(axis=1) for k in knn.KS} for m, near in labels.items()}


def sklearns(train: np.ndarray, y: np.ndarray | None, x: np.ndarray, metric: str, k: int) -> np.ndarray:
    """scikit-learn's (N,) predicted classes."""
    from sklearn.neighbors import KNeighborsClassifier

    predicted: np.ndarray = KNeighborsClassifier(k, metric=metric, n_jobs=-1).fit(train, y).predict(x)
    return predicted


def is_tied(train: np.ndarray, x: np.ndarray, metric: str, k: int) -> bool:
    """Whether the k-th and the next training picture are equally far from one picture (float64)."""
    if metric == "cosine":
        distances = -(train @ x) / np.maximum(np.linalg.norm(train, axis=1), 1)
        distances /= max(np.linalg.norm(x), 1)
    else:
        chunks = (train[i : i + 1000] - x for i in range(0, len(train), 1000))
        distances = np.concatenate([(np.abs(d) if metric == "manhattan" else d * d).sum(axis=1) for d in chunks])
    nearest = np.sort(distances)
    return bool(nearest[k] - nearest[k - 1] <= (1e-14 if metric == "cosine" else 0))


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = do()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
