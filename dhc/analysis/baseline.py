"""How far a run is ahead of a baseline, where the two can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class Lead:
    """A run's best val_accuracy against the baseline's.

    points    percentage points that it is higher, below 0 where it is lower; None where they cannot be compared
    percent   the same as a share of the baseline's, in percent; None also where that is 0
    reason    why they cannot be compared, "" where they can
    """

    points: float | None = None
    percent: float | None = None
    reason: str = ""


def lead(info: RunInfo, baseline: RunInfo, pictures: Mapping[str, int]) -> Lead:
    """How far a run is ahead of the baseline. `pictures` are numbers by run, equal for the same pictures."""
    own, base = info.best_val_accuracy, baseline.best_val_accuracy
    if info.id == baseline.id:
        return Lead(reason="the baseline")
    if own is None or base is None:
        return Lead(reason="no epoch has ended" if own is None else "the baseline has no result")
    mine, theirs = pictures.get(info.id), pictures.get(baseline.id)
    if mine is None or theirs is None or mine != theirs:
        known = mine is not None and theirs is not None
        return Lead(reason="other pictures" if known else "its pictures are not known")
    difference = 100 * (own - base)
    return Lead(difference, difference / base if base else None)
