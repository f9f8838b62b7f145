"""What happens to training pictures before the network: what needs their number, each other, or more than a layer can. No Keras.

On the host, each picture by itself, and drawn by seed, epoch and batch alone: a run that goes on sees what an undisturbed one would have
seen.
"""

from __future__ import annotations

import numpy as np

from dhc.config import AugmentConfig
from dhc.models.alternation import alternation
from dhc.models.mixing import mixed, mixes

STREAM = 210310158  # keeps these draws apart from those of other things by the same seed


class Beforehand:
    """A run's changes of so many pictures, in order: crop, flip by turns, policy, mixing."""

    def __init__(self, augment: AugmentConfig, pictures: int, seed: int) -> None:
        self._augment, self._seed = augment, seed
        self._alternation = alternation(augment, pictures, seed)
        self._is_on = augment.where == "input"

    def changed(
        self, x: np.ndarray, y: np.ndarray, rows: np.ndarray, epoch: int, batch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The pictures x (B, H, W, 3) uint8 of `rows` (B,) with labels y (B,), as that batch of the epoch, both from 0, shows them.

        Labels become (B, 3) where pictures are mixed (`mixed`).
        """
        draw = np.random.default_rng([self._seed, epoch, batch, STREAM])
        x = self.alone(x, rows, epoch, draw)
        return mixed(x, y, self._augment, draw) if mixes(self._augment) else (x, y)

    def alone(self, x: np.ndarray, rows: np.ndarray, epoch: int, draw: np.random.Generator) -> np.ndarray:
        """The same without mixing."""
        if self._is_on and self._augment.crop:
            from dhc.models.policies import cropped  # Pillow: only where it is needed

            x = cropped(x, self._augment.crop, draw)
        if self._alternation is not None:
            x = self._alternation.mirrored(x, rows, epoch)
        if self._is_on and self._augment.policy != "none":
            from dhc.models.policies import with_policy

            x = with_policy(x, self._augment.policy, draw)
        return x
