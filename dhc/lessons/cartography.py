"""A map of training pictures: how sure the network was of each while it trained, and how much it wavered.

After Swayamdipta et al., "Dataset cartography: mapping and diagnosing datasets with training dynamics" (2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def confidence(p: Floats) -> Floats:
    """(N,): the mean over E epochs of the probability of each picture's class; `p` is (E, N)."""
    return np.asarray(p.mean(axis=0))


def variability(p: Floats) -> Floats:
    """(N,): the standard deviation of that probability over the epochs: 0 to 0.5. Of 0.2, 0.8, 0.2, 0.8 it is 0.3."""
    return np.asarray(np.sqrt(((p - confidence(p)) ** 2).mean(axis=0)))


def most_variability(mean: Floats) -> Floats:
    """The most that numbers between 0 and 1 of this mean can waver: why the map has the shape of a bow."""
    return np.asarray(np.sqrt(mean * (1 - mean)))
