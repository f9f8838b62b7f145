"""Two runs' answers side by side on the val pictures that both were judged on, in any order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from dhc.errors import RunError
from dhc.runs.records import Predictions
from dhc.text import count_text


@dataclass(frozen=True, eq=False)
class Pairing:
    """The answers of runs A and B on the pictures that both have, in A's order.

    ids              (M,) str, the pictures' files
    rows_a, rows_b   (M,) int64, the picture's row in each run's own predictions
    true, a, b       (M,) int64, index into classes: its true class, what A and what B predicted
    classes          names; A's, then those that only B knows
    only_a, only_b   how many pictures only one of them was judged on
    reviewed         how many both were judged on that a person reviewed away, for which nothing can be said
    """

    ids: np.ndarray
    rows_a: np.ndarray
    rows_b: np.ndarray
    true: np.ndarray
    a: np.ndarray
    b: np.ndarray
    classes: tuple[str, ...]
    only_a: int
    only_b: int
    reviewed: int = 0


def pair_up(a: Predictions, b: Predictions, without: Collection[str] = ()) -> Pairing:
    """Align two runs by picture, those `without`; a file that is listed twice counts once.

    Raises RunError where no picture is shared and where the runs disagree about what a picture is.
    """
    files, rows_a, rows_b = np.intersect1d(a.ids.astype(str), b.ids.astype(str), return_indices=True)
    shared = len(files)
    if without:
        stays = ~np.isin(files, list(without))
        rows_a, rows_b = rows_a[stays], rows_b[stays]
    if shared and not len(rows_a):
        raise RunError(all_reviewed_text(shared))
    if not shared:
        raise RunError(
            "the two runs share no val picture: a comparison picture by picture needs two runs on the same data set"
        )
    order = np.argsort(rows_a)
    rows_a, rows_b = rows_a[order], rows_b[order]
    classes = (*a.classes, *(name for name in b.classes if name not in a.classes))
    number = {name: i for i, name in enumerate(classes)}
    of_b = np.array([number[name] for name in b.classes], dtype=np.int64)
    true = a.y_true[rows_a]
    _refuse_other_labels(a.ids[rows_a], true, of_b[b.y_true[rows_b]], classes)
    return Pairing(
        ids=a.ids[rows_a],
        rows_a=rows_a,
        rows_b=rows_b,
        true=true,
        a=a.predicted[rows_a],
        b=of_b[b.predicted[rows_b]],
        classes=classes,
        only_a=len(a.ids) - shared,
        only_b=len(b.ids) - shared,
        reviewed=shared - len(rows_a),
    )


def reviewed_text(count: int) -> str:
    """How many pictures are left out because a person reviewed them away, and why; "" for none."""
    if not count:
        return ""
    return (
        f"Left out: {count_text(count, 'val picture')} given another label, or left out, on Review. Whoever did so had a "
        "network's answer before them, so that these pictures would favour the network that gave it, or the one that was trained "
        "with the review."
    )


def all_reviewed_text(count: int) -> str:
    """Why runs that share so many val pictures cannot be compared where a person reviewed all of them away."""
    return (
        f"each val picture that these runs share, {count:,} in all, was given another label or left out on Review: "
        "choose runs that were trained without these marks"
    )


def _refuse_other_labels(ids: np.ndarray, a: np.ndarray, b: np.ndarray, classes: tuple[str, ...]) -> None:
    other = np.flatnonzero(a != b)
    if len(other):
        first = other[0]
        raise RunError(
            f"the two runs disagree about what {len(other):,} of their {len(ids):,} shared pictures are "
            f"({str(ids[first])[:60]} is {classes[a[first]][:40]} to A and {classes[b[first]][:40]} to B): "
            f"choose two runs on the same labels"
        )


def on_shared_pictures(pairing: Pairing, predictions: Predictions, rows: np.ndarray) -> Predictions:
    """One of the two runs as if it had been judged on the shared pictures alone, in the pairing's order and classes.

    rows: (M,) `pairing.rows_a` or `pairing.rows_b`. A class that the run does not know has a probability of 0.
    """
    number = np.array([pairing.classes.index(name) for name in predictions.classes], dtype=np.int64)
    probabilities = np.zeros((len(rows), len(pairing.classes)), dtype=np.float32)
    probabilities[:, number] = predictions.probabilities[rows]
    return Predictions(
        ids=pairing.ids,
        y_true=pairing.true,
        y_pred=number[predictions.y_pred[:, rows]],
        best_epoch=predictions.best_epoch,
        probabilities=probabilities,
        classes=pairing.classes,
    )
