"""What an answer is worth that knows nothing of its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def chance(train: Labels, val: Labels) -> float:
    """The accuracy on `val` (M,) of labels dealt out at random as often as each comes in `train` (N,), in the long run.

    Each class is hit with the share that it has among the answers, and it is asked for with the share that it has in val:
    the sum of the products. Raises ValueError where one of the two is empty.
    """
    if not len(train) or not len(val):
        raise ValueError("without labels there is nothing to guess")
    classes = int(max(train.max(), val.max())) + 1
    answered, asked = (np.bincount(labels, minlength=classes) / len(labels) for labels in (train, val))
    return float(answered @ asked)
