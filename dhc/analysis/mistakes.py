"""The table of every val picture's outcome, its filter, and a picture's likeliest classes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from dhc.runs.records import Predictions

# Keras clips probabilities here before it takes the logarithm: a picture's loss stays finite, and is the one Keras had.
EPSILON = 1e-7


def outcomes(predictions: Predictions, epoch: int | None = None) -> pd.DataFrame:
    """One row per val picture, in val's order, after an epoch (from 1), at first the best one.

    Columns: index (row in val), id (file), true, predicted (class indices), true_name, predicted_name, confidence
    (probability of the predicted class), p_true (of the true one), loss (-ln p_true: 0.693 where that is 0.5), correct.
    A run stores the probabilities of its best epoch alone: of another one, those three are NaN.
    """
    rows = np.arange(len(predictions.ids))
    epoch = predictions.best_epoch if epoch is None else epoch
    true, predicted = predictions.y_true, predictions.predicted_after(epoch)
    names = np.asarray(predictions.classes, dtype=object)
    stored = np.float64(1.0 if epoch == predictions.best_epoch else np.nan)
    p_true = predictions.probabilities[rows, true] * stored
    return pd.DataFrame(
        {
            "index": rows,
            "id": pd.Series(predictions.ids, dtype="str"),
            "true": true,
            "predicted": predicted,
            "true_name": pd.Series(names[true], dtype="str"),
            "predicted_name": pd.Series(names[predicted], dtype="str"),
            "confidence": predictions.probabilities[rows, predicted] * stored,
            "p_true": p_true,
            "loss": -np.log(np.clip(p_true, EPSILON, 1.0)),
            "correct": true == predicted,
        }
    )


def select_rows(
    outcomes: pd.DataFrame,
    *,
    true: int | None = None,
    predicted: int | None = None,
    min_confidence: float = 0.0,
    max_confidence: float = 1.0,
    only_mistakes: bool = True,
    sort: Literal["confidence", "loss"] = "confidence",
    descending: bool = True,
) -> pd.DataFrame:
    """The rows of `outcomes` that pass every filter, sorted.

    Equals stand in val's order, NaN last. true, predicted: class indices, None for any. The bounds of confidence (0
    to 1) are included. A cell of the confusion matrix is `select_rows(table, true=i, predicted=j,
    only_mistakes=False)`: on the diagonal, what went right.
    """
    # A float32 probability of exactly 1 may have come out a shade above it; the outer bounds mean "no bound".
    low = -np.inf if min_confidence <= 0.0 else min_confidence
    high = np.inf if max_confidence >= 1.0 else max_confidence
    confidence = outcomes["confidence"]
    mask = ~((confidence < low) | (confidence > high))
    if only_mistakes:
        mask &= ~outcomes["correct"]
    if true is not None:
        mask &= outcomes["true"] == true
    if predicted is not None:
        mask &= outcomes["predicted"] == predicted
    return outcomes[mask].sort_values(sort, ascending=not descending, kind="stable", na_position="last")


def top_k(predictions: Predictions, index: int, k: int = 5) -> pd.DataFrame:
    """The k most probable classes of the val picture in row `index`, most probable first.

    Equals stand in label order. Columns: name, probability (0 to 1). The DataFrame's own index is the class index.
    """
    probabilities = predictions.probabilities[index]
    best = np.argsort(-probabilities, kind="stable")[:k]
    return pd.DataFrame(
        {"name": [predictions.classes[c] for c in best], "probability": probabilities[best].astype(np.float64)},
        index=pd.Index(best, name="class"),
    )
