"""The nearest pictures by raw pixels: the report's k-nearest-neighbours distance, shown instead of voted on."""

from __future__ import annotations

import numpy as np

CHUNK = 1024  # pictures: 1024 × 64 × 64 × 3 float32 are 48 MiB, twice


def nearest(picture: np.ndarray, pool: np.ndarray, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """The n pictures of the pool nearest to one picture.

    picture: (64, 64, 3) uint8. pool: (M, 64, 64, 3) uint8, memory-mapped or not, read in pieces. Returns two (n,)
    arrays: int64 indices into the pool and float64 Euclidean distances between the pixels / 255, nearest first, equals
    in the pool's order; fewer when the pool has fewer. All black against all white is sqrt(64 · 64 · 3) = 110.85.
    ValueError when the pool's pictures are of another shape.
    """
    if pool.shape[1:] != picture.shape:
        raise ValueError(f"The picture is {picture.shape} and the pool's are {pool.shape[1:]}: compare equal shapes.")
    target = _rows(picture[None])
    squared = np.empty(len(pool), dtype=np.float64)
    for start in range(0, len(pool), CHUNK):
        difference = _rows(pool[start : start + CHUNK])
        difference -= target
        # The sum over one row of pixels (192 numbers of at most 255²) stays below 2^24, so float32 holds it exactly,
        # whatever the order of addition; the 64 rows are then added in float64.
        rows = np.einsum("nrc,nrc->nr", difference, difference)
        squared[start : start + CHUNK] = rows.sum(axis=1, dtype=np.float64)
    order = np.argsort(squared, kind="stable")[: max(n, 0)]
    return order, np.sqrt(squared[order]) / 255.0


def _rows(pictures: np.ndarray) -> np.ndarray:
    """(M, H, W, C) uint8 → (M, H, W·C) float32."""
    assert pictures.dtype == np.uint8, "distances are exact for uint8 only"
    assert np.prod(pictures.shape[2:]) <= 258, "the exact sum needs W·C of at most 258 bytes"
    return pictures.reshape(*pictures.shape[:2], -1).astype(np.float32)
