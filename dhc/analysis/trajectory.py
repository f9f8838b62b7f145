"""What one val picture was taken for after each epoch: since when it is right, and settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dhc.runs.records import Predictions


@dataclass(frozen=True)
class Trajectory:
    """One picture's way through the epochs.

    predicted           the class after each epoch; the first is epoch 1
    true                its true class
    best_epoch          1-based, the epoch whose network was kept
    right_count         after how many epochs it was right
    first_right_epoch   1-based, the first of them; None when there is none
    settled_epoch       1-based, the epoch since which the prediction has not changed any more
    """

    predicted: tuple[int, ...]
    true: int
    best_epoch: int
    right_count: int
    first_right_epoch: int | None
    settled_epoch: int


def trajectory_of(predictions: Predictions, index: int) -> Trajectory:
    """The trajectory of the val picture in row `index`.

    Predicted [3, 1, 1] with true class 1: right_count 2, first_right_epoch 2, settled_epoch 2.
    """
    predicted, true = predictions.y_pred[:, index], int(predictions.y_true[index])
    right = np.flatnonzero(predicted == true)
    other = np.flatnonzero(predicted != predicted[-1])
    return Trajectory(
        predicted=tuple(predicted.tolist()),
        true=true,
        best_epoch=predictions.best_epoch,
        right_count=len(right),
        first_right_epoch=int(right[0]) + 1 if len(right) else None,
        settled_epoch=int(other[-1]) + 2 if len(other) else 1,
    )
