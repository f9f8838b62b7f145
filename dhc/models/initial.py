"""What weights a network begins with where Keras's own draw is not wanted, after airbench94. Imports Keras.

Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, https://arxiv.org/abs/2404.00498, sections 3.2 and 3.3.
"""

from __future__ import annotations

import keras
import numpy as np

PICTURES = 1000  # that patches are taken of: of 62×62 places each, 3.8 million
PART = 50  # pictures whose patches lie in memory at once
EPSILON = (
    5e-4  # of the mean variance of a colour, added to each eigenvalue: directions that hardly vary are not blown up
)
STREAM = 0x3417  # tells the draw of those pictures from the others of a seed


def pass_on(model: keras.Model) -> None:
    """Let each convolution but the first begin by passing its maps on, where it has filters enough.

    Of M maps each goes through one of the first M filters unchanged; the other filters stay as they were drawn.
    """
    for layer in _convolutions(model)[1:]:
        kernel = keras.ops.convert_to_numpy(layer.kernel).copy()
        height, width, maps, filters = kernel.shape
        if filters >= maps:
            kernel[..., :maps] = 0
            kernel[(height - 1) // 2, (width - 1) // 2, range(maps), range(maps)] = 1
            layer.kernel.assign(kernel)


def whiten(model: keras.Model, pictures: np.ndarray, seed: int) -> None:
    """Let the first convolution see patches of training pictures (N, 64, 64, 3) uint8 along the directions in which they vary.

    Of its filters half are the eigenvectors of the patches' covariance, those of the largest eigenvalues first, each divided by
    the root of its eigenvalue; the other half are their negatives. The biases take the mean patch away. Filters beyond twice the
    numbers of a patch stay as they were drawn. At most `PICTURES` pictures are taken, drawn by the seed.
    """
    layers, first = model.layers, _convolutions(model)[0]
    rows = np.random.default_rng([seed, STREAM]).permutation(len(pictures))[:PICTURES]
    extent = first.kernel_size
    count, sums, products = 0, 0.0, 0.0
    for start in range(0, len(rows), PART):
        x = np.asarray(pictures[np.sort(rows[start : start + PART])])
        for layer in layers[1 : layers.index(first)]:
            x = layer(x, training=False)
        patches = _patches(keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")), extent)
        count += len(patches)
        sums, products = sums + patches.sum(axis=0, dtype=np.float64), products + patches.T @ patches
    mean = sums / count
    vectors = _whitening(products / count - np.outer(mean, mean))
    kernel, bias = (keras.ops.convert_to_numpy(each).copy() for each in (first.kernel, first.bias))
    half = min(len(vectors), len(bias) // 2)
    both = np.concatenate([vectors[:half], -vectors[:half]])
    kernel[..., : 2 * half] = both.T.reshape(*kernel.shape[:3], 2 * half)
    bias[: 2 * half] = -both @ mean
    first.kernel.assign(kernel)
    first.bias.assign(bias)


def _convolutions(model: keras.Model) -> list[keras.layers.Conv2D]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def _patches(x: np.ndarray, extent: tuple[int, int]) -> np.ndarray:
    """Every patch of maps (B, H, W, C) that a kernel of that extent lies on whole, as (P, height · width · C) float64."""
    windows = np.lib.stride_tricks.sliding_window_view(x, extent, axis=(1, 2))
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, x.shape[-1] * extent[0] * extent[1]).astype(np.float64)


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """(D, D): the eigenvectors as rows, of falling eigenvalues, each divided by the root of its own."""
    values, vectors = np.linalg.eigh(covariance)
    values, rows = values[::-1], vectors.T[::-1]
    rows = rows * np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]  # eigh leaves the sign open
    return np.asarray(rows / np.sqrt(values + EPSILON * np.trace(covariance) / len(covariance))[:, None])
