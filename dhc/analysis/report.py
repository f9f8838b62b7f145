"""Precision, recall and F1 per class and on average, equal to scikit-learn's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

FIGURES = ("precision", "recall", "f1-score", "support")


def classification_report(matrix: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """One row per class, as scikit-learn's `classification_report(..., zero_division=0)`.

    matrix: (K, K) counts, rows true, columns predicted. Columns: class, precision (of what was called so, how much is),
    recall (of what is, how much was called so), f1-score (their harmonic mean), all 0 to 1, and support (val pictures
    of the class). `[[3, 1], [0, 4]]` gives precision 1.0 and 0.8, recall 0.75 and 1.0.
    """
    precision, recall, f1, support = _figures(matrix)
    return pd.DataFrame(
        {"class": list(classes), "precision": precision, "recall": recall, "f1-score": f1, "support": support}
    )


def averages(matrix: np.ndarray) -> pd.DataFrame:
    """The three closing rows of scikit-learn's report.

    Columns: average, precision, recall, f1-score, support. "accuracy" (over all pictures at once; precision, recall
    and F1 are then one and the same), "macro avg" (each class counts the same) and "weighted avg" (each class counts
    by its support). All zeros when there are no pictures.
    """
    *figures, support = _figures(matrix)
    total = int(support.sum())
    accuracy = float(np.trace(matrix)) / total if total else 0.0
    macro = [float(np.average(figure)) for figure in figures]
    weighted = [float(np.average(figure, weights=support)) if total else 0.0 for figure in figures]
    rows = {"accuracy": [accuracy] * 3, "macro avg": macro, "weighted avg": weighted}
    return pd.DataFrame([[name, *values, total] for name, values in rows.items()], columns=["average", *FIGURES])


def to_text(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """The report as scikit-learn prints it, a table of fixed width that ends in a line feed."""
    report, means = classification_report(matrix, classes), averages(matrix)
    width = max(len(name) for name in [*classes, "weighted avg"])
    lines = [f"{'':>{width}s} " + "".join(f" {name:>9}" for name in FIGURES), ""]
    lines += [_line(name, values, width) for name, *values in report.itertuples(index=False)]
    accuracy, *others = [list(row) for row in means.itertuples(index=False)]
    blank = f"{'':>9} {'':>9}"
    lines += ["", f"{'accuracy':>{width}s}  {blank} {accuracy[3]:>9.2f} {accuracy[4]:>9}"]
    lines += [_line(name, values, width) for name, *values in others]
    return "\n".join(lines) + "\n"


def to_csv(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """The report and its averages as CSV in full digits, a column for each of its figures."""
    rows = [classification_report(matrix, classes), averages(matrix).rename(columns={"average": "class"})]
    text: str = pd.concat(rows, ignore_index=True).to_csv(index=False, lineterminator="\n")
    return text


def _figures(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall, F1, (K,) float64, and support, (K,) int64; 0 in place of 0 / 0."""
    counts = np.asarray(matrix, dtype=np.int64)
    right, support, predicted = np.diag(counts).astype(np.float64), counts.sum(axis=1), counts.sum(axis=0)
    return _ratio(right, predicted), _ratio(right, support), _ratio(2 * right, predicted + support), support


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio


def _line(name: str, values: Sequence[float], width: int) -> str:
    *figures, support = values
    return f"{name:>{width}s} " + "".join(f" {figure:>9.2f}" for figure in figures) + f" {support:>9}"
