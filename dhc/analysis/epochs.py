"""A run's answers through its epochs: which class was recognised how well after which epoch."""

from __future__ import annotations

import numpy as np

from dhc.runs.records import Predictions


def accuracy_by_epoch(predictions: Predictions) -> np.ndarray:
    """The share of val that was right after each epoch: (E,) float64, 0 to 1."""
    right: np.ndarray = (predictions.y_pred == predictions.y_true).mean(axis=1)
    return right


def recall_by_epoch(predictions: Predictions) -> np.ndarray:
    """The share of each class's val pictures that was right after each epoch: (E, K) float64, 0 to 1.

    A class without val pictures is NaN. Two pictures of class 0, one of class 1, and `y_pred` `[[0, 1, 1]]`: `[[0.5, 1]]`.
    """
    k, true = len(predictions.classes), predictions.y_true
    support = np.bincount(true, minlength=k).astype(np.float64)
    right = np.stack([np.bincount(true[row == true], minlength=k) for row in predictions.y_pred])
    shares: np.ndarray = np.divide(right, support, out=np.full(right.shape, np.nan), where=support > 0)
    return shares
