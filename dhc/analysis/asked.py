"""A run's answers for pictures that nobody labelled: what it decides, and how sure it is, by itself and calibrated."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from dhc.analysis.likeness import MOST_VAL, SHARE
from dhc.analysis.sureness import fit_temperature, scale
from dhc.runs.records import Predictions

BARS = 5


@dataclass(frozen=True, eq=False)
class Answers:
    """N answers: the probabilities, (N, K) float64, rows sum to 1; the temperature where val allows one.

    farther_than: (N,) the share, 0 to 1, of val's pictures that are nearer to training pictures (`likeness`), where the run's
    features are kept. mirror: whether each picture was asked together with its mirror image.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    temperature: float | None = None
    farther_than: np.ndarray | None = None
    mirror: bool = False

    @functools.cached_property
    def decided(self) -> np.ndarray:
        """(N,) the place of the most probable class; a temperature never changes it."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @functools.cached_property
    def confidences(self) -> np.ndarray:
        """(N,) the probability of that class, 0 to 1."""
        return np.asarray(self.probabilities.max(axis=1))

    @functools.cached_property
    def calibrated(self) -> np.ndarray | None:
        """(N,) the same after temperature scaling; None without a temperature."""
        return None if self.temperature is None else scale(self.probabilities, self.temperature).max(axis=1)

    @functools.cached_property
    def unlike(self) -> np.ndarray:
        """(N,) bool: the picture is farther from the training pictures than nearly all of val's; False where nobody knows."""
        if self.farther_than is None:
            return np.zeros(len(self.probabilities), bool)
        return np.asarray(self.farther_than >= SHARE)

    def first(self, count: int) -> Answers:
        """The first so many of them."""
        farther_than = None if self.farther_than is None else self.farther_than[:count]
        return replace(self, probabilities=self.probabilities[:count], farther_than=farther_than)

    def top(self, row: int, count: int = BARS) -> list[tuple[str, float]]:
        """The most probable classes of one picture with their probabilities, first the likeliest; equals in the classes' order."""
        best = np.argsort(-self.probabilities[row], kind="stable")[:count]
        return [(self.classes[place], float(self.probabilities[row, place])) for place in best]


def answers(
    predictions: Predictions, probabilities: np.ndarray, farther_than: np.ndarray | None = None, *, mirror: bool = False
) -> Answers:
    """The answers of the run whose val `predictions` say its classes and how far its sureness can be trusted.

    Those with a `mirror` have no temperature: val was answered without.
    """
    fit = None if mirror else fit_temperature(predictions)
    temperature = None if fit is None else fit.value
    return Answers(predictions.classes, probabilities.astype(np.float64), temperature, farther_than, mirror)


def unlike_text(farther_than: float, val_count: int) -> str:
    """What is said of a picture that is unlike, in two sentences: how many of so many val pictures are nearer to training."""
    val_count = min(val_count, MOST_VAL)
    return (
        f"Unlike the training pictures: as the network sees it, it is farther from the nearest of them than "
        f"{round(farther_than * val_count):,} of {val_count:,} val pictures are. What is said of such a picture may mean little."
    )
