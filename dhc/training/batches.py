"""Training batches whose order depends on nothing but the seed and the epoch's number."""

from __future__ import annotations

import keras
import numpy as np

from dhc.config import AugmentConfig
from dhc.models.beforehand import Beforehand

OFF = AugmentConfig(where="off")


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled batches: x (B, 64, 64, 3) uint8, y (B,) int32 or, where pictures are mixed, (B, 3) float32 (`dhc.models.mixing`).

    The last batch of an epoch may be smaller. Each epoch visits the pictures in its `order_of_epoch`, so a run that resumes
    sees what an undisturbed one would have seen. Pictures stay uint8 and memory-mapped until a batch is taken. Of `augment`,
    what happens `Beforehand` is done here: all else is layers of the network.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        seed: int,
        first_epoch: int = 0,
        augment: AugmentConfig = OFF,
    ) -> None:
        super().__init__(workers=1)
        self._x, self._y = x, y.astype(np.int32)  # JAX knows no wider ones
        self._size, self._seed = batch_size, seed
        self._epoch = first_epoch - 1
        self._order = order_of_epoch(len(y), seed, first_epoch)
        self._beforehand = Beforehand(augment, len(y), seed)

    def __len__(self) -> int:
        return -(-len(self._y) // self._size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[index * self._size : (index + 1) * self._size]
        return self._beforehand.changed(self._x[rows], self._y[rows], rows, max(0, self._epoch), index)

    def on_epoch_begin(self) -> None:
        """What is done before an epoch's first batch is taken."""
        self._epoch += 1
        self._order = order_of_epoch(len(self._y), self._seed, self._epoch)


def order_of_epoch(pictures: int, seed: int, epoch: int) -> np.ndarray:
    """The rows of so many pictures (N,) int64 in the order in which the epoch, from 0, visits them."""
    return np.random.default_rng([seed, epoch]).permutation(pictures)
