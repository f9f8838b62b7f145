"""What one val picture was taken for after each epoch: when it became right, and whether it stayed so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dhc.runs.records import Predictions


@dataclass(frozen=True)
class Course:
    """One picture's way through the epochs.

    predicted    the class after each epoch; the first is epoch 1
    true         its true class
    best_epoch   1-based, the epoch whose network was kept
    right        after how many epochs it was right
    first_right  1-based, the first of them; None when there is none
    settled      1-based, the epoch since which the prediction has not changed any more
    """

    predicted: tuple[int, ...]
    true: int
    best_epoch: int
    right: int
    first_right: int | None
    settled: int


def course(p: Predictions, index: int) -> Course:
    """The course of the val picture in row `index`. Predicted [3, 1, 1] with true class 1: right 2, first_right 2, settled 2."""
    predicted, true = p.y_pred[:, index], int(p.y_true[index])
    right = np.flatnonzero(predicted == true)
    other = np.flatnonzero(predicted != predicted[-1])
    return Course(
        predicted=tuple(predicted.tolist()),
        true=true,
        best_epoch=p.best_epoch,
        right=len(right),
        first_right=int(right[0]) + 1 if len(right) else None,
        settled=int(other[-1]) + 2 if len(other) else 1,
    )
