"""Where a network is weak, on matrices whose weakness is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhc.analysis.significance import ContingencyTable, mcnemar_p, wilson
from dhc.analysis.weakness import families, family_accuracy, mixed_pairs, pictures_needed, uncertain_classes

# Classes 0, 1 and 2 are look-alikes, 3 and 4 are, 5 stands alone and has three pictures.
MATRIX = np.array(
    [
        [60, 25, 15, 0, 0, 0],
        [20, 70, 10, 0, 0, 0],
        [12, 8, 79, 1, 0, 0],
        [0, 0, 0, 90, 10, 0],
        [0, 0, 0, 30, 70, 0],
        [0, 0, 0, 0, 2, 1],
    ]
)
MISTAKES = 25 + 15 + 20 + 10 + 12 + 8 + 1 + 10 + 30 + 2
MATRICES = st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=4, max_size=4).map(np.array)


def test_the_pair_with_most_mistakes_in_both_directions_comes_first() -> None:
    first, second, *_ = mixed_pairs(MATRIX)
    assert (first.first, first.second, first.there, first.back) == (0, 1, 25, 20)
    assert first.share == pytest.approx(45 / MISTAKES)
    assert (second.first, second.second) == (3, 4)
    assert (first.cell, second.cell) == ((0, 1), (4, 3))
    assert mixed_pairs(np.diag([3, 4])) == ()


def test_a_class_of_few_pictures_could_be_anything() -> None:
    (only,) = uncertain_classes(MATRIX)
    assert (only.place, only.pictures, only.recall) == (5, 3, pytest.approx(1 / 3))
    assert only.interval == wilson(1 / 3, 3)


def test_families_are_the_look_alikes_and_their_accuracy_forgives_within() -> None:
    found = families(MATRIX)
    assert {family.places for family in found} == {(0, 1, 2), (3, 4, 5)} or {f.places for f in found} == {
        (0, 1, 2),
        (3, 4),
    }
    three = next(family for family in found if family.places == (0, 1, 2))
    assert three.recall == pytest.approx((60 + 70 + 79) / 300)
    assert three.within == pytest.approx(299 / 300)
    assert three.share == pytest.approx(90 / MISTAKES)
    assert family_accuracy(MATRIX, found) > MATRIX.trace() / MATRIX.sum()
    assert families(np.diag([5, 5, 5])) == ()
    assert families(np.array([[4]])) == ()


@given(MATRICES)
def test_families_share_no_class_and_forgive_only(matrix: np.ndarray) -> None:
    found = families(matrix)
    places = [place for family in found for place in family.places]
    assert len(places) == len(set(places))
    if matrix.sum():
        assert matrix.trace() / matrix.sum() - 1e-12 <= family_accuracy(matrix, found) <= 1
    for family in found:
        assert family.recall <= family.within <= 1


@pytest.mark.parametrize(("fixes", "breaks", "n"), [(40, 20, 1000), (15, 5, 400), (110, 80, 1000)])
def test_so_many_pictures_would_show_the_difference(fixes: int, breaks: int, n: int) -> None:
    table = ContingencyTable(n - fixes - breaks - 10, fixes, breaks, 10)
    needed = pictures_needed(table)
    assert needed is not None
    assert power(fixes / n, breaks / n, needed) == pytest.approx(0.8, abs=0.06)


def power(fixes: float, breaks: float, n: int) -> float:
    """How often McNemar's test by the normal distribution is below 5%, drawn 4,000 times."""
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n, [fixes, breaks, 1 - fixes - breaks], size=4000)
    z = (draws[:, 0] - draws[:, 1]) / np.sqrt(np.maximum(1, draws[:, 0] + draws[:, 1]))
    return float((np.abs(z) > 1.96).mean())


def test_equal_runs_would_never_be_told_apart() -> None:
    table = ContingencyTable(10, 3, 3, 4)
    assert pictures_needed(table) is None
    assert mcnemar_p(table) == 1
