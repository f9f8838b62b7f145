"""The test-time mirror: each picture asked together with its mirror image, and the mean of both answers taken. No Keras.

As in Jordan 2024, https://arxiv.org/abs/2404.00498. Such answers are another thing than plain ones: who keeps them says so.
"""

from __future__ import annotations

import numpy as np


def sides(x: np.ndarray, mirror: bool) -> tuple[np.ndarray, ...]:
    """The pictures (N, H, W, C) and, for a mirror, the same with left and right exchanged: of what both answer the mean counts."""
    return (x, np.ascontiguousarray(x[:, :, ::-1])) if mirror else (x,)
