"""How sure a network is, and whether it is right as often as it says.

Sources: reliability diagrams and the expected calibration error (ECE) with bins of equal width, and temperature scaling, as in Guo,
Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017); accuracy against the share answered as in Geifman and
El-Yaniv, "Selective classification for deep neural networks" (2017).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from dhc.analysis.significance import wilson
from dhc.runs.records import Predictions

BINS = 15  # of equal width, as in Guo et al.
RESAMPLES = 1000  # of the bootstrap
TEMPERATURES = (0.05, 20.0)  # between which the fit looks
FLOOR, COARSEST = float(np.finfo(np.float32).tiny), 5e-5  # for what was rounded to 0: of float32, and of four digits
FEWEST = 20  # pictures; below them a temperature would fit their accidents


@dataclass(frozen=True)
class Sureness:
    """What there is to say of N answers.

    confidences  (N,) the probability of the predicted class, 0 to 1
    right        (N,) bool
    log_loss     mean of -ln of the true class's probability
    """

    confidences: np.ndarray
    right: np.ndarray
    log_loss: float

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.right.mean())

    @property
    def overconfidence(self) -> float:
        """Mean confidence minus accuracy, -1 to 1: above 0 it promises too much."""
        return float(self.confidences.mean() - self.right.mean())

    @functools.cached_property
    def ece(self) -> float:
        """Expected calibration error, 0 to 1: by how much confidence and accuracy differ on average."""
        return float(_eces(self.confidences, self.right, np.ones((1, len(self.right))))[0])


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above `low` and up to `high`; `interval` is Wilson's 95% one of their accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class TemperatureFit:
    """One number that divides the logits, fitted on half of val and judged on the other.

    value           above 1 makes the network less sure, below 1 surer
    before, after   that other half, as it was and with the temperature
    """

    value: float
    before: Sureness
    after: Sureness


@dataclass(frozen=True)
class Threshold:
    """What happens if only answers of at least this confidence are given.

    share     of the pictures answered, 0 to 1
    accuracy  among them; None where none is answered
    caught    mistakes that are held back
    lost      right answers that are held back
    """

    confidence: float
    share: float
    accuracy: float | None
    caught: int
    lost: int


def sureness(predictions: Predictions, temperature: float = 1.0) -> Sureness:
    """The answers of the best epoch's network, at a temperature. Raises ValueError where there are none."""
    return _sureness(predictions.probabilities, predictions.y_true, temperature)


def _sureness(probabilities: np.ndarray, y_true: np.ndarray, temperature: float) -> Sureness:
    if not len(y_true):
        raise ValueError("there is no answer to judge: it takes at least one")
    scaled = scale(probabilities, temperature)
    rows = np.arange(len(y_true))
    loss = float(-np.log(np.maximum(scaled[rows, y_true], _floor(probabilities))).mean()) + 0.0  # never -0.000
    return Sureness(scaled.max(axis=1), scaled.argmax(axis=1) == y_true, loss)


def scale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """(N, K) float64: the softmax of the same logits divided by `temperature`, which is above 0; rows sum to 1."""
    if temperature == 1:
        return np.asarray(probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), FLOOR), dtype=np.float64)
    logits = np.log(np.maximum(probabilities.astype(np.float64), _floor(probabilities))) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _floor(probabilities: np.ndarray) -> float:
    """What a stored 0 stands for: half of the least that was not rounded away. The log of 0 would make a few pictures the whole loss."""
    positive = probabilities[probabilities > 0]
    return float(np.clip(positive.min() / 2, FLOOR, COARSEST)) if len(positive) else FLOOR


def reliability(answers: Sureness, bins: int = BINS) -> tuple[Bin, ...]:
    """The bins that hold an answer, by rising confidence."""
    places = _bins(answers.confidences, bins)
    found = []
    for place in np.unique(places):
        inside = places == place
        count, accuracy = int(inside.sum()), float(answers.right[inside].mean())
        confidence = float(answers.confidences[inside].mean())
        found.append(Bin(place / bins, (place + 1) / bins, count, confidence, accuracy, wilson(accuracy, count)))
    return tuple(found)


def ece_interval(answers: Sureness, seed: int = 0) -> tuple[float, float]:
    """The middle 95% of the ECE over RESAMPLES bootstrap samples of the pictures.

    Chance alone makes an ECE larger than 0, and a resample adds some more: the interval of few pictures lies high.
    """
    n = len(answers.right)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    low, high = np.quantile(_eces(answers.confidences, answers.right, counts), [0.025, 0.975])
    return float(low), float(high)


def fit_temperature(predictions: Predictions, seed: int = 0) -> TemperatureFit | None:
    """The temperature of the lowest log loss on a random half of val; None for fewer than 2 * FEWEST pictures, or one class alone."""
    n = len(predictions.y_true)
    if n < 2 * FEWEST or len(predictions.classes) < 2:  # one class has its answer whatever the temperature
        return None
    from scipy.optimize import minimize_scalar  # half a second, only where it is needed

    order = np.random.default_rng(seed).permutation(n)
    fitted, judged = order[: n // 2], order[n // 2 :]
    probabilities, y_true = predictions.probabilities, predictions.y_true

    def loss(log_temperature: float) -> float:
        return _sureness(probabilities[fitted], y_true[fitted], float(np.exp(log_temperature))).log_loss

    bounds = tuple(np.log(TEMPERATURES))
    value = float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
    before, after = (_sureness(probabilities[judged], y_true[judged], t) for t in (1.0, value))
    return TemperatureFit(value, before, after)


def coverage_curve(answers: Sureness) -> tuple[np.ndarray, np.ndarray]:
    """Share of the pictures answered, the surest first, and the accuracy among them.

    Both (M,) ascending in the share; answers of equal confidence come together.
    """
    order = np.argsort(-answers.confidences, kind="stable")
    sorted_confidences = answers.confidences[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(sorted_confidences)), len(order) - 1)
    hits = np.cumsum(answers.right[order])
    return (last_of_equals + 1) / len(order), hits[last_of_equals] / (last_of_equals + 1)


def at_threshold(answers: Sureness, confidence: float) -> Threshold:
    """What answering only from this confidence on would do."""
    answered = answers.confidences >= confidence
    held_back = ~answered
    return Threshold(
        confidence=confidence,
        share=float(answered.mean()),
        accuracy=float(answers.right[answered].mean()) if answered.any() else None,
        caught=int((held_back & ~answers.right).sum()),
        lost=int((held_back & answers.right).sum()),
    )


def highest_aim(label_smoothing: float, classes: int) -> float:
    """The probability at which training with label smoothing stops pushing the true class: 1 - s + s / K."""
    return 1 - label_smoothing + label_smoothing / classes


def _bins(confidences: np.ndarray, bins: int) -> np.ndarray:
    """(N,) the place of each confidence's bin, from 0; the bins are open below and closed above."""
    return np.asarray(np.clip(np.ceil(confidences * bins).astype(int) - 1, 0, bins - 1))


def _eces(confidences: np.ndarray, right: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(R,) the ECE of each of R samples, given as how often each answer is in it, (R, N)."""
    surplus = confidences - right
    places = _bins(confidences, BINS)
    by_bin = [np.abs(counts[:, places == place] @ surplus[places == place]) for place in np.unique(places)]
    return np.asarray(np.sum(by_bin, axis=0) / counts.sum(axis=1))
