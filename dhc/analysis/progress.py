"""How far a run is: its position, and the patience it has used up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dhc.runs.course import UNDISTURBED, Course
from dhc.runs.records import History

RECENT = 5  # epochs, by whose median the rest is forecast


@dataclass(frozen=True)
class Patience:
    """`wait` of `patience` epochs since val_accuracy last improved or the rate last dropped.

    `exhausted`: the rate already stands at its minimum, so nothing will drop any more and `wait` may pass `patience`.
    """

    wait: int
    patience: int
    exhausted: bool = False


def patience(
    history: History, *, patience: int, min_lr: float, min_delta: float = 1e-4, course: Course = UNDISTURBED
) -> Patience:
    """Where Keras's ReduceLROnPlateau stands after the epochs so far.

    As `ReduceLROnPlateau(monitor="val_accuracy", mode="max", cooldown=0)` of Keras 3.15: an epoch is better when its
    val_accuracy exceeds the best one by more than min_delta; otherwise the wait grows by one; when it reaches
    `patience` (epochs), the rate drops and the wait starts at 0 again, but only if the rate used in that epoch was
    above `min_lr`. At the minimum the wait goes on growing. By the `course`, another patience may hold from an epoch on, and
    behind a junction it may have begun to count anew.
    """
    accuracy, rates = (history.epochs[name].to_numpy(dtype=np.float64) for name in ("val_accuracy", "learning_rate"))
    numbers = history.epochs["epoch"].tolist()
    wait, beginning = 0, _counts_from(course)
    best: float | None = None
    for number, current, rate in zip(numbers, accuracy.tolist(), rates.tolist(), strict=True):
        if number <= beginning:
            continue
        if best is None or _exceeds(current - min_delta, best):
            best, wait = current, 0
            continue
        wait += 1
        if wait >= course.value("patience", number, patience) and _exceeds(rate, min_lr):
            wait = 0
    now = int(course.value("patience", 1 + max(numbers, default=0), patience))
    return Patience(wait, now, exhausted=history.rate is not None and not _exceeds(history.rate, min_lr))


def _counts_from(course: Course) -> int:
    """The last epoch after which the plateau counted from nothing: begun anew, from a best network, or with another schedule."""
    anew = [
        branch.epoch
        for branch in course.branches
        if branch.schedule == "restart"
        or branch.network == "best"
        or not {"schedule.name", "schedule.monitor"}.isdisjoint(branch.before)
    ]
    return max(anew, default=0)


def fraction_done(history: History, epochs_total: int) -> float:
    """The share of the run that is done, 0 to 1; part of an epoch counts: 2.5 of 10 are 0.25."""
    return min(max(position(history) / epochs_total, 0.0), 1.0) if epochs_total > 0 else 0.0


def seconds_left(history: History, epochs_total: int) -> float | None:
    """Seconds until the last epoch ends, by the median of the RECENT last ones; None before there is a measure.

    The first epoch, in which the backend compiles, counts only where nothing is known but that; until the second one has ended,
    the batches since the first of them do.
    """
    left = max(0.0, epochs_total - position(history))
    seconds = history.epochs["seconds"].to_numpy(dtype=np.float64)
    later = seconds[1:][-RECENT:]
    later = later[np.isfinite(later)]
    if len(later):
        return left * float(np.median(later))
    # Of a run that was resumed, the batches would tell of the pause, too.
    known = [pace for pace in (_seconds_by_batches(history), *seconds[:1]) if pace is not None and math.isfinite(pace)]
    return left * min(known) if known else None


def _seconds_by_batches(history: History) -> float | None:
    """Of an epoch, by the first and the last batch; None where there are no two."""
    moments, places = (history.batches[name].to_numpy(dtype=np.float64) for name in ("t", "position"))
    if len(places) < 2 or not places[-1] > places[0]:
        return None
    return max(0.0, float(moments[-1] - moments[0])) / float(places[-1] - places[0])


def steadied(shown: float | None, estimate: float) -> float:
    """The seconds left to show after those `shown` last: on the way to the estimate, by a factor of 2 at most.

    Half of the way, as factors count it; 0 only where the estimate is 0.
    """
    if shown is None or shown <= 0 or estimate <= 0:
        return estimate
    return shown * min(2.0, max(0.5, math.sqrt(estimate / shown)))


def epoch(history: History, epochs_total: int | None) -> int:
    """The number of the epoch that runs, from 1; the last one's once all are done. None: nobody knows how many there will be."""
    after = int(position(history)) + 1
    return max(1, after if epochs_total is None else min(after, epochs_total))


def position(history: History) -> float:
    """Epochs so far, by the last batch or the last finished epoch: 2.37 is in the third."""
    batch = history.batches["position"].iloc[-1] if len(history.batches) else 0.0
    epoch = history.epochs["epoch"].iloc[-1] if len(history.epochs) else 0
    return float(max(batch, epoch))


def _exceeds(a: float, b: float) -> bool:
    """a > b as Keras compares: in float32."""
    return bool(np.float32(a) > np.float32(b))
