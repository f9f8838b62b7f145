"""Members of an ensemble taken one by one, and what that choice is worth on pictures that did not make it.

As in Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models" (2004), each run at most once. Members
that val chose look better on val than they are, so the choice is made by one half of val and judged on the other, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dhc.analysis.ensemble import SharedAnswers
from dhc.analysis.optimism import ENOUGH, halves
from dhc.text import count_text

MOST_STEPS = 10  # members that are taken one by one
SPLITS = 20  # ways to halve val


@dataclass(frozen=True)
class Step:
    """A run taken into the ensemble: its place, and how many pictures the ensemble has right with it."""

    run: int
    right: int


@dataclass(frozen=True)
class Choice:
    """Members taken one by one by one half of val and judged on the other: means over `splits` halvings, 0 to 1.

    choosing   the ensemble's accuracy on the half that chose
    held_back  on the other half
    single     that of the best single run of the choosing half, on the other half
    """

    choosing: float
    held_back: float
    single: float
    splits: int


def greedy(answers: SharedAnswers) -> tuple[Step, ...]:
    """Members taken one by one: first the best run, then each time the one with which the ensemble has most pictures right.

    Of equals the first. At most MOST_STEPS.
    """
    return _greedy(_Sets(answers), np.ones(len(answers.ids), bool), MOST_STEPS, to_the_end=True)


def suggested(path: Sequence[Step]) -> tuple[int, ...]:
    """The places of the first members, up to where the next one brings no further picture."""
    count = next((n for n in range(1, len(path)) if path[n].right <= path[n - 1].right), len(path))
    return tuple(step.run for step in path[:count])


def judge_choice(answers: SharedAnswers, splits: int = SPLITS) -> Choice | None:
    """What such a choice is worth on pictures that did not make it; None where val is too small to be halved."""
    if len(answers.ids) < ENOUGH:
        return None
    sets, rows = _Sets(answers), []
    for half in halves(answers.ids, splits).T:
        if not half.any() or half.all():
            continue
        path = _greedy(sets, half, MOST_STEPS, to_the_end=False)
        members = suggested(path)
        right, single = sets.right(members), sets.right(members[:1])
        rows.append((right[half].mean(), right[~half].mean(), single[~half].mean()))
    if not rows:
        return None
    choosing, held_back, alone = np.mean(rows, axis=0).tolist()
    return Choice(choosing, held_back, alone, len(rows))


class _Sets:
    """Which pictures each set of runs has right together, worked out once."""

    def __init__(self, answers: SharedAnswers) -> None:
        self._probabilities, self._true = answers.probabilities, answers.true
        self._right: dict[tuple[int, ...], np.ndarray] = {(i,): row for i, row in enumerate(answers.right)}
        self._base: tuple[int, ...] = ()
        self._sum = np.zeros(answers.probabilities.shape[1:])

    def __len__(self) -> int:
        return len(self._probabilities)

    def right(self, members: Sequence[int]) -> np.ndarray:
        """(M,) bool; the last member is the one that is being tried."""
        key = tuple(sorted(members))
        if key not in self._right:
            base = tuple(members[:-1])
            if base != self._base:
                self._base, self._sum = base, self._probabilities[list(base)].sum(axis=0, dtype=np.float64)
            self._right[key] = (self._sum + self._probabilities[members[-1]]).argmax(axis=1) == self._true
        return self._right[key]


def _greedy(sets: _Sets, pictures: np.ndarray, limit: int, *, to_the_end: bool) -> tuple[Step, ...]:
    """The steps, judged on the (M,) bool `pictures`; unless `to_the_end`, up to the first that brings nothing."""
    path: list[Step] = []
    while len(path) < min(limit, len(sets)):
        members = [step.run for step in path]
        rest = [run for run in range(len(sets)) if run not in members]
        counts = [int(sets.right([*members, run])[pictures].sum()) for run in rest]
        at = int(np.argmax(counts))
        path.append(Step(rest[at], counts[at]))
        if not to_the_end and len(path) > 1 and path[-1].right <= path[-2].right:
            break
    return tuple(path)


def suggestion_text(path: Sequence[Step], pictures: int) -> str:
    """Return ``These 3 together: 0.870. Adding the next brings nothing.``, or that no second run adds to the best one."""
    count, runs = len(suggested(path)), len(path)
    reached = f"{path[count - 1].right / pictures:.3f}"
    if count == 1:
        return f"The best run alone has {reached} right, and no second run adds to it."
    if count < runs:
        return f"These {count} together: {reached}. Adding the next brings nothing."
    return f"These {count} together: {reached}. Each of them brought something."


def choice_text(choice: Choice | None) -> str:
    """What the suggestion is worth on pictures that did not choose it, in a sentence."""
    if choice is None:
        return f"Val chose them and val judges them, which flatters; it has fewer than {ENOUGH} pictures, too few to say by how much."
    gain = 100 * (choice.held_back - choice.single)
    verdict = (
        f"expect {gain:+.1f} points against the best single run"
        if round(gain, 1) > 0
        else "expect no gain over the best single run"
    )
    return (
        f"Val chose them and val judges them, which flatters. Chosen by one half of val they reach {choice.choosing:.3f} on it and "
        f"{choice.held_back:.3f} on the other, where the best single run of the first half has {choice.single:.3f}: {verdict} "
        f"(means over {count_text(choice.splits, 'halving')})."
    )
