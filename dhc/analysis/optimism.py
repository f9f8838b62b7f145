"""How much better the winner looks than it is, chosen by the pictures that judge it.

Each run that val has judged had a chance to be lucky, and the best of many lucky figures won. Here are the count,
what is to be expected from it, and what a held-back half of val shows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dhc.errors import RunError
from dhc.runs.records import Predictions

SPLITS = 200  # ways to halve val; at most 256, the bits of a SHA-256
ENOUGH = 20  # pictures; halves of fewer say nothing


@dataclass(frozen=True)
class HalvingResult:
    """The winner by one half of val, judged on the other: means over many ways to halve.

    choosing_accuracy    its accuracy on the half that chose it, 0 to 1
    held_back_accuracy   its accuracy on the half that was held back, 0 to 1
    optimism, sd         mean and standard deviation of the first minus the second over the splits
    runs, splits         among how many runs it was chosen, and in how many ways val was halved
    winners              run id → share of the splits in which it won, most first
    """

    choosing_accuracy: float
    held_back_accuracy: float
    optimism: float
    sd: float
    runs: int
    splits: int
    winners: Mapping[str, float]


@lru_cache(maxsize=64)
def expected_maximum(n: int) -> float:
    """The expected largest of n independent standard normal deviates.

    0 for 1, 0.564 for 2, 1.539 for 10, 2.508 for 100: the integral over x > 0 of 1 - F(x)^n - F(-x)^n, F the normal
    distribution (David and Nagaraja, Order Statistics, 2003, section 3.1).
    """
    if n < 1:
        raise ValueError(f"the largest of {n} figures is not defined: give at least 1")
    x = np.linspace(0.0, 12.0, 12_001)
    beyond = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in x])  # F(-x)
    rise = 1 - np.exp(n * np.log1p(-beyond)) - beyond**n  # both halves of the integral, laid upon each other
    return float(np.trapezoid(rise, x))


def expected_optimism(accuracy: float, pictures: int, runs: int, correlation: float = 0.0) -> float:
    """How far the best of equally good runs is above their true accuracy on average, 0 to 1.

    Each accuracy is off by a normal deviate of sqrt(accuracy (1 - accuracy) / pictures). Runs judged on the same
    pictures are lucky together: with `correlation` between the right answers of two runs, only sqrt(1 - correlation)
    of the luck can decide (Owen and Steck, Annals of Mathematical Statistics 33, 1962). Runs that are not equally
    good win by merit more than by luck, so this is about the most to expect.
    """
    if not pictures:
        raise ValueError("no picture was judged: an accuracy needs at least one")
    luck = math.sqrt(max(0.0, accuracy * (1 - accuracy)) / pictures)
    return expected_maximum(runs) * luck * math.sqrt(1 - min(1.0, max(0.0, correlation)))


def mean_correlation(correct: np.ndarray) -> float:
    """The mean correlation between two runs' right answers, -1 to 1.

    correct: (R, N) bool, whether run r has picture n right. Runs all right or all wrong are left out; 0 for fewer
    than two.
    """
    values = np.asarray(correct, dtype=np.float64)
    values = values[values.std(axis=1) > 0]
    if len(values) < 2:
        return 0.0
    table = np.corrcoef(values)
    return float((table.sum() - len(table)) / (len(table) * (len(table) - 1)))


def halves(ids: Sequence[str] | np.ndarray, splits: int = SPLITS) -> np.ndarray:
    """Whether a picture is in the half that chooses: (N, splits) bool.

    Bit s of the SHA-256 of its file name decides. So a picture stands in the same half for every run, on any machine,
    and whatever else is in val.
    """
    if not 1 <= splits <= 256:
        raise ValueError(f"{splits} splits cannot be drawn: a SHA-256 has bits for 1 to 256")
    digests = [hashlib.sha256(str(name).encode("utf-8", "backslashreplace")).digest() for name in ids]
    table = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(digests), 32)
    return np.unpackbits(table, axis=1)[:, :splits].astype(bool)


def right_answers(predictions: Predictions) -> np.ndarray:
    """Whether each picture was right after each epoch: (E, N) bool; row 0 is epoch 1."""
    right: np.ndarray = predictions.y_pred == predictions.y_true
    return right


def judge_by_halves(ids: np.ndarray, right: Mapping[str, np.ndarray], splits: int = SPLITS) -> HalvingResult:
    """Choose the winner, run and epoch, by one half of val and judge it on the other, often.

    ids: (N,) the pictures. right: run id → (E, N) bool, its right answers on those pictures after each epoch. Of
    equals the first run and the earliest epoch win. Raises RunError for fewer than ENOUGH pictures and for no run.
    """
    if len(ids) < ENOUGH or not right:
        raise RunError(
            f"{len(ids):,} pictures of {len(right):,} runs cannot be halved to any use: it takes {ENOUGH} and a run"
        )
    choose = halves(ids, splits)
    accuracies = np.array([_best_epoch(answers, choose) for answers in right.values()])  # (R, 2, S)
    winner = np.argmax(accuracies[:, 0], axis=0)
    choosing, held_back = accuracies[winner, :, np.arange(splits)].T
    shares = np.bincount(winner, minlength=len(right)) / splits
    by_share = sorted(zip(right, shares.tolist(), strict=True), key=lambda item: -item[1])
    optimism = choosing - held_back
    return HalvingResult(
        choosing_accuracy=float(choosing.mean()),
        held_back_accuracy=float(held_back.mean()),
        optimism=float(optimism.mean()),
        sd=float(optimism.std(ddof=1 if splits > 1 else 0)),
        runs=len(right),
        splits=splits,
        winners={run: share for run, share in by_share if share > 0},
    )


def _best_epoch(right: np.ndarray, choose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accuracies (S,) on the choosing and the held-back half, of the best epoch on the first."""
    values = right.astype(np.float32)
    sizes = choose.sum(axis=0)
    choosing = values @ choose.astype(np.float32)  # (E, S) right answers; whole numbers, exact in float32
    held_back = values.sum(axis=1, keepdims=True) - choosing
    epoch, at = choosing.argmax(axis=0), np.arange(choose.shape[1])
    return choosing[epoch, at] / np.maximum(sizes, 1), held_back[epoch, at] / np.maximum(len(choose) - sizes, 1)
