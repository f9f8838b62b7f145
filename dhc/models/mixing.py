"""Pictures of a batch mixed in pairs, and their labels alike: Mixup and CutMix. No Keras.

Zhang 2018, https://arxiv.org/abs/1710.09412, and Yun 2019, https://arxiv.org/abs/1905.04899. Keras's layers of these names want labels
of all classes beside the pictures, before the network; here a label stays three numbers.
"""

from __future__ import annotations

import numpy as np

from dhc.config import AugmentConfig

LEVELS = 256  # of a share, so that bytes are mixed as whole numbers


def mixes(augment: AugmentConfig) -> bool:
    """Whether a batch's pictures are mixed."""
    return augment.where == "input" and max(augment.mixup, augment.cutmix) > 0


def mixed(
    x: np.ndarray, y: np.ndarray, augment: AugmentConfig, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The batch x (B, H, W, C) uint8 with labels y (B,), each picture mixed with one other, or with itself: both drawn anew.

    Labels become (B, 3) float32: the picture's own class, that of the other, and the share of its own, 0.5 to 1. That of Mixup is
    drawn by a beta distribution; a share below one half is the same as that of the other picture, so none is given. Where both are
    on, each batch is mixed in one of both ways.
    """
    others = draw.permutation(len(x))
    is_cut = augment.mixup == 0 or (augment.cutmix > 0 and draw.random() < 0.5)
    alpha = augment.cutmix if is_cut else augment.mixup
    shares = draw.beta(alpha, alpha, len(x))
    shares = np.maximum(shares, 1 - shares)
    pictures, shares = _with_boxes(x, others, shares, draw) if is_cut else _blended(x, others, shares)
    return pictures, np.stack([y, y[others], shares], axis=1).astype(np.float32)


def _blended(x: np.ndarray, others: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures weighted, and the shares as they became."""
    weights = np.rint(shares * LEVELS).astype(np.uint16)[:, None, None, None]
    sums = x * weights + x[others] * (np.uint16(LEVELS) - weights) + np.uint16(LEVELS // 2)
    return (sums // LEVELS).astype(np.uint8), weights.ravel() / LEVELS


def _with_boxes(
    x: np.ndarray, others: np.ndarray, shares: np.ndarray, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A box of the other picture at the same place in each, cut off at the edges, and the shares as they became."""
    height, width = x.shape[1:3]
    out, kept = np.array(x), np.empty(len(x))
    lengths = np.sqrt(1 - shares)
    middles = draw.random((len(x), 2))
    for number, (length, (down, across)) in enumerate(zip(lengths, middles, strict=True)):
        rows, columns = _span(height, length, down), _span(width, length, across)
        out[number, rows, columns] = x[others[number], rows, columns]
        kept[number] = 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)
    return out, kept


def _span(side: int, length: float, middle: float) -> slice:
    """Of a side so many pixels long, the part of that share of it around a place, both 0 to 1."""
    half, centre = int(side * length) // 2, int(side * middle)
    return slice(max(0, centre - half), min(side, centre + half))
