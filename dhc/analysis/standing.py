"""Where a run stands among those that were judged on the same pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dhc.runs.store import RunInfo


@dataclass(frozen=True)
class Standing:
    """A run's place by best val_accuracy.

    place   from 1, the same for equals
    count   of runs, itself among them
    ties    others with the very same figure
    other   the run to set beside it: the best, or for the best the next; None where there is no other
    """

    place: int
    count: int
    ties: int
    other: RunInfo | None


def standing_of(info: RunInfo, comparable: Iterable[RunInfo]) -> Standing | None:
    """The standing of a run among `comparable` ones, itself among them or not; None where val has not judged it."""
    own = info.best_val_accuracy
    if own is None:
        return None
    others = [(run.best_val_accuracy, run) for run in comparable if run.id != info.id]
    scores = [(score, run) for score, run in others if score is not None]
    return Standing(
        place=1 + sum(score > own for score, _ in scores),
        count=1 + len(scores),
        ties=sum(score == own for score, _ in scores),
        other=max(scores, key=lambda pair: pair[0])[1] if scores else None,
    )
