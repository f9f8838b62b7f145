"""What changed from run A to run B, picture by picture and in their confusion matrices."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dhc.analysis.confusion import confusion_matrix
from dhc.analysis.paired import Pairing

Flip = Literal["fixed", "broken", "same", "different", "right"]
BOARD: tuple[Flip, ...] = ("fixed", "broken", "same", "different")  # the grids; what both have right is only counted


def flip_masks(pairing: Pairing) -> dict[Flip, np.ndarray]:
    """Flip → (M,) bool over the shared pictures; each picture is in exactly one.

    "fixed": only B is right. "broken": only A is. "same": both give the same wrong answer. "different": both are
    wrong, each in its own way. "right": both are right.
    """
    return masks_of(pairing.true, pairing.a, pairing.b)


def masks_of(true: np.ndarray, of_a: np.ndarray, of_b: np.ndarray) -> dict[Flip, np.ndarray]:
    """`flip_masks` of (M,) true classes and what A and B predicted, as after any epoch of theirs."""
    a, b, agree = of_a == true, of_b == true, of_a == of_b
    return {"fixed": ~a & b, "broken": a & ~b, "same": ~a & ~b & agree, "different": ~a & ~b & ~agree, "right": a & b}


def cell_mask(pairing: Pairing, true: int | None, predicted: int | None) -> np.ndarray:
    """The pictures of a true class that A or B gave a predicted one, None being any: (M,) bool.

    With both classes these are the pictures in that cell of A's confusion matrix, of B's, or of both.
    """
    mask = np.ones(len(pairing.true), dtype=bool)
    if true is not None:
        mask &= pairing.true == true
    if predicted is not None:
        mask &= (pairing.a == predicted) | (pairing.b == predicted)
    return mask


def matrices(pairing: Pairing) -> tuple[np.ndarray, np.ndarray]:
    """The confusion matrices of A and of B on the shared pictures: (K, K) int64 each, rows true."""
    k = len(pairing.classes)
    return confusion_matrix(pairing.true, pairing.a, k), confusion_matrix(pairing.true, pairing.b, k)
