"""What changed from run A to run B, picture by picture: the groups of the flip board and the difference of the two matrices."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.paired import Pairing

Flip = Literal["fixed", "broken", "same", "different", "right"]
BOARD: tuple[Flip, ...] = ("fixed", "broken", "same", "different")  # the grids; what both have right is only counted


def flip_masks(pairing: Pairing) -> dict[Flip, np.ndarray]:
    """Flip → (M,) bool over the shared pictures; each picture is in one group.

    "fixed": only B is right. "broken": only A is. "same": both give the same wrong answer. "different": both are wrong, each in
    its own way. "right": both are right.
    """
    a, b, agree = pairing.a == pairing.true, pairing.b == pairing.true, pairing.a == pairing.b
    return {"fixed": ~a & b, "broken": a & ~b, "same": ~a & ~b & agree, "different": ~a & ~b & ~agree, "right": a & b}


def cell_mask(pairing: Pairing, true: int | None, predicted: int | None) -> np.ndarray:
    """(M,) bool: the pictures of a true class that A or B gave a predicted one; None is any class.

    With both named these are the pictures that stand in that cell of A's confusion matrix, of B's, or of both.
    """
    keep = np.ones(len(pairing.true), dtype=bool)
    if true is not None:
        keep &= pairing.true == true
    if predicted is not None:
        keep &= (pairing.a == predicted) | (pairing.b == predicted)
    return keep


def matrices(pairing: Pairing) -> tuple[np.ndarray, np.ndarray]:
    """(K, K) int64 confusion matrices of A and of B on the shared pictures, rows true, columns predicted."""
    k = len(pairing.classes)
    return confusion_matrix(pairing.true, pairing.a, k), confusion_matrix(pairing.true, pairing.b, k)


def signed_difference(pairing: Pairing) -> np.ndarray:
    """(K, K) int64: B's confusion matrix minus A's. Each row adds up to 0, the diagonal to fixes minus breaks."""
    a, b = matrices(pairing)
    difference: np.ndarray = b - a
    return difference
