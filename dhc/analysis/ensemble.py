"""Several runs on the same val pictures: how far they agree, and what the mean of their probabilities answers.

Sources: kappa as in Cohen, Educational and Psychological Measurement 20:37 (1960); double fault as in Giacinto and Roli, Image and
Vision Computing 19:699 (2001); the oracle as in Kuncheva and Whitaker, Machine Learning 51:181 (2003); the mean of probabilities as in
Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty estimation using deep ensembles" (2017).

Probabilities are averaged as each run gives them, not calibrated: a temperature would be fitted on the very pictures that judge the
ensemble, and the shares of votes of nearest neighbours have none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dhc.analysis.paired import all_reviewed_text
from dhc.analysis.significance import ContingencyTable, mcnemar_p, wilson
from dhc.errors import RunError
from dhc.runs.records import Predictions

MOST = 20  # runs at once


@dataclass(frozen=True, eq=False)
class SharedAnswers:
    """What R runs said of the M val pictures that all of them were judged on, in the first run's order.

    runs           R ids
    ids            (M,) str, the pictures' files
    true           (M,) int64, index into classes
    predicted      (R, M) int64, index into classes
    probabilities  (R, M, K) float32; 0 for a class that the run does not know
    rows           (R, M) int64, the picture's row in each run's own predictions
    classes        K names: the first run's, then those that only others know
    left_out       how many pictures only some of the runs were judged on
    reviewed       how many all were judged on that a person reviewed away, for which nothing can be said
    """

    runs: tuple[str, ...]
    ids: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    rows: np.ndarray
    classes: tuple[str, ...]
    left_out: int
    reviewed: int = 0

    @property
    def right(self) -> np.ndarray:
        """(R, M) bool: which run has which picture right."""
        return np.asarray(self.predicted == self.true)

    def of(self, runs: Sequence[str]) -> SharedAnswers:
        """Those of some of the runs, in their order here, on the same pictures."""
        at = [place for place, run in enumerate(self.runs) if run in runs]
        some = tuple(self.runs[place] for place in at)
        return SharedAnswers(
            some,
            self.ids,
            self.true,
            self.predicted[at],
            self.probabilities[at],
            self.rows[at],
            self.classes,
            self.left_out,
            self.reviewed,
        )


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The mean of the probabilities of all runs of some shared answers.

    predicted    (M,) int64, index into classes
    confidences  (M,) float64, the mean probability of that class
    right        (M,) bool
    best         place of the best single run, the first of equals
    table        the best single run, as A, against the ensemble, as B
    """

    predicted: np.ndarray
    confidences: np.ndarray
    right: np.ndarray
    best: int
    table: ContingencyTable

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0 to 1."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy."""
        return wilson(self.accuracy, len(self.right))

    @property
    def p(self) -> float:
        """McNemar's exact two-sided p of the ensemble against the best single run."""
        return mcnemar_p(self.table)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike R runs answer, each (R, R) float64, symmetric.

    same          share of the pictures that both give the same class
    kappa         the same beyond what chance gives, -1 to 1; NaN where both always answer one and the same class
    double_fault  share of the pictures that both have wrong
    """

    same: np.ndarray
    kappa: np.ndarray
    double_fault: np.ndarray


def line_up(predictions: Mapping[str, Predictions], without: Collection[str] = ()) -> SharedAnswers:
    """Align runs by picture, those `without`, and their classes by name; a file that is listed twice counts once.

    Raises RunError for fewer than two runs or more than MOST, where no picture is shared, and where two runs disagree about what a picture is.
    """
    if not 2 <= len(predictions) <= MOST:
        raise RunError(f"an ensemble takes 2 to {MOST} runs, not {len(predictions)}: name so many that differ")
    first, *others = predictions.values()
    shared = np.unique(first.ids.astype(str))
    for other in others:
        shared = np.intersect1d(shared, other.ids.astype(str))
    if not len(shared):
        raise RunError("the runs share no val picture: an ensemble needs runs on the same data set")
    count = len(shared)
    shared = shared[~np.isin(shared, list(without))] if without else shared
    if not len(shared):
        raise RunError(all_reviewed_text(count))
    rows = np.stack([_rows(one.ids, shared) for one in predictions.values()])
    rows = rows[:, np.argsort(rows[0])]
    classes = tuple(dict.fromkeys(name for one in predictions.values() for name in one.classes))
    numbers = [np.array([classes.index(name) for name in one.classes]) for one in predictions.values()]
    true = [number[one.y_true[at]] for one, number, at in zip(predictions.values(), numbers, rows, strict=True)]
    ids = first.ids[rows[0]]
    _refuse_other_labels(tuple(predictions), ids, true, classes)
    probabilities = np.zeros((len(rows), len(ids), len(classes)), np.float32)
    for place, (one, number, at) in enumerate(zip(predictions.values(), numbers, rows, strict=True)):
        probabilities[place][:, number] = one.probabilities[at]
    predicted = [number[one.predicted[at]] for one, number, at in zip(predictions.values(), numbers, rows, strict=True)]
    everything = {str(name) for one in predictions.values() for name in one.ids}
    left_out, reviewed = len(everything) - count, count - len(ids)
    return SharedAnswers(
        tuple(predictions), ids, true[0], np.stack(predicted), probabilities, rows, classes, left_out, reviewed
    )


def _rows(ids: np.ndarray, names: np.ndarray) -> np.ndarray:
    """(M,) int64: where each of the sorted names stands first among the ids."""
    known, at = np.unique(ids.astype(str), return_index=True)
    return np.asarray(at[np.searchsorted(known, names)])


def _refuse_other_labels(
    runs: Sequence[str], ids: np.ndarray, true: Sequence[np.ndarray], classes: Sequence[str]
) -> None:
    for run, labels in zip(runs[1:], true[1:], strict=True):
        other = np.flatnonzero(labels != true[0])
        if len(other):
            at = other[0]
            raise RunError(
                f"{runs[0]} and {run} disagree about what {len(other):,} of {len(ids):,} shared pictures are "
                f"({str(ids[at])[:60]} is {classes[true[0][at]][:40]} to one and {classes[labels[at]][:40]} to the other): "
                "choose runs on the same labels"
            )


def combine(answers: SharedAnswers) -> Ensemble:
    """The ensemble of all these runs; of equal means the first class is its answer."""
    mean = answers.probabilities.mean(axis=0, dtype=np.float64)
    predicted = mean.argmax(axis=1)
    right = predicted == answers.true
    counts = answers.right.sum(axis=1)
    best = int(counts.argmax())
    return Ensemble(predicted, mean.max(axis=1), right, best, _table(answers.right[best], right))


def _table(a: np.ndarray, b: np.ndarray) -> ContingencyTable:
    return ContingencyTable(int((a & b).sum()), int((~a & b).sum()), int((a & ~b).sum()), int((~a & ~b).sum()))


def agreement(answers: SharedAnswers) -> Agreement:
    """How alike each two of the runs answer."""
    predicted, wrong, k = answers.predicted, ~answers.right, len(answers.classes)
    same = np.array([(predicted == one).mean(axis=1) for one in predicted])
    shares = np.array([np.bincount(one, minlength=k) / len(one) for one in predicted])
    chance = shares @ shares.T
    with np.errstate(invalid="ignore", divide="ignore"):
        kappa = np.where(chance < 1 - 1e-12, (same - chance) / (1 - chance), np.nan)
    return Agreement(same, kappa, np.array([(wrong & one).mean(axis=1) for one in wrong]))


def mean_of_pairs(values: np.ndarray) -> float:
    """The mean of an (R, R) table over each two different runs; NaN where there is none that is a number."""
    pairs = values[np.triu_indices(len(values), 1)]
    pairs = pairs[np.isfinite(pairs)]
    return float(pairs.mean()) if len(pairs) else float("nan")
