"""Nearest pictures: distances known by hand, and exactly those of a slow double-precision search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dhc.models import knn
from dhc.models.knn import nearest


def noise(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8)


def test_black_against_white_is_the_root_of_the_number_of_bytes() -> None:
    black, white = np.zeros((64, 64, 3), dtype=np.uint8), np.full((64, 64, 3), 255, dtype=np.uint8)
    indices, distances = nearest(black, np.stack([white, black]), k=2)
    assert indices.tolist() == [1, 0]
    assert distances.tolist() == pytest.approx([0.0, np.sqrt(64 * 64 * 3)])


def test_equals_a_double_precision_search_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "ROWS", 50)
    pool, picture = noise(1, 230), noise(2, 1)[0]
    difference = (pool.astype(np.int64) - picture.astype(np.int64)).reshape(len(pool), -1)
    squared = (difference**2).sum(axis=1)
    indices, distances = nearest(picture, pool, k=230)
    np.testing.assert_array_equal(indices, np.argsort(squared, kind="stable"))
    np.testing.assert_array_equal(np.round((distances * 255) ** 2).astype(np.int64), squared[indices])
    np.testing.assert_allclose(distances, np.sqrt(squared[indices]) / 255, rtol=1e-15)


def test_one_level_of_one_byte_decides_even_far_away() -> None:
    """Squared distances of 799,018,176 and 799,018,175: a plain float32 sum cannot tell them apart."""
    picture, far = np.zeros((64, 64, 3), dtype=np.uint8), np.full((64, 64, 3), 255, dtype=np.uint8)
    nearer = far.copy()
    nearer[63, 63, 2] = 254
    assert nearest(picture, np.stack([far, nearer]), k=1)[0].tolist() == [1]


def test_equal_pictures_stand_in_the_pools_order_and_a_small_pool_gives_what_it_has() -> None:
    picture = noise(3, 1)[0]
    indices, distances = nearest(picture, np.stack([picture] * 4), k=9)
    assert indices.tolist() == [0, 1, 2, 3]
    assert distances.tolist() == [0, 0, 0, 0]
    assert nearest(picture, noise(3, 0), k=3)[0].tolist() == []


def test_reads_a_memory_mapped_pool(tmp_path: Path) -> None:
    pool, picture = noise(4, 40), noise(5, 1)[0]
    np.save(tmp_path / "pool.npy", pool)
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    np.testing.assert_array_equal(nearest(picture, mapped)[0], nearest(picture, pool)[0])


def test_refuses_a_pool_of_another_shape() -> None:
    with pytest.raises(ValueError, match="compare equal shapes"):
        nearest(noise(6, 1)[0], np.zeros((3, 32, 32, 3), dtype=np.uint8))
