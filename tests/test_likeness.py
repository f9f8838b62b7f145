"""Whether a picture is like the training pictures: by how many of val's it is farther from them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from dhc.analysis.asked import Answers, unlike_text
from dhc.analysis.likeness import LEAST_VAL, yardstick

RNG = np.random.default_rng(0)
TRAIN, VAL = np.abs(RNG.normal(3, 1, (300, 8))), np.abs(RNG.normal(3, 1, (100, 8)))


def test_a_picture_is_judged_by_the_distances_of_val_to_the_nearest_training_picture() -> None:
    """Held against scikit-learn's neighbours of features of length 1."""
    measure = yardstick(TRAIN, VAL)
    assert measure is not None
    asked = np.vstack([VAL[:20], RNG.normal(0, 1, (20, 8))])
    farther = measure.farther_than(asked)
    assert farther is not None
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (TRAIN, VAL, asked)]
    finder = NearestNeighbors(n_neighbors=1).fit(unit[0])
    of_val, of_asked = (finder.kneighbors(x)[0][:, 0] for x in unit[1:])
    expected = np.array([(of_val < distance - 1e-5).mean() for distance in of_asked])
    np.testing.assert_allclose(farther, expected, atol=0.021)  # two of val may stand as near as float32 can tell
    assert (farther[20:] >= 0.95).mean() > 0.9
    assert farther[:20].max() < 1


def test_what_is_stronger_in_the_same_direction_is_no_farther_and_a_picture_that_moves_nothing_is_far() -> None:
    measure = yardstick(TRAIN, VAL)
    assert measure is not None
    np.testing.assert_array_equal(measure.farther_than(VAL), measure.farther_than(64 * VAL))
    assert measure.farther_than(np.zeros((1, 8))) == [1.0]


def test_too_small_a_val_judges_nothing_and_features_of_another_network_are_not_compared() -> None:
    assert yardstick(TRAIN, VAL[: LEAST_VAL - 1]) is None
    measure = yardstick(TRAIN, VAL)
    assert measure is not None
    assert measure.farther_than(np.ones((2, 9))) is None


@pytest.mark.parametrize(("farther", "words"), [(61 / 62, "than 61 of 62 val"), (1.0, "than 62 of 62 val")])
def test_it_is_said_by_how_many_pictures(farther: float, words: str) -> None:
    assert words in unlike_text(farther, 62)
    said = Answers(("a", "b"), np.array([[0.5, 0.5], [0.5, 0.5]]), farther_than=np.array([farther, 0.949]))
    assert said.unlike.tolist() == [True, False]
    assert not Answers(("a", "b"), np.array([[0.5, 0.5]])).unlike.any()
